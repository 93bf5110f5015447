"""What a Django project's settings need besides its own."""

import os

# Where the deployment is reached, and an API key of it (`npm run keys`) with tasks:write and tasks:read.
LOVAGE_URL = os.environ.get("LOVAGE_URL", "http://localhost:8787")
LOVAGE_TOKEN = os.environ.get("LOVAGE_TOKEN")
# The deployment's CALLBACK_SECRET; while it is being changed both, separated by a space.
LOVAGE_CALLBACK_SECRETS = os.environ.get("LOVAGE_CALLBACK_SECRETS", "").split()

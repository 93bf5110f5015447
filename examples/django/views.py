"""Two views: one calls a task, the other is told when it has ended."""

from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse, JsonResponse
from django.urls import path, reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from .lovage import Client, verified

client = Client(settings.LOVAGE_URL, settings.LOVAGE_TOKEN)


@require_POST
def welcome(request, user_id):
    """Sends a mail in the background. Pressed twice, it is sent once."""
    task_id = client.delay(
        "send_welcome_email",
        user_id=user_id,
        idempotency_key=f"welcome-{user_id}",
        options={"callback_url": request.build_absolute_uri(reverse("task-ended"))},
    )
    return JsonResponse({"task_id": task_id}, status=202)


@csrf_exempt
@require_POST
def task_ended(request):
    """Lovage calls this; its signature stands for a CSRF token."""
    said = verified(request.headers, request.body, settings.LOVAGE_CALLBACK_SECRETS)
    if said is None:
        return HttpResponse(status=401)
    # A delivery may come twice; a day is longer than its tries are apart.
    if cache.add(f"lovage-{request.headers['webhook-id']}", True, timeout=86_400):
        print(said["type"], said["data"]["task_id"], said["data"]["result"])
    return HttpResponse(status=204)


urlpatterns = [
    path("users/<int:user_id>/welcome/", welcome),
    path("lovage/ended/", task_ended, name="task-ended"),
]

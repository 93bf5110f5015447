"""Calls tasks of a Lovage deployment, and checks what it tells us. Needs nothing but Python's own library.

In Django the client is made of the settings, once:

    from django.conf import settings
    client = Client(settings.LOVAGE_URL, settings.LOVAGE_TOKEN)
"""

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.parse
import urllib.request

# The longest that one request may wait for a task, seconds.
MAX_WAIT = 50


class LovageError(Exception):
    """A request that was refused. `code` is for programs; `errors` names the fields that don't fit."""

    def __init__(self, status, problem):
        super().__init__(problem.get("detail", f"The deployment answered {status}."))
        self.status = status
        self.code = problem.get("code")
        self.errors = problem.get("errors", [])


class TaskFailed(Exception):
    """A task that ended without a result."""

    def __init__(self, task):
        error = task.get("error") or {}
        super().__init__(f"{error.get('exc_type', task['state'])}: {error.get('exc_message', '')}")
        self.task = task


class Client:
    def __init__(self, url, token=None):
        self.url = url.rstrip("/")
        self.token = token

    def request(self, method, path, body=None, headers=None, timeout=30):
        """What a path of the API answers. Raises LovageError."""
        headers = dict(headers or {})
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            try:
                problem = json.load(error)
            except ValueError:
                problem = {}
            raise LovageError(error.code, problem) from None

    def delay(self, name, /, idempotency_key=None, options=None, **kwargs):
        """Calls a task, as Celery's `delay`; answers its id.

        A request that is lost on its way can be sent again with the same `idempotency_key`: the task is
        called once. `options` are those of the API: countdown, queue, callback_url and so on.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        body = {**(options or {}), "name": name, "kwargs": kwargs}
        return self.request("POST", "/api/tasks/", body, headers)["task_id"]

    def result(self, task_id, timeout=60):
        """What a task returned; waits for its end. Raises TaskFailed, TimeoutError, LovageError."""
        until = time.monotonic() + timeout
        quoted = urllib.parse.quote(task_id, safe="")
        while True:
            wait = max(0, min(MAX_WAIT, until - time.monotonic()))
            path = f"/api/tasks/{quoted}/?wait={wait:.3f}"
            task = self.request("GET", path, timeout=wait + 30)
            if task["state"] == "SUCCESS":
                if "result_url" in task:
                    return self.request("GET", task["result_url"])
                return task["result"]
            if task["finished_at"] is not None:
                raise TaskFailed(task)
            if time.monotonic() >= until:
                raise TimeoutError(f"The task {task_id} is still {task['state']}.")


def verified(headers, body, secrets, tolerance=300):
    """The JSON of a callback that this deployment signed (Standard Webhooks); None: nobody may trust it.

    `body` is the raw body, `secrets` the deployment's CALLBACK_SECRET, and while it is being changed the
    one before too. Remember `webhook-id`: a delivery may come twice.
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > tolerance:
        return None
    content = f"{message_id}.{timestamp}.".encode() + body
    given = headers.get("webhook-signature", "").encode().split()
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        digest = hmac.new(key, content, hashlib.sha256).digest()
        expected = b"v1," + base64.b64encode(digest)
        if any(hmac.compare_digest(expected, each) for each in given):
            return json.loads(body)
    return None

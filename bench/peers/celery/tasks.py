"""The bench's tasks as a Celery user writes them, with what Celery does by default."""

import http.client
import os
from urllib.parse import urlsplit

from celery import Celery

BROKER = os.environ["PEER_REDIS"]

app = Celery("tasks", broker=f"{BROKER}/0", backend=f"{BROKER}/1")
if os.environ.get("PEER_ACKS_LATE") == "1":
    app.conf.task_acks_late = True
    app.conf.task_reject_on_worker_lost = True

# One kept-alive connection for each process and host: the fastest that a task can do.
connections = {}


def request(method, url, body=None):
    """Asks over a connection of this process. Returns the status."""
    parts = urlsplit(url)
    connection = connections.get(parts.netloc)
    if connection is None:
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        connections[parts.netloc] = connection
    connection.request(method, parts.path, body=body)
    answer = connection.getresponse()
    answer.read()
    return answer.status


@app.task
def noop(n):
    return n


@app.task
def size(values):
    """A chord's body."""
    return len(values)


@app.task
def get(url):
    return request("GET", url)


@app.task
def effect(url, n):
    request("GET", f"{url}{n}")
    return request("POST", f"{url}{n}")

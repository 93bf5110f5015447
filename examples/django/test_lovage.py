"""Against a deployment that runs: LOVAGE_URL says where, LOVAGE_CALLBACK_SECRETS what it signs with.

    LOVAGE_URL=http://localhost:8787 python3 -m unittest
"""

import http.server
import os
import threading
import time
import unittest

from lovage import Client, LovageError, TaskFailed, verified

URL = os.environ["LOVAGE_URL"]
SECRETS = os.environ["LOVAGE_CALLBACK_SECRETS"].split()


class Receiver(http.server.BaseHTTPRequestHandler):
    """What a view of Django would be called with."""

    received = []
    arrived = threading.Event()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.headers, body))
        self.send_response(204)
        self.end_headers()
        self.arrived.set()

    def log_message(self, *args):
        """Nothing: what comes is looked at by the test."""


class LovageTest(unittest.TestCase):
    def setUp(self):
        self.client = Client(URL, os.environ.get("LOVAGE_TOKEN"))

    def test_a_task_is_called_and_its_result_read(self):
        task_id = self.client.delay("process_data", data="hello")
        self.assertEqual(self.client.result(task_id), {"processed_data": "HELLO"})

    def test_the_same_key_is_the_same_call(self):
        key = f"test-{time.time_ns()}"
        ids = {self.client.delay("process_data", key, data="once") for _ in range(3)}
        self.assertEqual(len(ids), 1)

    def test_what_does_not_fit_is_named(self):
        with self.assertRaises(LovageError) as caught:
            self.client.delay("process_data", data=7)
        self.assertEqual(caught.exception.code, "invalid_request")
        self.assertEqual(caught.exception.errors[0]["field"], "kwargs.data")

    def test_a_task_that_was_called_off_has_no_result(self):
        task_id = self.client.delay("process_data", data="x", options={"countdown": 3600})
        self.client.request("POST", f"/api/tasks/{task_id}/revoke/", {})
        with self.assertRaises(TaskFailed):
            self.client.result(task_id)

    def test_a_task_that_takes_longer_times_out(self):
        task_id = self.client.delay("process_data", data="x", options={"countdown": 3600})
        with self.assertRaises(TimeoutError):
            self.client.result(task_id, timeout=0.2)

    def test_a_callback_is_verified_and_a_forged_one_is_not(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        callback_url = f"http://127.0.0.1:{server.server_port}/lovage/ended/"
        options = {"callback_url": callback_url}
        task_id = self.client.delay("process_data", data="told", options=options)
        self.assertTrue(Receiver.arrived.wait(30), "no callback came")
        headers, body = Receiver.received[0]
        said = verified(headers, body, SECRETS)
        self.assertEqual(said["data"]["task_id"], task_id)
        self.assertEqual(said["data"]["result"], {"processed_data": "TOLD"})
        self.assertIsNone(verified(headers, body + b" ", SECRETS))
        self.assertIsNone(verified(headers, body, ["whsec_b3RoZXI="]))
        late = {**headers, "webhook-timestamp": str(int(time.time()) - 3600)}
        self.assertIsNone(verified(late, body, SECRETS))


if __name__ == "__main__":
    unittest.main()

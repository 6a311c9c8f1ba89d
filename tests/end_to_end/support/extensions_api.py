"""Lambda's Extensions API, for tests that say themselves when an INVOKE event comes.

The emulator of AWS sends one only with an invocation of a function.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support.served import Served

REGISTERED = {"functionName": "function-under-test", "functionVersion": "$LATEST", "handler": "none"}


class ExtensionsApi(Served):
    """Sends an INVOKE event every `pace` seconds, and one for each `invoke`."""

    def __init__(self, pace: float | None = None) -> None:
        self._pace = pace
        self._invoked = threading.Semaphore(0)
        self.events = 0
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(self))
        server.daemon_threads = True
        server.block_on_close = False
        super().__init__(server)

    @property
    def environment(self) -> dict[str, str]:
        return {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.port}"}

    def invoke(self) -> None:
        self._invoked.release()

    def next_event(self) -> dict[str, Any] | None:
        """None once there are no more."""
        while not self._closing.is_set():
            if self._invoked.acquire(timeout=self._pace or 0.05) or self._pace:
                self.events += 1
                return {
                    "eventType": "INVOKE",
                    "deadlineMs": int((time.time() + 3) * 1000),
                    "requestId": f"00000000-0000-0000-0000-{self.events:012}",
                    "invokedFunctionArn": "arn:aws:lambda:eu-central-1:123456789012:function:function-under-test",
                }
        return None


def handler_for(api: ExtensionsApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._reply(REGISTERED)

        def do_GET(self) -> None:
            event = api.next_event()
            if event is None:
                self.close_connection = True
            else:
                self._reply(event)

        def _reply(self, body: dict[str, Any]) -> None:
            encoded = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Lambda-Extension-Identifier", "b4f9d1a2-0000-4000-8000-000000000001")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)
            self.wfile.flush()

        def log_message(self, format: str, *arguments: Any) -> None:
            """The events are counted."""

    return Handler

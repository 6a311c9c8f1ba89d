"""Answers as Lambda's credentials endpoint does for a function with SnapStart, and counts."""

import datetime
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from support.private_words import CREDENTIAL_MARK, SECRET_ACCESS_KEY

AUTHORIZATION = f"{CREDENTIAL_MARK}-authorization-token"


class CredentialsEndpoint:
    """Gives the session token `session_token`, which a test may change, valid for `lifetime`."""

    def __init__(self, session_token: str) -> None:
        self.session_token = session_token
        self.lifetime = datetime.timedelta(hours=1)
        self.status = 200
        """What it answers with; anything else brings no credentials."""
        self.hangs = threading.Event()
        """While set, requests wait for their answer."""
        self._closing = threading.Event()
        self.requests = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(self))
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{self.server.server_address[1]}/2021-04-23/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": AUTHORIZATION,
        }

    def hold_back(self) -> None:
        while self.hangs.is_set() and not self._closing.wait(0.01):
            pass

    def credentials(self) -> bytes:
        self.requests += 1
        expiration = datetime.datetime.now(datetime.UTC) + self.lifetime
        return json.dumps({
            "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": SECRET_ACCESS_KEY, "Token": self.session_token,
            "Expiration": expiration.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }).encode()  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.set()
        self.server.shutdown()
        self.server.server_close()


def handler_for(endpoint: CredentialsEndpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            endpoint.hold_back()
            status = endpoint.status if self.headers["Authorization"] == AUTHORIZATION else 403
            body = endpoint.credentials() if status == 200 else b"{}"
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """The requests are counted."""

    return Handler

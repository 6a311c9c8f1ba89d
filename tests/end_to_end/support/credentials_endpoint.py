"""Answers as the credentials endpoints of Lambda's SnapStart, ECS and EKS Pod Identity do, and counts."""

import datetime
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from support.private_words import CREDENTIAL_MARK, SECRET_ACCESS_KEY
from support.served import Served

AUTHORIZATION = f"{CREDENTIAL_MARK}-authorization-token"


ECS, EKS = "169.254.170.2", "169.254.170.23"


class CredentialsEndpoint(Served):
    """Gives the session token `session_token`, which a test may change, valid for `lifetime`."""

    path = "/2021-04-23/credentials"

    def __init__(self, session_token: str, address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self.session_token = session_token
        self.lifetime = datetime.timedelta(hours=1)
        self.status = 200
        """What it answers with; anything else brings no credentials."""
        self.hangs = threading.Event()
        """While set, requests wait for their answer."""
        self.authorization: str | None = AUTHORIZATION
        self.failure: dict[str, str] | None = None
        self.requests = 0
        self.refused = 0
        super().__init__(ThreadingHTTPServer(address, handler_for(self)))

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{self.port}{self.path}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": AUTHORIZATION,
        }

    def hold_back(self) -> None:
        while self.hangs.is_set() and not self._closing.wait(0.01):
            pass

    def credentials(self) -> bytes:
        self.requests += 1
        if self.failure:
            return json.dumps(self.failure).encode()
        expiration = datetime.datetime.now(datetime.UTC) + self.lifetime
        return json.dumps({
            "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": SECRET_ACCESS_KEY, "Token": self.session_token,
            "Expiration": expiration.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }).encode()  # fmt: skip


class ContainerEndpoint(CredentialsEndpoint):
    """At the address that ECS or EKS has it at, on the loopback of the sandbox, which is ours alone.

    EKS writes what it wants to be shown into a file, and exchanges it.
    """

    def __init__(self, session_token: str, address: str, authorization_file: Path | None = None) -> None:
        self.address = address
        self.path = "/v1/credentials" if address == EKS else "/v2/credentials/2d9a1f4c-0000-4000-8000-000000000000"
        self._ip("add")
        super().__init__(session_token, (address, 80))
        self.authorization_file = authorization_file
        if authorization_file:
            authorization_file.write_text(AUTHORIZATION)
        else:
            self.authorization = None

    @property
    def environment(self) -> dict[str, str]:
        if self.address == ECS:
            return {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": self.path}
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{self.address}{self.path}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(self.authorization_file),
        }

    def _ip(self, do: str) -> None:
        subprocess.run(["ip", "address", do, f"{self.address}/32", "dev", "lo"], check=True)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        super().__exit__(kind, error, at)
        self._ip("del")


def handler_for(endpoint: CredentialsEndpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            endpoint.hold_back()
            allowed = (self.path, self.headers["Authorization"]) == (endpoint.path, endpoint.authorization)
            endpoint.refused += not allowed
            status = endpoint.status if allowed else 403
            body = endpoint.credentials() if status == 200 else b"{}"
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """The requests are counted."""

    return Handler

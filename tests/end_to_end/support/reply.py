"""What a client got for a request."""

import http.client
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error_type(self) -> str | None:
        return self.headers.get("X-Amzn-ErrorType")


def read_reply(response: http.client.HTTPResponse) -> Reply:
    return Reply(response.status, dict(response.getheaders()), response.read())

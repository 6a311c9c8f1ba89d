"""The stub that stands in for Secrets Manager, and what it has counted."""

import http.client
import json
from dataclasses import dataclass
from pathlib import Path

from bench import project
from bench.processes import Process


@dataclass(frozen=True)
class Counts:
    calls: int
    peak_calls: int
    connections: int
    peak_connections: int


class Upstream(Process):
    def __init__(self, folder: Path) -> None:
        super().__init__([project.UPSTREAM], {}, folder)
        self.port, self._control = (int(word) for word in self.first_line().split())
        self.url = f"http://127.0.0.1:{self.port}"

    def reset(self) -> None:
        self._ask("POST", "/reset")

    def counts(self) -> Counts:
        return Counts(**json.loads(self._ask("GET", "/counts")))

    def _ask(self, method: str, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self._control, timeout=10)
        try:
            connection.request(method, path)
            return connection.getresponse().read()
        finally:
            connection.close()


def secret(size: int, latency_ms: int, name: object) -> str:
    """The name of a secret that the stub answers with so many bytes after so long."""
    return f"{size}b-{latency_ms}ms-{name}"


def path_of(secret_id: str) -> str:
    return f"/secretsmanager/get?secretId={secret_id}"

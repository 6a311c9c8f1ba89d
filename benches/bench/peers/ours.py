"""This project's extension, as it is released, started outside Lambda."""

from pathlib import Path

from bench import project
from bench.peers import aws_environment
from bench.processes import Process, free_port

NAME = "ours"
TITLE = f"parameters-secrets-extension {project.VERSION}"


def why_missing() -> str | None:
    return None if project.EXTENSION.is_file() else f"{project.EXTENSION} is not built"


class Server(Process):
    def __init__(self, upstream_url: str, folder: Path, *, ttl: int = 300, max_connections: int = 3) -> None:
        self.port = free_port()
        environment = {
            **aws_environment(upstream_url),
            "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(self.port),
            "PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS": str(max_connections),
            "SECRETS_MANAGER_TTL": str(ttl),
        }
        super().__init__([project.EXTENSION], environment, folder)
        self.wait_until_listening(self.port)

"""AWS's own `aws_workload_credentials_provider`, the former Secrets Manager agent, started outside
Lambda.

It answers secrets only. Its cap on connections is for clients; it has none for upstream calls.
"""

from pathlib import Path

from bench import project
from bench.peers import REGION, aws_environment
from bench.processes import Process, free_port

NAME = "agent"
VERSION = "3.1.2"
TITLE = f"aws_workload_credentials_provider {VERSION}"
PROGRAM = "aws-workload-credentials-provider"


def why_missing() -> str | None:
    return None if project.program(PROGRAM) else f"{PROGRAM} {VERSION} is not installed"


class Server(Process):
    def __init__(self, upstream_url: str, folder: Path, *, ttl: int = 300) -> None:
        self.port = free_port()
        config = folder / f"agent-{self.port}.toml"
        config.write_text(
            f'[logging]\nlog_level = "info"\nlog_to_file = false\n\n'
            f"[capabilities.secrets_manager]\n"
            f'enabled = true\nhttp_port = {self.port}\nregion = "{REGION}"\nvalidate_credentials = false\n\n'
            f"[capabilities.secrets_manager.cache]\nttl_seconds = {ttl}\n"
        )
        program = project.program(PROGRAM)
        assert program is not None
        super().__init__([program, "sm", "start", "--config", config], aws_environment(upstream_url), folder)
        self.wait_until_listening(self.port)

"""An actix-web handler that returns a constant, on the extension's own accept loop: the ceiling."""

from pathlib import Path

from bench import project
from bench.processes import Process

NAME = "constant"
TITLE = "actix-web, a constant"


def why_missing() -> str | None:
    return None if project.CONSTANT.is_file() else f"{project.CONSTANT} is not built"


class Server(Process):
    def __init__(self, body: bytes, folder: Path) -> None:
        file = folder / f"constant-{len(body)}"
        file.write_bytes(body)
        super().__init__([project.CONSTANT, file], {}, folder)
        self.port = int(self.first_line())

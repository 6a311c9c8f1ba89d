"""`--check`: what it says of the way to AWS, line by line."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from support.environment import ENVIRONMENT_CREDENTIALS, settings, upstreams
from support.log_file import LogFile
from support.project import extension_binary

LINE = re.compile(r"^(ok|warning|FAILED|skipped) +(\d+) ms  ((?:KMS )?(?:(?:secret|parameter):[^ ]+|[^:]+)): (.*)$")


@dataclass(frozen=True)
class Line:
    state: str
    what: str
    text: str

    @property
    def to_do(self) -> str:
        return self.text.partition(" -> ")[2]


class Checked:
    def __init__(self, exit_code: int, output: str) -> None:
        self.exit_code = exit_code
        self.output = output
        found = [LINE.match(line) for line in output.splitlines()]
        self._lines = [Line(match[1], match[3], match[4]) for match in found if match]

    def line(self, what: str) -> Line:
        (line,) = [line for line in self._lines if line.what == what]
        return line

    def state(self, what: str) -> str:
        return self.line(what).state

    @property
    def failed(self) -> list[str]:
        return [line.what for line in self._lines if line.state == "FAILED"]


def check(log: LogFile, *items: str, environment: Mapping[str, str]) -> Checked:
    """Its output goes to the log too, where values are looked for."""
    done = subprocess.run(
        [extension_binary(), "--check", *items], env=dict(environment), capture_output=True, text=True, timeout=60
    )
    with log.path.open("a") as file:
        file.write(done.stdout + done.stderr)
    assert done.stderr == ""
    return Checked(done.returncode, done.stdout)


def on_aws(url: str, **more: str) -> dict[str, str]:
    return settings(**{**upstreams(url), **ENVIRONMENT_CREDENTIALS, **more})

"""A log that a process writes while a test reads it."""

import re
from pathlib import Path

from support.waiting import eventually


class LogFile:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.touch()

    def text(self) -> str:
        return self.path.read_text(errors="replace")

    def matches(self, pattern: str) -> list[re.Match[str]]:
        return list(re.finditer(pattern, self.text(), re.MULTILINE))

    def wait_for(self, pattern: str, times: int = 1, within: float = 10.0) -> re.Match[str]:
        """The match that makes it `times` matches, as soon as it stands in the log."""
        what = f"{pattern!r} {times} times in {self.path.name}, which holds:\n"
        try:
            return eventually(lambda: self.matches(pattern)[times - 1 : times], what, within)[0]
        except AssertionError as error:
            raise AssertionError(f"{error}{self.text()}") from None

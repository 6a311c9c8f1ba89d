"""What the threads of a function got that read steadily (`../functions/python/steady.py`)."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from support.emulator import Emulator

HANDLER = "steady.handler"
STALE = '110 - "Response is Stale"'


@dataclass(frozen=True)
class Readers:
    each: list[dict[str, Any]]

    @property
    def statuses(self) -> set[str]:
        """Every status that any reader got."""
        return set(sum((Counter(reader["statuses"]) for reader in self.each), Counter()))

    @property
    def most_waits(self) -> int:
        """The most often that any one reader had to wait for an answer."""
        waits: int = max(reader["slow"] for reader in self.each)
        return waits

    @property
    def last(self) -> list[dict[str, Any]]:
        """The last reply that each of them got."""
        return [reader["last"] for reader in self.each]


def read(emulator: Emulator, path: str, callers: int = 1, seconds: float = 0.0) -> Readers:
    """One invocation in which so many threads read for so long; with 0 seconds once, all at the
    same moment."""
    return Readers(emulator.invoke({"path": path, "callers": callers, "seconds": seconds}).json())

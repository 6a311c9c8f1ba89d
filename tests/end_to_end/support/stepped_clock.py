"""The wall clock of a process, which a test can step; the monotonic one goes on as it does."""

import subprocess
from pathlib import Path

from support.project import PROJECT, TOOLS

LIBRARY = TOOLS / "faketime" / "usr" / "lib" / "x86_64-linux-gnu" / "faketime" / "libfaketime.so.1"


class SteppedClock:
    """What runs with `environment` reads the machine's wall clock, and what was stepped on top of it."""

    def __init__(self, folder: Path) -> None:
        if not LIBRARY.exists():
            subprocess.run([PROJECT / "tools" / "install-layer", "faketime"], check=True)
        self._offset = folder / "wall-clock"
        self.step_to(0)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def step_to(self, seconds: int) -> None:
        """So many seconds ahead of the machine from now on."""
        unfinished = self._offset.with_suffix(".new")
        unfinished.write_text(f"+{seconds}\n")
        unfinished.replace(self._offset)

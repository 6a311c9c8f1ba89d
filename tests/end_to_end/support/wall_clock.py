"""A freeze of minutes in no time: the wall clock goes on, the monotonic clock did not see it.

That is what a process finds after Lambda has frozen its environment. A library of a few lines,
preloaded, shifts the wall clock of the processes that have this environment; it is built here
because no package has it for every machine.
"""

import functools
import os
import subprocess
import tempfile
from pathlib import Path

from support.project import SUPPORT


class WallClock:
    def __init__(self, folder: Path) -> None:
        self._offset = folder / "wall-clock-offset"
        self._ahead = 0
        self.step(0)

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(library()), "WALL_CLOCK_OFFSET": str(self._offset)}

    def step(self, seconds: int) -> None:
        """Lets so many seconds pass, or takes them back."""
        self._ahead += seconds
        new = self._offset.with_suffix(".new")
        new.write_text(str(self._ahead))
        new.replace(self._offset)


@functools.cache
def library() -> Path:
    built = Path(tempfile.mkdtemp()) / "wall_clock.so"
    source = SUPPORT / "wall_clock.c"
    subprocess.run([os.environ.get("CC", "cc"), "-O1", "-shared", "-fPIC", "-o", built, source], check=True)
    return built

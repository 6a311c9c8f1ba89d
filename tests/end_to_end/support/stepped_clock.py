"""The wall clock of a process, which a test can step; the monotonic one goes on as it does."""

import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


class SteppedClock:
    """What runs with `environment` reads the machine's wall clock, and what was stepped on top of it."""

    def __init__(self, folder: Path) -> None:
        self._library = folder / "stepped_clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self._library, SOURCE, "-ldl"], check=True)
        self._offset = folder / "seconds-ahead"
        self.step_to(0)

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self._library), "STEPPED_CLOCK": str(self._offset)}

    def step_to(self, seconds: int) -> None:
        """So many seconds ahead of the machine from now on."""
        unfinished = self._offset.with_suffix(".new")
        unfinished.write_text(f"{seconds}\n")
        unfinished.replace(self._offset)

"""Processes in this sandbox that a test has not started itself."""

import os
import select
from pathlib import Path

from support.waiting import eventually


class Process:
    """Held by a file descriptor of the kernel's, so that it cannot be mistaken for a later one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def is_stopped(self) -> bool:
        """Whether SIGSTOP has taken effect."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def wait_for_exit(self, within: float) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(within * 1000))


def find(name: str) -> Process:
    """The one running process whose executable file has this name."""
    (pid,) = eventually(lambda: pids_of(name), f"a process {name}")
    return Process(pid)


def pids_of(name: str) -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and runs(entry, name)]


def runs(entry: Path, name: str) -> bool:
    try:
        return (entry / "exe").readlink().name == name
    except OSError:  # gone meanwhile, or one of the kernel's own
        return False

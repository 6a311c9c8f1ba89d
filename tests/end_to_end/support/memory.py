"""What lies in a process's memory, as a debugger sees it."""

from collections.abc import Iterator
from pathlib import Path


def copies(pid: int, text: str) -> int:
    """How often this text lies in the memory that the process may write to."""
    return sum(region.count(text.encode()) for region in _writable_memory(pid))


def _writable_memory(pid: int) -> Iterator[bytes]:
    regions = Path(f"/proc/{pid}/maps").read_text().splitlines()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in regions:
            addresses, permissions, *_ = line.split()
            if not permissions.startswith("rw"):
                continue
            start, end = (int(address, 16) for address in addresses.split("-"))
            memory.seek(start)
            try:
                yield memory.read(end - start)
            except OSError:  # some of the kernel's own cannot be read
                continue

"""A file that cannot be opened, as on a disk that hangs: whoever tries waits for as long as the test holds it."""

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hanging(file: Path) -> Iterator[None]:
    """Holds the kernel's lease on the file: it is asked for it back, by a signal, and does not answer."""
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    descriptor = os.open(file, os.O_RDWR)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        yield
    finally:
        os.close(descriptor)
        signal.signal(signal.SIGIO, before)

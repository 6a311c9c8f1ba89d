"""How many there are of something at the same time."""

import contextlib
import threading
from collections.abc import Iterator


class Gauge:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = 0
        self.peak = 0
        self.total = 0

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        with self._lock:
            self.now += 1
            self.total += 1
            self.peak = max(self.peak, self.now)
        try:
            yield
        finally:
            with self._lock:
                self.now -= 1

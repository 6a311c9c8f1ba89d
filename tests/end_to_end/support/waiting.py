"""Waiting for something to become true, instead of sleeping and hoping."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def eventually(look: Callable[[], Found], what: str, within: float = 10.0) -> Found:
    """Asks again and again until the answer is truthy, and returns it; gives up loudly after
    `within` seconds."""
    give_up_at = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > give_up_at:
            raise AssertionError(f"waited {within:g} s in vain: {what}")
        time.sleep(0.005)

"""Runs cells side by side, each worker in namespaces of its own."""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from faults.world import HOST
from support.certificates import make_authority
from support.project import SUPPORT

AT_ONCE = 6
"""Most cells wait most of the time."""


def run_all(
    numbers: Sequence[int], folder: Path, tell: Callable[[int, dict[str, Any]], None], at_once: int = AT_ONCE
) -> None:
    """Tells what came of each cell, from one thread at a time."""
    for name in ("trusted", "stranger"):
        make_authority(folder / name, f"Authority: {name}", HOST)
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in numbers:
        waiting.put(number)
    telling = threading.Lock()

    def work() -> None:
        command = ["unshare", "--mount", "--net", sys.executable, "-m", "faults.worker", str(folder)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, cwd=SUPPORT.parent, text=True, **pipes) as worker:
            assert worker.stdin is not None and worker.stdout is not None
            while True:
                try:
                    number = waiting.get_nowait()
                except queue.Empty:
                    break
                worker.stdin.write(f"{number}\n")
                worker.stdin.flush()
                line = worker.stdout.readline()
                with telling:
                    tell(number, json.loads(line) if line else {"error": "the worker ended"})
                if not line:
                    break
            worker.stdin.close()

    crew = [threading.Thread(target=work) for _ in range(min(at_once, len(numbers)))]
    for one in crew:
        one.start()
    for one in crew:
        one.join()

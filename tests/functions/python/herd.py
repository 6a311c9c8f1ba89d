"""Many threads ask at the very same moment; the function returns what each of them got, and after
how long."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from extension_client import get


def handler(event, context):
    """The event says how many callers each of its paths has."""
    paths = [path for path in event["paths"] for _ in range(event["callers"])]
    all_are_there = threading.Barrier(len(paths))

    def ask(path):
        all_are_there.wait()
        asked_at = time.perf_counter()
        status, body = get(path)
        return {"path": path, "status": status, "body": body, "seconds": time.perf_counter() - asked_at}

    with ThreadPoolExecutor(max_workers=len(paths)) as callers:
        return list(callers.map(ask, paths))

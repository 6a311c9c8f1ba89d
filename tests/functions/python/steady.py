"""Many threads read again and again for a while; the function returns what each of them got, and how often it waited."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from extension_client import get_with_headers

PAUSE_SECONDS = 0.05
SLOW_SECONDS = 0.5


def handler(event, context):
    """The event says which path, by how many callers, and for how many seconds; with 0 each asks once."""
    callers = event["callers"]
    all_are_there = threading.Barrier(callers)

    def read_steadily(_):
        all_are_there.wait()
        statuses, stale, slow = Counter(), 0, 0
        end = time.monotonic() + event["seconds"]
        while True:
            asked_at = time.perf_counter()
            status, headers, body = get_with_headers(event["path"])
            seconds = time.perf_counter() - asked_at
            statuses[status] += 1
            stale += "Warning" in headers
            slow += seconds > SLOW_SECONDS
            if time.monotonic() >= end:
                last = {"status": status, "headers": headers, "body": body, "seconds": seconds}
                return {"statuses": statuses, "stale": stale, "slow": slow, "last": last}
            time.sleep(PAUSE_SECONDS)

    with ThreadPoolExecutor(max_workers=callers) as threads:
        return list(threads.map(read_steadily, range(callers)))

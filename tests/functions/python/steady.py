"""Many threads read again and again for a while; the function returns what each got, and how often
it waited."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from extension_client import get_with_headers

READS_A_SECOND = 200
SLOW_SECONDS = 0.5


def handler(event, context):
    """The event says which path, by how many callers, and for how many seconds; with 0 each asks
    once."""
    callers = event["callers"]
    pause = max(0.05, callers / READS_A_SECOND)
    all_are_there = threading.Barrier(callers)

    def read_steadily(_):
        all_are_there.wait()
        statuses, slow = Counter(), 0
        end = time.monotonic() + event["seconds"]
        while True:
            asked_at = time.perf_counter()
            status, headers, body = get_with_headers(event["path"])
            seconds = time.perf_counter() - asked_at
            statuses[status] += 1
            slow += seconds > SLOW_SECONDS
            if time.monotonic() >= end:
                last = {"status": status, "headers": headers, "body": body, "seconds": seconds}
                return {"statuses": statuses, "slow": slow, "last": last}
            time.sleep(pause)

    with ThreadPoolExecutor(max_workers=callers) as threads:
        return list(threads.map(read_steadily, range(callers)))

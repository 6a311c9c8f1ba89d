"""The example of `examples/rotation`, run by many threads at the very same moment."""

import threading
from concurrent.futures import ThreadPoolExecutor

import app


def handler(event, context):
    all_are_there = threading.Barrier(event["callers"])

    def call(_):
        all_are_there.wait()
        return app.handler(event, context)

    with ThreadPoolExecutor(max_workers=event["callers"]) as callers:
        return list(callers.map(call, range(event["callers"])))

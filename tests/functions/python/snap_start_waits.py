"""Asks in INIT for what is answered only after the restore, and for more in the handler."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from extension_client import get
from snap_start_gate import wait_at

TOKEN = os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]

asked_in_init = ThreadPoolExecutor(1).submit(get, os.environ["ASKED_IN_INIT"], TOKEN)
wait_at(Path(os.environ["GATE"]))


def handler(event, context):
    return {"in the handler": get(os.environ["ASKED_IN_THE_HANDLER"], TOKEN), "in init": asked_in_init.result()}

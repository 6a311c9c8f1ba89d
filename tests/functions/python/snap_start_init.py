"""Reads while INIT runs, which SnapStart makes a snapshot of, and again in the handler, after the
restore."""

import os
from pathlib import Path

from extension_client import get
from snap_start_gate import wait_at

TOKEN = os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
PATH = os.environ["READ_IN_INIT"]

read_in_init = [get(PATH, TOKEN), get(PATH, TOKEN)]
wait_at(Path(os.environ["GATE"]))


def handler(event, context):
    return {"in init": read_in_init, "in the handler": [get(PATH, TOKEN), get(PATH, TOKEN)]}

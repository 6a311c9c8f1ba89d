"""Reads while INIT runs, which SnapStart makes a snapshot of, and again in the handler, after the restore.

INIT ends when the file that GATE names is there, so that the restore can be played at that moment.
"""

import os
import time
from pathlib import Path

from extension_client import get

TOKEN = os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
PATH = os.environ["READ_IN_INIT"]
GATE = Path(os.environ["GATE"])

read_in_init = [get(PATH, TOKEN), get(PATH, TOKEN)]

GATE.with_suffix(".reached").touch()
while not GATE.exists():
    time.sleep(0.01)


def handler(event, context):
    return {"in init": read_in_init, "in the handler": [get(PATH, TOKEN), get(PATH, TOKEN)]}

"""Reads while the module is loaded, in Lambda's INIT phase, when the official extension is not
ready yet, and again in the handler."""

import os

from extension_client import get

read_in_init = [get(path) for path in os.environ["READ_IN_INIT"].split()]


def handler(event, context):
    return {"in init": read_in_init, "in the handler": [get(path) for path in event["paths"]]}

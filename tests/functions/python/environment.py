"""Returns what its environment held when the module was loaded, for the names that the event
has."""

import os
import sys

at_the_start = dict(os.environ)


def handler(event, context):
    return {"environment": {name: at_the_start.get(name) for name in event["names"]}, "arguments": sys.argv[1:]}

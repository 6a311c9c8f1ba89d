"""Does what the event says: goes on for ever, dies, raises, or reads as it should."""

import os
import threading

from extension_client import get


def handler(event, context):
    match event["do"]:
        case "hang":
            threading.Event().wait()
        case "die":
            os._exit(3)
        case "raise":
            raise RuntimeError("as asked")
        case "read":
            return get(event["path"])

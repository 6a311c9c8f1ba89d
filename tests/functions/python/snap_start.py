"""Reads as a function with SnapStart does: there is no AWS_SESSION_TOKEN, credentials come from an
endpoint."""

import json
import os
import urllib.request

from extension_client import get


def handler(event, context):
    """Reads the event's path with either word that a client may show, and returns that word and
    what came."""
    authorization = os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    request = urllib.request.Request(
        os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers={"Authorization": authorization}
    )
    with urllib.request.urlopen(request) as reply:
        session_token = json.load(reply)["Token"]
    return {
        "environment": sorted(os.environ),
        "authorization": [authorization, *get(event["path"], authorization)],
        "session token": [session_token, *get(event["path"], session_token)],
        "neither": ["wrong", *get(event["path"], "wrong")],
    }

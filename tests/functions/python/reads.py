"""Reads, one after another, what the event asks for, and returns what came."""

from extension_client import get


def handler(event, context):
    return [get(path) for path in event["paths"]]

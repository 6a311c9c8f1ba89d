"""Reads a secret and a parameter. The extension caches both: reading them at every invocation costs
no call to AWS."""

import base64
import contextlib
import http.client
import json
import os
import urllib.parse

PORT = os.environ.get("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "2773")
# Shorter than the function's own time-out, so that the function can still say what went wrong.
TIME_OUT = 8


def read(path, **query):
    # http.client never uses a proxy, which would be given the token.
    with contextlib.closing(http.client.HTTPConnection("localhost", PORT, timeout=TIME_OUT)) as extension:
        headers = {"X-Aws-Parameters-Secrets-Token": os.environ["AWS_SESSION_TOKEN"]}
        extension.request("GET", f"{path}?{urllib.parse.urlencode(query)}", headers=headers)
        reply = extension.getresponse()
        body = reply.read().decode()
    if reply.status != 200:
        raise RuntimeError(f"{query}: {body}")
    return json.loads(body)


def value_of(secret):
    """A secret's value as bytes, whether it was stored as text or as binary."""
    text = secret["SecretString"]
    return base64.b64decode(secret["SecretBinary"]) if text is None else text.encode()


def handler(event, context):
    secret = read("/secretsmanager/get", secretId=os.environ["SECRET_NAME"])
    parameter = read("/systemsmanager/parameters/get/", name=os.environ["PARAMETER_NAME"], withDecryption="true")
    return {
        "secret": {"name": secret["Name"], "version": secret["VersionId"], "bytes": len(value_of(secret))},
        "parameter": {"name": parameter["Parameter"]["Name"], "version": parameter["Parameter"]["Version"]},
    }

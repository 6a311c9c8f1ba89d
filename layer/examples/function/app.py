"""Reads a secret and a parameter. The extension caches both: reading them at every invocation costs no call to AWS."""

import json
import os
import urllib.parse
import urllib.request

EXTENSION = "http://localhost:" + os.environ.get("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "2773")


def read(path, **query):
    request = urllib.request.Request(
        f"{EXTENSION}{path}?{urllib.parse.urlencode(query)}",
        headers={"X-Aws-Parameters-Secrets-Token": os.environ["AWS_SESSION_TOKEN"]},
    )
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)


def handler(event, context):
    secret = read("/secretsmanager/get", secretId=os.environ["SECRET_NAME"])
    parameter = read("/systemsmanager/parameters/get/", name=os.environ["PARAMETER_NAME"], withDecryption="true")
    return {
        "secret": {"name": secret["Name"], "version": secret["VersionId"]},
        "parameter": {"name": parameter["Parameter"]["Name"], "version": parameter["Parameter"]["Version"]},
    }

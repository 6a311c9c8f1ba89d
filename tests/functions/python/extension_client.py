"""Asks the extension as much code in the wild does: urllib, the token from the environment."""

import os
import urllib.error
import urllib.request


def get(path: str, token: str | None = None) -> tuple[int, str]:
    """The status and the body; an error status is an answer like any other."""
    port = os.environ.get("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "2773")
    request = urllib.request.Request(
        f"http://localhost:{port}{path}",
        headers={"X-Aws-Parameters-Secrets-Token": token or os.environ["AWS_SESSION_TOKEN"]},
    )
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()

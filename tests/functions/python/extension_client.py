"""Asks the extension as much code in the wild does: urllib, the token from the environment."""

import os
import urllib.error
import urllib.request


def get(path: str, token: str | None = None) -> tuple[int, str]:
    """The status and the body; an error status is an answer like any other."""
    status, _, body = get_with_headers(path, token)
    return status, body


def get_with_headers(path: str, token: str | None = None) -> tuple[int, dict[str, str], str]:
    port = os.environ.get("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "2773")
    request = urllib.request.Request(
        f"http://localhost:{port}{path}",
        headers={"X-Aws-Parameters-Secrets-Token": token or os.environ["AWS_SESSION_TOKEN"]},
    )
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.status, dict(reply.headers), reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()

"""A function that goes on working when its database password is rotated.

Between the rotation and the end of the cached value's time the extension still answers with the old password. The
function finds that out when it logs in, and only then asks for the secret anew, with `refreshNow=true`: the extension
fetches it once, however many threads ask at that moment, and everybody has the new one from there on.
"""

import base64
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

EXTENSION = f"http://localhost:{os.environ.get('PARAMETERS_SECRETS_EXTENSION_HTTP_PORT', '2773')}"
SECRET_ID = os.environ["SECRET_ID"]


class LoginFailed(Exception):
    """The database does not know this user with this password."""


def handler(event: Any, context: Any) -> str:
    try:
        return query_database(credentials())
    except LoginFailed:
        # Rotated since the extension read it. A second failure is a real one, and is raised.
        return query_database(credentials(refresh_now=True))


def credentials(refresh_now: bool = False) -> dict[str, str]:
    question = {"secretId": SECRET_ID, "refreshNow": str(refresh_now).lower()}
    request = urllib.request.Request(
        f"{EXTENSION}/secretsmanager/get?{urllib.parse.urlencode(question)}",
        headers={"X-Aws-Parameters-Secrets-Token": os.environ["AWS_SESSION_TOKEN"]},
    )
    with urllib.request.urlopen(request) as reply:
        secret = json.load(reply)
    found: dict[str, str] = json.loads(secret["SecretString"])
    return found


def query_database(login: dict[str, str]) -> str:
    """Stands for your database's client: here the database is a web service with a user and a password."""
    word = base64.b64encode(f"{login['username']}:{login['password']}".encode()).decode()
    request = urllib.request.Request(os.environ["DATABASE_URL"], headers={"Authorization": f"Basic {word}"})
    try:
        with urllib.request.urlopen(request) as reply:
            answer: bytes = reply.read()
    except urllib.error.HTTPError as error:
        if error.code == 401:
            raise LoginFailed from error
        raise
    return answer.decode()

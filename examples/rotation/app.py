"""A function that goes on working when its database password is rotated.

Between the rotation and the end of the cached value's time the extension still answers with the old
password. The function finds that out when it logs in, and only then asks for the secret anew, with
`refreshNow=true`: the extension fetches it once, however many threads ask at that moment, and every
thread has the new one from then on.
"""

import base64
import contextlib
import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

PORT = int(os.environ.get("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "2773"))
# Shorter than the function's own time-out, so that the function can still say what went wrong.
TIME_OUT = 10
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
    # http.client never uses a proxy, which would be given the token.
    with contextlib.closing(http.client.HTTPConnection("localhost", PORT, timeout=TIME_OUT)) as extension:
        headers = {"X-Aws-Parameters-Secrets-Token": os.environ["AWS_SESSION_TOKEN"]}
        extension.request("GET", f"/secretsmanager/get?{urllib.parse.urlencode(question)}", headers=headers)
        reply = extension.getresponse()
        body = reply.read().decode()
    if reply.status != 200:
        raise RuntimeError(f"{SECRET_ID}: {body}")
    secret = json.loads(body)
    document = secret["SecretString"] or base64.b64decode(secret["SecretBinary"])
    found: dict[str, str] = json.loads(document)
    return found


def query_database(login: dict[str, str]) -> str:
    """Stands for your database's client: here the database is a web service with a user and a
    password."""
    word = base64.b64encode(f"{login['username']}:{login['password']}".encode()).decode()
    request = urllib.request.Request(os.environ["DATABASE_URL"], headers={"Authorization": f"Basic {word}"})
    try:
        with urllib.request.urlopen(request, timeout=TIME_OUT) as reply:
            answer: bytes = reply.read()
    except urllib.error.HTTPError as error:
        if error.code == 401:
            raise LoginFailed from error
        raise
    return answer.decode()

"""Python's http.client: one kept connection."""

import http.client
import os
from concurrent.futures import ThreadPoolExecutor

HEADERS = {"X-Aws-Parameters-Secrets-Token": os.environ["AWS_SESSION_TOKEN"]}


def connect() -> http.client.HTTPConnection:
    return http.client.HTTPConnection("localhost", int(os.environ["PORT"]))


def get(connection: http.client.HTTPConnection, name: str) -> tuple[int, str]:
    connection.request("GET", f"/secretsmanager/get?secretId={name}", headers=HEADERS)
    response = connection.getresponse()
    return response.status, response.read().decode()


def read(connection: http.client.HTTPConnection) -> None:
    status, body = get(connection, "example/plain")
    assert status == 200 and '"SecretString":"not-a-secret"' in body, body


with ThreadPoolExecutor(64) as pool:
    list(pool.map(lambda _: read(connect()), range(64)))
kept = connect()
read(kept)
read(kept)
status, body = get(kept, "missing")
assert status == 400 and body.startswith("an unexpected error occurred while executing request"), body
for _ in range(200):
    read(kept)

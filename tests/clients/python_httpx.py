"""httpx, with a client that keeps its connections."""

import os
from concurrent.futures import ThreadPoolExecutor

import httpx

BASE = f"http://localhost:{os.environ['PORT']}/secretsmanager/get?secretId="
HEADERS = {"X-Aws-Parameters-Secrets-Token": os.environ["AWS_SESSION_TOKEN"]}


def read(client: httpx.Client) -> None:
    response = client.get(BASE + "example/plain")
    assert response.status_code == 200, response.text
    assert response.json()["SecretString"] == "not-a-secret"


# trust_env=False: no proxy, because the token must not leave this machine.
with httpx.Client(headers=HEADERS, trust_env=False) as client:
    read(client)
    read(client)
    failed = client.get(BASE + "missing")
    assert failed.status_code == 400
    assert failed.text.startswith("an unexpected error occurred while executing request"), failed.text
    with ThreadPoolExecutor(64) as pool:
        list(pool.map(read, [client] * 64))
    for _ in range(200):
        read(client)

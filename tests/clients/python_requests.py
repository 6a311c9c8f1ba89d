"""requests, with a session that keeps its connection."""

import os
from concurrent.futures import ThreadPoolExecutor

import requests

BASE = f"http://localhost:{os.environ['PORT']}/secretsmanager/get?secretId="


def session() -> requests.Session:
    new = requests.Session()
    new.trust_env = False  # no proxy: the token must not leave this machine
    new.headers["X-Aws-Parameters-Secrets-Token"] = os.environ["AWS_SESSION_TOKEN"]
    return new


def read(client: requests.Session) -> None:
    response = client.get(BASE + "example/plain")
    assert response.status_code == 200, response.text
    assert response.json()["SecretString"] == "not-a-secret"


with ThreadPoolExecutor(64) as pool:
    list(pool.map(lambda _: read(session()), range(64)))
kept = session()
read(kept)
read(kept)
failed = kept.get(BASE + "missing")
assert failed.status_code == 400
assert failed.text.startswith("an unexpected error occurred while executing request"), failed.text
for _ in range(200):
    read(kept)

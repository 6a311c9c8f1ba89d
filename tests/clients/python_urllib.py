"""Python's urllib.request: a new connection for each request."""

import os
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

BASE = f"http://localhost:{os.environ['PORT']}/secretsmanager/get?secretId="
# An opener without proxies: the token must not leave this machine.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(name: str) -> tuple[int, str]:
    request = urllib.request.Request(BASE + name, headers={"X-Aws-Parameters-Secrets-Token": os.environ["AWS_SESSION_TOKEN"]})
    try:
        with OPENER.open(request) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def read(_: int = 0) -> None:
    status, body = get("example/plain")
    assert status == 200 and '"SecretString":"not-a-secret"' in body, body


read()
read()
status, body = get("missing")
assert status == 400 and body.startswith("an unexpected error occurred while executing request"), body
with ThreadPoolExecutor(64) as pool:
    list(pool.map(read, range(64)))
for _ in range(200):
    read()

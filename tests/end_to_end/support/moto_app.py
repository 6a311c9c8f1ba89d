"""The WSGI application that gunicorn serves: moto, with a journal of the calls the extension makes.

`GET /journal` returns them as JSON. `DELETE /journal` forgets them. Calls by the tests themselves,
which prepare secrets and parameters through boto3, are not kept.
"""

import dataclasses
import io
import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from support.upstream_call import UpstreamCall, call_from

READS = ("secretsmanager.GetSecretValue", "AmazonSSM.GetParameter", "AmazonSSM.GetParameters")

moto = DomainDispatcherApplication(create_backend_app)
journal: list[UpstreamCall] = []
journal_lock = threading.Lock()


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/journal":
        return show_or_forget_journal(environ, start_response)
    if environ.get("HTTP_X_AMZ_TARGET") in READS:
        keep_in_journal(environ)
    return moto(environ, start_response)


def keep_in_journal(environ: dict[str, Any]) -> None:
    body = environ["wsgi.input"].read()
    environ["wsgi.input"] = io.BytesIO(body)
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    with journal_lock:
        journal.append(call_from(headers, json.loads(body)))


def show_or_forget_journal(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    with journal_lock:
        if environ["REQUEST_METHOD"] == "DELETE":
            journal.clear()
        body = json.dumps([dataclasses.asdict(call) for call in journal]).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]

"""Secrets Manager and Parameter Store as moto has them, behind TLS and with connections that are
kept alive."""

import functools
import json
import os
import socket
import subprocess
import urllib.request
from types import TracebackType
from typing import Any, Self

import boto3

from support.certificates import Authority
from support.log_file import LogFile
from support.project import PYTHON, SUPPORT
from support.upstream_call import UpstreamCall
from support.waiting import eventually

REGION = "eu-central-1"


class MotoUpstream:
    def __init__(self, authority: Authority, log: LogFile) -> None:
        self._authority = authority
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = listener.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        with log.path.open("wb") as output:
            self._server = subprocess.Popen(
                self._command(listener), cwd=SUPPORT.parent, stdout=output, stderr=output, pass_fds=[listener.fileno()]
            )
        listener.close()
        eventually(self._answers, "moto answers", within=30)

    def _command(self, listener: socket.socket) -> list[str | os.PathLike[str]]:
        """One worker only, because moto keeps its state in memory; threads for calls at the same
        time."""
        return [
            PYTHON, "-m", "gunicorn", "--worker-class", "gthread", "--workers", "1", "--threads", "32",
            "--keep-alive", "60", "--no-control-socket", "--bind", f"fd://{listener.fileno()}",
            "--certfile", self._authority.certificate, "--keyfile", self._authority.key, "support.moto_app:app",
        ]  # fmt: skip

    def put_secret(self, name: str, value: str | bytes, region: str = REGION) -> str:
        """Creates a secret and returns its ARN."""
        kind = {"SecretString": value} if isinstance(value, str) else {"SecretBinary": value}
        arn: str = self._client("secretsmanager", region).create_secret(Name=name, **kind)["ARN"]
        return arn

    def put_secret_value(self, name: str, value: str) -> None:
        """Gives a secret a new version: it becomes AWSCURRENT, the one before AWSPREVIOUS."""
        self._client("secretsmanager").put_secret_value(SecretId=name, SecretString=value)

    def put_parameter(self, name: str, value: str, kind: str = "String", region: str = REGION) -> None:
        self._client("ssm", region).put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)

    def label_parameter(self, name: str, version: int, label: str) -> None:
        self._client("ssm").label_parameter_version(Name=name, ParameterVersion=version, Labels=[label])

    def calls(self) -> list[UpstreamCall]:
        """The reads since the last `forget`; what the tests wrote is not among them."""
        return [UpstreamCall(**call) for call in self._ask("GET", "/journal")]

    def forget(self) -> None:
        """Empties the stores and the journal."""
        self._ask("POST", "/moto-api/reset")
        self._ask("DELETE", "/journal")

    @functools.cache  # noqa: B019  (there is one for the whole run)
    def _client(self, service: str, region: str = REGION) -> Any:
        return boto3.client(
            service, region_name=region, endpoint_url=self.url, verify=str(self._authority.bundle),
            aws_access_key_id="test", aws_secret_access_key="test",
        )  # fmt: skip

    def _ask(self, method: str, path: str) -> Any:
        request = urllib.request.Request(self.url + path, method=method)
        with urllib.request.urlopen(request, context=self._authority.client_context(), timeout=30) as reply:
            return json.load(reply)

    def _answers(self) -> bool:
        if self._server.poll() is not None:
            raise AssertionError(f"moto ended with exit code {self._server.returncode}")
        try:
            self._ask("GET", "/journal")
        except OSError:
            return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.terminate()
        self._server.wait(timeout=10)

"""Answers of Secrets Manager and Parameter Store, in the form that AWS gives them."""

import base64
import enum
import json
import threading
from dataclasses import dataclass, replace
from typing import Any

GET_SECRET = "GetSecretValue"
GET_PARAMETER = "GetParameter"
ACCOUNT = "eu-central-1:123456789012"
AWS_JSON = "application/x-amz-json-1.1"


class Ending(enum.Enum):
    """What follows what is sent of an answer."""

    KEEP = "the connection is kept for the next call"
    CUT = "the connection is reset"
    SILENCE = "nothing, and the connection stays open"


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    hangs: bool = False
    gate: threading.Event | None = None
    """Keeps the call waiting until a test opens it."""
    seconds: float = 0.0
    """How long the call takes."""
    content_type: str = AWS_JSON
    headers: tuple[tuple[str, str], ...] = ()
    is_http: bool = True
    """Otherwise the body is all there is: no status line and no header."""
    share: float = 1.0
    """How much of it is sent."""
    ending: Ending = Ending.KEEP
    trickles_for: float = 0.0
    """Over how long its bytes are spread."""
    second_half: threading.Event | None = None
    """Keeps the second half of it waiting until a test opens it."""

    def hanging(self) -> "Answer":
        """The same answer, except that it never comes."""
        return replace(self, hangs=True)

    def behind(self, gate: threading.Event) -> "Answer":
        return replace(self, gate=gate)

    def taking(self, seconds: float) -> "Answer":
        return replace(self, seconds=seconds)

    def then(self, ending: Ending, share: float) -> "Answer":
        """Only so much of it, and then this."""
        return replace(self, ending=ending, share=share)

    def trickling(self, seconds: float) -> "Answer":
        return replace(self, trickles_for=seconds)

    def halved_by(self, gate: threading.Event) -> "Answer":
        return replace(self, second_half=gate)


def secret_arn(name: str) -> str:
    return f"arn:aws:secretsmanager:{ACCOUNT}:secret:{name}-AbCdEf"


def parameter_arn(name: str) -> str:
    return f"arn:aws:ssm:{ACCOUNT}:parameter/{name.removeprefix('/')}"


def secret(name: str, value: str | bytes, created: float = 1700000000.123, **more: Any) -> Answer:
    """`created` counts seconds since 1970, with fractions, as AWS sends them."""
    kind = {"SecretString": value} if isinstance(value, str) else {"SecretBinary": base64.b64encode(value).decode()}
    return ok({
        "ARN": secret_arn(name), "CreatedDate": created, "Name": name, **kind,
        "VersionId": "11111111-2222-3333-4444-555555555555", "VersionStages": ["AWSCURRENT"], **more,
    })  # fmt: skip


def parameter(name: str, value: str, kind: str = "String", modified: float = 1700000000.123, **more: Any) -> Answer:
    return ok({"Parameter": {
        "ARN": parameter_arn(name), "DataType": "text", "LastModifiedDate": modified, "Name": name,
        "Type": kind, "Value": value, "Version": 1, **more,
    }})  # fmt: skip


def ok(body: dict[str, Any]) -> Answer:
    return Answer(200, json.dumps(body).encode())


def failure(code: str, message: str | None = None, status: int = 400) -> Answer:
    """An error as the JSON protocol has it. AWS answers 400 even for what is not found."""
    body = {"__type": code} if message is None else {"__type": code, "message": message}
    return Answer(status, json.dumps(body).encode())


def not_found(operation: str) -> Answer:
    """Parameter Store gives no message of its own."""
    if operation == GET_PARAMETER:
        return failure("ParameterNotFound")
    return failure("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")

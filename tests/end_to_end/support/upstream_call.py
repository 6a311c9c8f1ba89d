"""What an upstream remembers of one call, and of many."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class UpstreamCall:
    operation: str
    """`GetSecretValue`, `GetParameter` or `GetParameters`."""
    key: str
    """What was asked for: the `SecretId` or the `Name`, with its selector; the `Names` of a batch,
    after each other."""
    request: dict[str, Any]
    user_agent: str
    session_token: str | None
    region: str
    """Which one the call is signed for."""


def count_by_key(calls: Iterable[UpstreamCall]) -> Counter[tuple[str, str]]:
    return Counter((call.operation, call.key) for call in calls)


def call_from(headers: dict[str, str], request: dict[str, Any]) -> UpstreamCall:
    """Reads a call as an AWS SDK sends it; the names of the headers are in lower case."""
    return UpstreamCall(
        operation=headers["x-amz-target"].rpartition(".")[2],
        key=request.get("SecretId") or request.get("Name") or " ".join(request.get("Names", [])),
        request=request,
        user_agent=headers.get("user-agent", ""),
        session_token=headers.get("x-amz-security-token"),
        # "AWS4-HMAC-SHA256 Credential=ID/DATE/REGION/SERVICE/aws4_request, …"
        region=(headers.get("authorization", "").split("/") + 3 * [""])[2],
    )

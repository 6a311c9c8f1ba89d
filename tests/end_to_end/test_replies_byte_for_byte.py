"""Replies as bytes on the wire: clients in the wild cut values out at fixed offsets and match whole
texts."""

import base64

import pytest

from conftest import StartExtension
from support.aws_answers import (
    GET_PARAMETER,
    GET_SECRET,
    Answer,
    failure,
    parameter,
    parameter_arn,
    secret,
    secret_arn,
)
from support.aws_stub import AwsStub
from support.environment import TOKEN_HEADER
from support.private_words import SESSION_TOKEN, VALUE_MARK
from support.raw_http import exchange

VERSION_ID = "11111111-2222-3333-4444-555555555555"
ODD = VALUE_MARK + ' <&> \u2028\u2029 "\\/\n\r\t\x01\x7f é 🗝'
ODD_ESCAPED = VALUE_MARK + r" \u003c\u0026\u003e \u2028\u2029 \"\\/\n\r\t\u0001" + "\x7f é 🗝"
BINARY = VALUE_MARK.encode() + bytes(range(256))

GOOD = [
    (
        "a secret with odd characters and a fraction that ends in zero",
        "/secretsmanager/get?secretId=db", GET_SECRET, "db", secret("db", ODD, created=1700000000.09),
        f'{{"ARN":"{secret_arn("db")}","CreatedDate":"2023-11-14T22:13:20.09Z","Name":"db","SecretBinary":null,'
        f'"SecretString":"{ODD_ESCAPED}","VersionId":"{VERSION_ID}","VersionStages":["AWSCURRENT"],"ResultMetadata":{{}}}}',
    ),
    (
        "a binary secret of a whole second",
        "/secretsmanager/get?secretId=key", GET_SECRET, "key", secret("key", BINARY, created=1700000000.0),
        f'{{"ARN":"{secret_arn("key")}","CreatedDate":"2023-11-14T22:13:20Z","Name":"key",'
        f'"SecretBinary":"{base64.b64encode(BINARY).decode()}","SecretString":null,'
        f'"VersionId":"{VERSION_ID}","VersionStages":["AWSCURRENT"],"ResultMetadata":{{}}}}',
    ),
    (
        "a plain parameter",
        "/systemsmanager/parameters/get/?name=%2Fapp%2Furl", GET_PARAMETER, "/app/url", parameter("/app/url", ODD),
        f'{{"Parameter":{{"ARN":"{parameter_arn("/app/url")}","DataType":"text",'
        f'"LastModifiedDate":"2023-11-14T22:13:20.123Z","Name":"/app/url","Selector":null,"SourceResult":null,'
        f'"Type":"String","Value":"{ODD_ESCAPED}","Version":1}},"ResultMetadata":{{}}}}',
    ),
    (
        "a parameter with a selector",
        "/systemsmanager/parameters/get?name=/app/url&version=3", GET_PARAMETER, "/app/url:3",
        parameter("/app/url", VALUE_MARK, Version=3, Selector=":3"),
        f'{{"Parameter":{{"ARN":"{parameter_arn("/app/url")}","DataType":"text",'
        f'"LastModifiedDate":"2023-11-14T22:13:20.123Z","Name":"/app/url","Selector":":3","SourceResult":null,'
        f'"Type":"String","Value":"{VALUE_MARK}","Version":3}},"ResultMetadata":{{}}}}',
    ),
    (
        "the ciphertext of a secure string read without decryption",
        "/systemsmanager/parameters/get?name=/app/key&label=Dev", GET_PARAMETER, "/app/key:Dev",
        parameter("/app/key", "AQICAHhciphertext==", "SecureString", Selector=":Dev"),
        f'{{"Parameter":{{"ARN":"{parameter_arn("/app/key")}","DataType":"text",'
        f'"LastModifiedDate":"2023-11-14T22:13:20.123Z","Name":"/app/key","Selector":":Dev","SourceResult":null,'
        f'"Type":"SecureString","Value":"AQICAHhciphertext==","Version":1}},"ResultMetadata":{{}}}}',
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "operation", "key", "answer", "body"), [case[1:] for case in GOOD], ids=[case[0] for case in GOOD]
)
def test_a_success_is_exactly(
    path: str, operation: str, key: str, answer: Answer, body: str, start_extension: StartExtension, stub: AwsStub
) -> None:
    stub.lay_down(operation, key, answer)
    start_extension(stub.url)

    status, headers, found = exchange(request(path))

    assert found.decode() == body
    assert status == b"HTTP/1.1 200 OK"
    assert headers == [f"Content-Length: {len(found)}".encode(), b"Content-Type: text/plain", b"Date: <now>"]


def test_an_upstream_error_is_exactly(start_extension: StartExtension, stub: AwsStub) -> None:
    stub.lay_down(GET_SECRET, "db", failure("AccessDeniedException", "Access to KMS is not allowed"))
    start_extension(stub.url)

    status, headers, body = exchange(request("/secretsmanager/get?secretId=db"))

    assert body == (
        b"an unexpected error occurred while executing request: AccessDeniedException: Access to KMS is not allowed"
    )
    assert status == b"HTTP/1.1 400 Bad Request"
    assert headers == error_headers(body, b"AccessDeniedException")


def test_a_wrong_token_is_exactly(start_extension: StartExtension, stub: AwsStub) -> None:
    start_extension(stub.url)

    status, headers, body = exchange(b"GET /secretsmanager/get?secretId=db HTTP/1.1\r\nHost: localhost:2773\r\n\r\n")

    assert body == b"bad session token or header key"
    assert status == b"HTTP/1.1 401 Unauthorized"
    assert headers == error_headers(body, b"AccessDeniedException")


def test_connection_close_is_answered_by_connection_close(start_extension: StartExtension, stub: AwsStub) -> None:
    stub.lay_down(GET_SECRET, "db", secret("db", VALUE_MARK))
    start_extension(stub.url)

    _, headers, _ = exchange(request("/secretsmanager/get?secretId=db", "Connection: close"))

    assert [line.lower() for line in headers if line.startswith(b"Connection")] == [b"connection: close"]
    assert len(headers) == 4


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_any_other_method_is_a_bad_request(method: str, start_extension: StartExtension, stub: AwsStub) -> None:
    start_extension(stub.url)

    status, headers, body = exchange(request("/secretsmanager/get?secretId=db", method=method))

    assert status == b"HTTP/1.1 400 Bad Request"
    assert b"X-Amzn-ErrorType: BadRequestException" in headers
    assert body == b"" if method == "HEAD" else body.startswith(b"Bad Request: ")
    assert stub.calls == []


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/", "/secretsmanager/get"),
        ("/secretsmanager", "/systemsmanager/parameters/get"),
        ("/secretsmanager/get", "secretId"),
        ("/secretsmanager/get?secretId=", "secretId"),
        ("/systemsmanager/parameters/get", "name"),
        ("/systemsmanager/parameters/get?name=a&version=one", "version"),
        ("/systemsmanager/parameters/get?name=a&withDecryption=perhaps", "withDecryption"),
        ("/systemsmanager/parameters/get?name=%2", "name"),
    ],
)
def test_a_bad_request_names_what_is_wrong(
    path: str, named: str, start_extension: StartExtension, stub: AwsStub
) -> None:
    start_extension(stub.url)

    status, headers, body = exchange(request(path))

    assert status == b"HTTP/1.1 400 Bad Request"
    assert headers == error_headers(body, b"BadRequestException")
    assert body.startswith(b"Bad Request: ") and named in body.decode()
    assert stub.calls == []


@pytest.mark.parametrize("header", ["X-Forwarded-For: 10.0.0.1", "Forwarded: for=10.0.0.1", "Via: 1.1 proxy"])
def test_a_forwarded_request_is_refused(header: str, start_extension: StartExtension, stub: AwsStub) -> None:
    start_extension(stub.url)

    status, headers, body = exchange(request("/secretsmanager/get?secretId=db", header))

    assert body == b"Bad Request: forwarded requests are refused"
    assert status == b"HTTP/1.1 400 Bad Request"
    assert headers == error_headers(body, b"BadRequestException")
    assert stub.calls == []


def request(path: str, *more: str, method: str = "GET") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost:2773", f"{TOKEN_HEADER}: {SESSION_TOKEN}", *more, "", ""]
    return "\r\n".join(lines).encode()


def error_headers(body: bytes, code: bytes) -> list[bytes]:
    return [
        b"Content-Length: %d" % len(body), b"Content-Type: text/plain", b"Date: <now>", b"X-Amzn-ErrorType: " + code,
    ]  # fmt: skip

"""Errors of AWS reach the caller by their code, whatever their status, behind the text that clients
match."""

import json

import pytest

from conftest import StartExtension
from support.aws_answers import GET_PARAMETER, GET_SECRET, Answer, failure, secret
from support.aws_stub import AwsStub
from support.moto_upstream import MotoUpstream
from support.private_words import SESSION_TOKEN, value_of

SECRET = "/secretsmanager/get?secretId=db"
PARAMETER = "/systemsmanager/parameters/get?name=/app/url"
PREFIX = "an unexpected error occurred while executing request"

ATTEMPTS = 3
"""How often the SDK tries what may pass."""

FINAL_ERRORS = [
    failure("ResourceNotFoundException", "Secrets Manager can't find the specified secret."),
    failure("InvalidRequestException", "You can't perform this operation on a secret marked for deletion."),
    failure("InvalidParameterException", "Invalid name. Must be a valid name containing alphanumeric characters."),
    failure("AccessDeniedException", "User: arn:aws:sts::1:assumed-role/r/f is not authorized to perform: it"),
    failure("AccessDeniedException", "Access to KMS is not allowed"),
    failure("DecryptionFailure", "Secrets Manager can't decrypt the protected secret text."),
    failure("ExpiredTokenException", "The security token included in the request is expired"),
    failure("UnrecognizedClientException", "The security token included in the request is invalid."),
]  # fmt: skip


def code_and_message(answer: Answer) -> tuple[str, str]:
    body = json.loads(answer.body)
    return body["__type"], body["message"]


@pytest.mark.parametrize("error", FINAL_ERRORS, ids=lambda error: code_and_message(error)[0])
def test_an_error_of_secrets_manager_is_named(error: Answer, start_extension: StartExtension, stub: AwsStub) -> None:
    stub.lay_down(GET_SECRET, "db", error)
    code, message = code_and_message(error)

    reply = start_extension(stub.url).get(SECRET)

    assert (reply.status, reply.error_type, reply.headers["Content-Type"]) == (400, code, "text/plain")
    assert reply.text == f"{PREFIX}: {code}: {message}"
    assert len(stub.calls) == 1


@pytest.mark.parametrize(
    "code", ["ParameterNotFound", "ParameterVersionNotFound", "InvalidKeyId", "ValidationException"]
)
def test_an_error_of_parameter_store_is_named_even_without_a_message(
    code: str, start_extension: StartExtension, stub: AwsStub
) -> None:
    stub.lay_down(GET_PARAMETER, "/app/url", failure(code))

    reply = start_extension(stub.url).get(PARAMETER)

    assert (reply.status, reply.error_type) == (400, code)
    assert reply.text.startswith(f"{PREFIX}: {code}")


def test_the_code_counts_and_not_the_status(start_extension: StartExtension, moto: MotoUpstream) -> None:
    """moto answers 404 where AWS answers 400."""
    extension = start_extension(moto.url)

    assert extension.get(SECRET).error_type == "ResourceNotFoundException"
    assert extension.get(PARAMETER).error_type == "ParameterNotFound"


def test_throttling_that_passes_is_not_noticed(start_extension: StartExtension, stub: AwsStub) -> None:
    stub.lay_down(GET_SECRET, "db", failure("ThrottlingException", "Rate exceeded"), secret("db", value_of("db")))

    assert start_extension(stub.url).get(SECRET).status == 200
    assert len(stub.calls) == 2


def test_an_internal_error_is_tried_three_times_and_then_named(start_extension: StartExtension, stub: AwsStub) -> None:
    error = failure("InternalServiceError", "Try again.", status=500)
    stub.lay_down(GET_SECRET, "db", error)
    code, message = code_and_message(error)

    reply = start_extension(stub.url).get(SECRET)

    assert (reply.status, reply.error_type) == (400, code)
    assert reply.text == f"{PREFIX}: {code}: {message}"
    assert len(stub.calls) == ATTEMPTS


def test_throttling_that_does_not_pass_is_named_at_the_time_out_with_what_to_do(
    start_extension: StartExtension, stub: AwsStub
) -> None:
    stub.lay_down(GET_SECRET, "db", failure("ThrottlingException", "Rate exceeded"))

    reply = start_extension(stub.url, SECRETS_MANAGER_TIMEOUT_MILLIS="1500").get(SECRET)

    assert (reply.status, reply.error_type) == (400, "ThrottlingException")
    assert reply.text.startswith(f"{PREFIX}: ThrottlingException: Rate exceeded")
    assert "SECRETS_MANAGER_TTL" in reply.text
    assert 2 <= len(stub.calls) <= 8


def test_an_error_is_not_kept(start_extension: StartExtension, stub: AwsStub) -> None:
    stub.lay_down(GET_SECRET, "db", failure("AccessDeniedException", "not yet"), secret("db", value_of("db")))
    extension = start_extension(stub.url)

    assert [extension.get(SECRET).status for _ in range(2)] == [400, 200]


def test_what_an_error_repeats_of_the_request_reaches_neither_caller_nor_log(
    start_extension: StartExtension, stub: AwsStub
) -> None:
    said = "The request signature we calculated does not match the signature you provided."
    canonical = f"'POST\n/\n\nhost:x\nx-amz-security-token:{SESSION_TOKEN}\n\nhost;x-amz-security-token'"
    stub.lay_down(
        GET_SECRET,
        "db",
        failure("InvalidSignatureException", f"{said}\n\nThe Canonical String should have been\n{canonical}"),
    )
    stub.lay_down(GET_SECRET, "one-line", failure("InvalidSignatureException", f"token {SESSION_TOKEN} is wrong"))
    extension = start_extension(stub.url)

    assert extension.get(SECRET).text == f"{PREFIX}: InvalidSignatureException: {said}"
    reply = extension.get("/secretsmanager/get?secretId=one-line")
    assert reply.text == f"{PREFIX}: InvalidSignatureException: token [redacted] is wrong"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (secret("db", value_of("db") + "." * 2_000_000), "it has more than 1 MiB"),
        (Answer(200, b"<html>It works!</html>", content_type="text/html"), "it is not one of this call"),
        (Answer(200, b"{" + value_of("db").encode()), "it is not one of this call"),
    ],
    ids=["too large", "another type", "no JSON"],
)
def test_a_success_that_no_service_gives_is_told_from_an_error_of_the_service(
    answer: Answer, why: str, start_extension: StartExtension, stub: AwsStub
) -> None:
    stub.lay_down(GET_SECRET, "db", answer)

    reply = start_extension(stub.url).get(SECRET)

    assert (reply.status, reply.error_type) == (400, "DispatchFailure")
    assert "the service's answer (HTTP status 200) could not be read" in reply.text
    assert why in reply.text
    assert value_of("db") not in reply.text

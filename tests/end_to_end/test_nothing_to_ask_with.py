"""What is missing, or out of reach, is named in the error, with what to do about it."""

import pytest

from conftest import StartExtension
from support.held_port import HeldPort

SECRET, PARAMETER = "/secretsmanager/get?secretId=db", "/systemsmanager/parameters/get?name=db"


def text_of(start_extension: StartExtension, path: str, url: str = "", **more: str) -> str:
    reply = start_extension(url, **more).get(path)
    assert (reply.status, reply.error_type) == (400, "DispatchFailure")
    return reply.text


@pytest.mark.parametrize("path", [SECRET, PARAMETER])
def test_without_credentials_the_error_says_where_they_come_from(start_extension: StartExtension, path: str) -> None:
    text = text_of(start_extension, path, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")

    for words in ("AWS_ACCESS_KEY_ID", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "export-credentials"):
        assert words in text


@pytest.mark.parametrize("path", [SECRET, PARAMETER])
def test_without_a_region_the_error_names_the_variable(start_extension: StartExtension, path: str) -> None:
    assert "AWS_REGION" in text_of(start_extension, path, AWS_REGION="")


@pytest.mark.parametrize(("path", "service"), [(SECRET, "secretsmanager"), (PARAMETER, "ssm")])
def test_a_name_that_does_not_resolve_is_told(start_extension: StartExtension, path: str, service: str) -> None:
    """Inside the sandbox none does."""
    assert f"{service}.eu-central-1.amazonaws.com: " in text_of(start_extension, path)


def test_a_host_that_refuses_is_told_with_its_port(start_extension: StartExtension) -> None:
    held = HeldPort()

    assert f"127.0.0.1:{held.number}: " in text_of(start_extension, SECRET, f"https://127.0.0.1:{held.number}")

    held.close()

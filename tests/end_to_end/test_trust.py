"""Which authorities are trusted can be said with SSL_CERT_FILE and with AWS_CA_BUNDLE, as for any
AWS SDK."""

import pytest

from conftest import StartExtension
from support.aws_answers import GET_SECRET, secret
from support.aws_stub import AwsStub
from support.certificates import Authority, make_authority
from support.private_words import value_of

PATH = "/secretsmanager/get?secretId=db"


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority") / "stranger", "Another authority")


@pytest.fixture
def upstream(stub: AwsStub) -> AwsStub:
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")))
    return stub


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "AWS_CA_BUNDLE"])
def test_an_own_authority_is_trusted(
    variable: str, start_extension: StartExtension, upstream: AwsStub, authority: Authority
) -> None:
    both = {"SSL_CERT_FILE": "", "AWS_CA_BUNDLE": ""}
    extension = start_extension(upstream.url, **{**both, variable: str(authority.bundle)})

    assert extension.get(PATH).status == 200


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "AWS_CA_BUNDLE"])
def test_an_upstream_of_another_authority_is_refused_with_a_reason(
    variable: str, start_extension: StartExtension, upstream: AwsStub, stranger: Authority
) -> None:
    both = {"SSL_CERT_FILE": "", "AWS_CA_BUNDLE": ""}
    extension = start_extension(upstream.url, **{**both, variable: str(stranger.bundle)})

    reply = extension.get(PATH)

    assert (reply.status, reply.error_type) == (400, "DispatchFailure")
    assert reply.text.startswith("an unexpected error occurred while executing request: DispatchFailure: ")
    assert "certificate" in reply.text
    assert upstream.calls == []

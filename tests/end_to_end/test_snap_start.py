"""With SnapStart there is no AWS_SESSION_TOKEN: credentials, and with them the token, come from an
endpoint."""

from collections.abc import Iterator

import pytest

from support.aws_answers import GET_SECRET, secret
from support.aws_stub import AwsStub
from support.certificates import Authority
from support.credentials_endpoint import AUTHORIZATION, CredentialsEndpoint
from support.emulator import Emulator
from support.environment import ENVIRONMENT_CREDENTIALS, settings, upstreams
from support.extension import Extension
from support.function import python_function
from support.log_file import LogFile
from support.opt_extensions import CREDENTIALS, INSTALLED, install_extension_without_credentials
from support.private_words import SESSION_TOKEN, value_of

SECRET = "/secretsmanager/get?secretId=db"


@pytest.fixture
def upstream(stub: AwsStub) -> AwsStub:
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")))
    return stub


@pytest.fixture
def nobody_has_credentials() -> Iterator[None]:
    install_extension_without_credentials()
    yield
    INSTALLED.unlink()


def test_under_the_emulator_either_token_is_accepted(
    nobody_has_credentials: None, upstream: AwsStub, authority: Authority, log: LogFile
) -> None:
    function = python_function("snap_start.handler").without(CREDENTIALS.split())
    environment = settings(**upstreams(upstream.url), **ENVIRONMENT_CREDENTIALS, AWS_CA_BUNDLE=str(authority.bundle))

    with Emulator(function, environment, log, ("--enable-init-caching",)) as emulator:
        outcome = emulator.invoke({"path": SECRET}).json()

    assert not {"AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"} & set(outcome["environment"])
    authorization, by_authorization, _ = outcome["authorization"]
    assert (by_authorization, outcome["session token"][1], outcome["neither"][1]) == (200, 200, 401)
    assert outcome["session token"][0] == SESSION_TOKEN
    assert [call.session_token for call in upstream.calls] == [SESSION_TOKEN]
    assert authorization not in log.text()


def test_calls_are_signed_with_the_endpoints_credentials_which_are_kept(
    upstream: AwsStub, authority: Authority, log: LogFile
) -> None:
    keys = [f"key-{number}" for number in range(10)]
    for key in keys:
        upstream.lay_down(GET_SECRET, key, secret(key, value_of(key)))

    with CredentialsEndpoint(SESSION_TOKEN) as endpoint:
        with Extension(without_credentials(upstream, authority, endpoint), log) as extension:
            replies = [extension.get(f"/secretsmanager/get?secretId={key}") for key in keys]

    assert [reply.status for reply in replies] == [200] * len(keys)
    assert {call.session_token for call in upstream.calls} == {SESSION_TOKEN}
    assert endpoint.requests <= 2, "once to judge requests by, once to sign calls with"


@pytest.mark.parametrize(("token", "status"), [(SESSION_TOKEN, 200), (AUTHORIZATION, 200), ("wrong", 401), (None, 401)])
def test_the_first_request_already_is_judged_by_its_token(
    token: str | None, status: int, upstream: AwsStub, authority: Authority, log: LogFile
) -> None:
    with CredentialsEndpoint(SESSION_TOKEN) as endpoint:
        with Extension(without_credentials(upstream, authority, endpoint), log) as extension:
            assert extension.get(SECRET, token).status == status


def without_credentials(upstream: AwsStub, authority: Authority, endpoint: CredentialsEndpoint) -> dict[str, str]:
    return settings(**upstreams(upstream.url), **endpoint.environment, AWS_CA_BUNDLE=str(authority.bundle))

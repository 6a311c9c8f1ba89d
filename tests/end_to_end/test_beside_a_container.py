"""Beside a container there is no AWS_SESSION_TOKEN: the client's token and the credentials come from elsewhere."""

import datetime
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.aws_answers import GET_SECRET, secret
from support.aws_stub import AwsStub
from support.certificates import Authority
from support.check import check
from support.credentials_endpoint import AUTHORIZATION, ECS, EKS, ContainerEndpoint
from support.environment import settings, upstreams
from support.extension import Extension
from support.log_file import LogFile
from support.private_words import CREDENTIAL_MARK, SECRET_ACCESS_KEY, SESSION_TOKEN, value_of
from support.project import extension_binary, wrapper_binary
from support.waiting import eventually

SECRET = "/secretsmanager/get?secretId=db"
TOKEN = f"{CREDENTIAL_MARK}-token-of-the-client"
NEW_TOKEN = f"{CREDENTIAL_MARK}-new-token-of-the-client"
UNREADABLE = "no request can be answered, because the file of the client's token cannot be read"
# Long-lived keys bring no session token.
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}


@pytest.fixture
def upstream(stub: AwsStub) -> AwsStub:
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")))
    return stub


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    return tmp_path / "awssmatoken"


@pytest.fixture
def environment(upstream: AwsStub, authority: Authority) -> dict[str, str]:
    return settings(**upstreams(upstream.url), AWS_CA_BUNDLE=str(authority.bundle))


@pytest.mark.parametrize("variable", ["PARAMETERS_SECRETS_EXTENSION_TOKEN", "AWS_TOKEN"])
def test_a_client_sends_the_token_that_a_variable_has(variable: str, environment: dict[str, str], log: LogFile) -> None:
    with Extension({**environment, **KEYS, variable: TOKEN}, log) as extension:
        assert extension.get(SECRET, TOKEN).status == 200
        assert extension.get(SECRET, "wrong").status == 401
        assert extension.get(SECRET, None).status == 401
        log.wait_for(f"DEBUG {variable} is present. Clients send it as X-Aws-Parameters-Secrets-Token")
        log.wait_for(f"WARN .* its token is wrong: send the {variable} that this environment has now")


def test_a_client_of_awss_agent_reads_the_file_that_the_agent_reads(
    environment: dict[str, str], token_file: Path, log: LogFile
) -> None:
    token_file.write_text(f"{TOKEN}\n")
    with Extension({**environment, **KEYS, "AWS_TOKEN": f"file://{token_file}"}, log) as extension:
        assert extension.get(SECRET, token_file.read_text().strip()).status == 200

        token_file.write_text(f"{NEW_TOKEN}\n")

        assert extension.get(SECRET, NEW_TOKEN).status == 200
        assert extension.get(SECRET, TOKEN).status == 401
        log.wait_for(f"WARN .* its token is wrong: send what {token_file} holds now")


def test_a_file_that_is_missing_is_one_warning_until_it_is_there(
    environment: dict[str, str], token_file: Path, log: LogFile
) -> None:
    with Extension({**environment, **KEYS, "AWS_TOKEN": f"file://{token_file}"}, log) as extension:
        log.wait_for(UNREADABLE)  # before the first request
        replies = [extension.get(SECRET, TOKEN) for _ in range(3)]

        token_file.write_text(TOKEN)
        opened = extension.get(SECRET, TOKEN).status
        token_file.write_bytes(b"\xff" * 100_000)
        eventually(lambda: extension.get(SECRET, TOKEN).status == 400, "the file is too long now")
        log.wait_for(UNREADABLE, times=2)
        log.wait_for("INFO the file of the client's token can be read again")

    assert {reply.status for reply in replies} == {400} and opened == 200
    assert f"because {token_file}, which AWS_TOKEN names, cannot be read (No such file".encode() in replies[0].body
    assert log.text().count(UNREADABLE) == 2, "once at the start, once later"


def test_the_users_token_does_not_count_where_there_is_a_session_token(environment: dict[str, str], log: LogFile) -> None:
    with Extension({**environment, **KEYS, "AWS_SESSION_TOKEN": SESSION_TOKEN, "AWS_TOKEN": TOKEN}, log) as extension:
        assert extension.get(SECRET, SESSION_TOKEN).status == 200
        assert extension.get(SECRET, TOKEN).status == 401
        log.wait_for("WARN AWS_TOKEN does not count, because AWS_SESSION_TOKEN is present")


@pytest.fixture(params=[ECS, EKS], ids=["ECS", "EKS Pod Identity"])
def endpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ContainerEndpoint]:
    """The credentials' endpoint where ECS or EKS has it: the sandbox's network is ours alone."""
    address: str = request.param
    authorization = tmp_path / "eks-pod-identity-token" if address == EKS else None
    with ContainerEndpoint(SESSION_TOKEN, address, authorization) as endpoint:
        yield endpoint


def test_calls_are_signed_with_the_containers_credentials(
    endpoint: ContainerEndpoint, upstream: AwsStub, environment: dict[str, str], log: LogFile
) -> None:
    with Extension({**environment, **endpoint.environment, "AWS_TOKEN": TOKEN}, log) as extension:
        assert extension.get(SECRET, TOKEN).status == 200
        # The token is the user's alone, as long as there is one.
        assert extension.get(SECRET, SESSION_TOKEN).status == 401

    assert [call.session_token for call in upstream.calls] == [SESSION_TOKEN]
    assert endpoint.requests == 1
    checked = check(log, "secret:db", environment={**environment, **endpoint.environment, "AWS_TOKEN": TOKEN})
    assert checked.exit_code == 0, checked.output
    assert "the container endpoint" in checked.line("credentials").text


def test_an_authorization_token_that_was_exchanged_is_the_one_that_is_shown(
    upstream: AwsStub, environment: dict[str, str], tmp_path: Path, log: LogFile
) -> None:
    shown = tmp_path / "eks-pod-identity-token"
    with ContainerEndpoint(SESSION_TOKEN, EKS, shown) as endpoint:
        endpoint.lifetime = datetime.timedelta(seconds=5)  # so little that they are renewed for each call
        with Extension({**environment, **endpoint.environment, "AWS_TOKEN": TOKEN}, log) as extension:
            assert extension.get(SECRET, TOKEN).status == 200
            endpoint.authorization = f"{AUTHORIZATION}-new"
            shown.write_text(endpoint.authorization)
            assert extension.get(f"{SECRET}&refreshNow=true", TOKEN).status == 200
    assert endpoint.requests >= 2 and endpoint.refused == 0


def test_what_the_endpoint_repeats_of_its_authorization_is_cut_out(
    environment: dict[str, str], tmp_path: Path, log: LogFile
) -> None:
    shown = tmp_path / "eks-pod-identity-token"
    with ContainerEndpoint(SESSION_TOKEN, EKS, shown) as endpoint:
        endpoint.failure = {"code": "Denied", "message": f"not for {AUTHORIZATION} nor {AUTHORIZATION.replace('-', '%2D')}"}
        with Extension({**environment, **endpoint.environment, "AWS_TOKEN": TOKEN}, log) as extension:
            reply = extension.get(SECRET, TOKEN)
    assert reply.status == 400
    assert b"not for [redacted] nor [redacted]" in reply.body, reply.body


def test_check_says_what_is_wrong_with_the_tokens_file(
    environment: dict[str, str], token_file: Path, log: LogFile
) -> None:
    with_file = {**environment, **KEYS, "AWS_TOKEN": f"file://{token_file}"}

    missing = check(log, environment=with_file)
    token_file.write_text(TOKEN)
    there = check(log, environment=with_file)

    assert missing.failed == ["session token"] and "No such file" in missing.line("session token").text
    assert there.state("session token") == "ok"


def test_the_wrapper_finds_the_token_by_the_same_variable(
    environment: dict[str, str], token_file: Path, log: LogFile
) -> None:
    token_file.write_text(f"{TOKEN}\n")
    with_file = {**environment, **KEYS, "AWS_TOKEN": f"file://{token_file}"}
    command = [wrapper_binary(), "sh", "-c", 'printf %s "$VALUE"']
    with Extension(with_file, log):
        done = subprocess.run(
            command, env={**with_file, "VALUE": "${secret:db}"}, capture_output=True, text=True, timeout=30
        )

    assert (done.returncode, done.stdout) == (0, value_of("db")), done.stderr


def test_a_health_check_asks_the_program_itself(environment: dict[str, str], log: LogFile) -> None:
    def ping() -> int:
        return subprocess.run([extension_binary(), "--ping"], env=environment, capture_output=True, timeout=10).returncode

    assert ping() == 1
    with Extension({**environment, **KEYS, "AWS_TOKEN": TOKEN}, log):
        assert ping() == 0

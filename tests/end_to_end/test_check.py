"""`--check` says which step of the way to a value fails, and what to do about it."""

import json
import subprocess
from pathlib import Path

import pytest

from conftest import StartEmulator
from support.aws_answers import GET_PARAMETER, GET_SECRET, failure, parameter, secret
from support.aws_stub import AwsStub
from support.certificates import Authority, make_authority
from support.check import Checked, check, on_aws
from support.environment import settings
from support.held_port import HeldPort
from support.log_file import LogFile
from support.moto_upstream import MotoUpstream
from support.private_words import SESSION_TOKEN, value_of
from support.project import EXAMPLE_STORE, PYTHON, VERSION, extension_binary
from support.samples import handler_that_checks
from support.wall_clock import WallClock

SECRET, PARAMETER = "secret:db", "parameter:/app/url"


@pytest.fixture
def upstream(stub: AwsStub) -> AwsStub:
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")))
    stub.lay_down(GET_PARAMETER, "/app/url", parameter("/app/url", value_of("/app/url"), "SecureString"))
    return stub


@pytest.fixture
def trusting(authority: Authority) -> dict[str, str]:
    return {"AWS_CA_BUNDLE": str(authority.bundle)}


def test_where_everything_is_well_each_step_is_one_line(
    moto: MotoUpstream, trusting: dict[str, str], log: LogFile
) -> None:
    moto.put_secret("db", value_of("db"))
    moto.put_parameter("/app/url", value_of("/app/url"), "SecureString")

    checked = check(log, SECRET, PARAMETER, environment=on_aws(moto.url, **trusting))

    assert (checked.exit_code, checked.failed) == (0, [])
    for what in [
        "region", "credentials", "session token", "DNS secretsmanager", "TCP secretsmanager", "TLS secretsmanager",
        "clock secretsmanager", "DNS ssm", "TCP ssm", "TLS ssm", "clock ssm", SECRET, f"KMS {SECRET}", PARAMETER,
        f"KMS {PARAMETER}",
    ]:  # fmt: skip
        assert checked.state(what) == "ok", what
    assert "AWS_ACCESS_KEY_ID" in checked.line("credentials").text


def test_without_items_both_services_are_reached_and_nothing_is_read(
    upstream: AwsStub, trusting: dict[str, str], log: LogFile
) -> None:
    checked = check(log, environment=on_aws(upstream.url, **trusting))

    assert (checked.exit_code, checked.state("clock ssm"), upstream.calls) == (0, "ok", [])
    assert "no permission was checked" in checked.output


def test_a_service_that_no_item_needs_is_not_reached(
    upstream: AwsStub, trusting: dict[str, str], log: LogFile
) -> None:
    assert "ssm" not in check(log, SECRET, environment=on_aws(upstream.url, **trusting)).output


def test_without_credentials_no_item_is_read(upstream: AwsStub, trusting: dict[str, str], log: LogFile) -> None:
    checked = check(
        log, SECRET, environment=on_aws(upstream.url, **trusting, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    )

    assert (checked.exit_code, checked.failed) == (1, ["credentials"])
    for words in ("AWS_ACCESS_KEY_ID", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "export-credentials"):
        assert words in checked.line("credentials").to_do
    assert (checked.state("TLS secretsmanager"), checked.state(SECRET)) == ("ok", "skipped")


def test_without_a_region_no_item_is_read(upstream: AwsStub, trusting: dict[str, str], log: LogFile) -> None:
    checked = check(log, SECRET, environment=on_aws(upstream.url, **trusting, AWS_REGION=""))

    assert (checked.exit_code, checked.failed) == (1, ["region"])
    assert "AWS_REGION" in checked.line("region").to_do
    assert checked.state(SECRET) == "skipped"


def test_a_missing_session_token_fails_and_says_401(upstream: AwsStub, trusting: dict[str, str], log: LogFile) -> None:
    checked = check(log, environment=on_aws(upstream.url, **trusting, AWS_SESSION_TOKEN=""))

    assert checked.failed == ["session token"]
    assert "401" in checked.line("session token").text
    assert "warning" not in checked.output, "it is said once"


def test_a_host_without_an_address_fails_at_dns(trusting: dict[str, str], log: LogFile) -> None:
    """Inside the sandbox there is none."""
    checked = check(log, SECRET, environment=on_aws("", **trusting))

    line = checked.line("DNS secretsmanager")
    assert checked.failed == ["DNS secretsmanager"]
    assert "secretsmanager.eu-central-1.amazonaws.com has no address" in line.text and "eu-central-1" in line.to_do
    assert checked.state(SECRET) == "skipped"


def test_nothing_listens(trusting: dict[str, str], log: LogFile) -> None:
    held = HeldPort()
    port = held.number

    checked = check(log, SECRET, environment=on_aws(f"https://127.0.0.1:{port}", **trusting))

    held.close()

    assert checked.failed == ["TCP secretsmanager"]
    assert f"127.0.0.1:{port}" in checked.line("TCP secretsmanager").text


def test_a_certificate_that_is_not_trusted_fails_before_any_call(
    upstream: AwsStub, tmp_path: Path, log: LogFile
) -> None:
    stranger = make_authority(tmp_path / "stranger", "Another authority")

    checked = check(log, SECRET, environment=on_aws(upstream.url, AWS_CA_BUNDLE=str(stranger.bundle)))

    assert checked.failed == ["TLS secretsmanager"]
    assert "AWS_CA_BUNDLE" in checked.line("TLS secretsmanager").to_do
    assert upstream.calls == []


def test_a_skewed_clock_fails_and_says_which_way(
    upstream: AwsStub, trusting: dict[str, str], wall_clock: WallClock, log: LogFile
) -> None:
    wall_clock.step(3600)

    checked = check(log, SECRET, environment=on_aws(upstream.url, **trusting, **wall_clock.environment))

    assert checked.failed == ["clock secretsmanager"]
    assert "ahead" in checked.line("clock secretsmanager").text


def test_what_may_not_be_read_and_what_is_not_there_fail_with_different_advice(
    upstream: AwsStub, trusting: dict[str, str], log: LogFile
) -> None:
    denied = "User: arn:aws:sts::123456789012:assumed-role/r/f is not authorized to perform: that"
    upstream.lay_down(GET_SECRET, "db", failure("AccessDeniedException", denied))
    upstream.lay_down(GET_PARAMETER, "/app/url", failure("AccessDeniedException", denied))

    checked = check(log, SECRET, PARAMETER, "secret:nope", "parameter:/nope", environment=on_aws(upstream.url, **trusting))

    assert checked.failed == [SECRET, PARAMETER, "secret:nope", "parameter:/nope"]
    assert "secretsmanager:GetSecretValue" in checked.line(SECRET).to_do and denied in checked.line(SECRET).text
    assert "ssm:GetParameter" in checked.line(PARAMETER).to_do
    for item in ("secret:nope", "parameter:/nope"):
        assert "region" in checked.line(item).to_do


def test_a_kms_key_that_may_not_be_used_has_a_line_of_its_own(
    upstream: AwsStub, trusting: dict[str, str], log: LogFile
) -> None:
    upstream.lay_down(GET_SECRET, "db", failure("AccessDeniedException", "Access to KMS is not allowed"))
    upstream.lay_down(
        GET_PARAMETER, "/app/url",
        parameter("/app/url", "ciphertext", "SecureString"),
        failure("AccessDeniedException", "The ciphertext refers to a customer master key that does not exist, or"),
    )  # fmt: skip

    checked = check(log, SECRET, PARAMETER, environment=on_aws(upstream.url, **trusting))

    assert checked.failed == [f"KMS {SECRET}", f"KMS {PARAMETER}"]
    assert (checked.state(SECRET), checked.state(PARAMETER)) == ("ok", "ok")
    assert "kms:Decrypt" in checked.line(f"KMS {SECRET}").to_do


def test_credentials_that_have_expired_have_to_be_replaced(
    upstream: AwsStub, trusting: dict[str, str], log: LogFile
) -> None:
    upstream.lay_down(GET_SECRET, "db", failure("ExpiredTokenException", "The security token is expired"))

    checked = check(log, SECRET, environment=on_aws(upstream.url, **trusting))

    assert checked.failed == [SECRET] and "new credentials" in checked.line(SECRET).to_do


def test_a_bad_setting_is_a_warning_and_a_bad_item_a_failure(
    upstream: AwsStub, trusting: dict[str, str], log: LogFile
) -> None:
    checked = check(log, "db", environment=on_aws(upstream.url, **trusting, SECRETS_MANAGER_TTL="soon"))

    assert checked.failed == ["argument"]
    assert "SECRETS_MANAGER_TTL" in checked.line("settings").text


def test_a_function_runs_it_through_its_layer_beside_the_extension(
    start_emulator: StartEmulator, upstream: AwsStub
) -> None:
    found = start_emulator("checks.handler", upstream.url).invoke([SECRET]).json()

    assert (found["exit_code"], Checked(0, found["output"]).state(SECRET)) == (0, "ok"), found


def test_the_handler_on_the_page_prints_every_line(log: LogFile) -> None:
    store = settings(AWS_SESSION_TOKEN=SESSION_TOKEN, PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE=str(EXAMPLE_STORE))
    code = handler_that_checks().code
    for on_the_page, here in [
        ("/opt/extensions/parameters-secrets-extension", str(extension_binary())),
        ("secret:NAME", "secret:example/plain"),
    ]:
        assert on_the_page in code
        code = code.replace(on_the_page, here)

    done = subprocess.run([PYTHON, "-c", f"{code}\nhandler({{}}, None)"], env=store, capture_output=True, text=True)
    log.path.write_text(done.stdout + done.stderr)

    assert (done.returncode, Checked(0, done.stdout).state("secret:example/plain")) == (0, "ok"), done


def test_a_local_store_answers_for_its_items(log: LogFile) -> None:
    store = settings(AWS_SESSION_TOKEN=SESSION_TOKEN, PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE=str(EXAMPLE_STORE))

    checked = check(log, "secret:example/plain", "secret:nope", environment=store)

    assert (checked.exit_code, checked.failed) == (1, ["secret:nope"])
    assert str(EXAMPLE_STORE) in checked.line("local store").text


def test_a_local_store_that_is_wrong_fails_and_names_the_place(tmp_path: Path, log: LogFile) -> None:
    store = tmp_path / "store.json"
    store.write_text(json.dumps({"secrets": {"db": 7}}))

    checked = check(log, environment=settings(PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE=str(store)))

    assert "local store" in checked.failed and "secrets.db" in checked.line("local store").text


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [(["--version"], 0, f"{VERSION} ("), (["--help"], 0, "--check [ITEM...]"), (["--chek"], 2, "--help")],
)
def test_each_other_flag_prints_its_words_and_ends(arguments: list[str], exit_code: int, words: str) -> None:
    done = subprocess.run([extension_binary(), *arguments], capture_output=True, text=True, timeout=10)

    assert done.returncode == exit_code
    assert words in done.stdout + done.stderr

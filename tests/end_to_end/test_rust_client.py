"""A third party's client for the official extension works, unchanged."""

import json
import subprocess

from conftest import StartExtension
from support.environment import ENVIRONMENT_CREDENTIALS
from support.moto_upstream import MotoUpstream
from support.private_words import value_of
from support.project import rust_program


def test_the_crate_aws_parameters_and_secrets_lambda_reads_a_secret_and_a_parameter(
    start_extension: StartExtension, moto: MotoUpstream
) -> None:
    document = json.dumps({"password": value_of("password")})
    moto.put_secret("db", document)
    moto.put_parameter("/app/key", value_of("/app/key"), "SecureString")
    start_extension(moto.url)

    command = [str(rust_program("rust-client")), "db", "/app/key"]
    client = subprocess.run(command, env=ENVIRONMENT_CREDENTIALS, capture_output=True, text=True, timeout=30)

    assert client.stderr == ""
    assert client.stdout.splitlines() == [
        f"secret: {document}",
        f"single: {value_of('password')}",
        f"parameter: {value_of('/app/key')}",
    ]
    assert len(moto.calls()) == 2

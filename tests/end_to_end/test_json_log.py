"""With JSON for its format, every line of the log is an object that Lambda and CloudWatch can
read."""

import datetime
import json
from typing import Any

from conftest import StartEmulator, StartExtension
from support.moto_upstream import MotoUpstream
from support.private_words import value_of

PATH = "/secretsmanager/get?secretId=db"


def test_every_line_from_the_first_to_the_last_is_an_object(
    start_extension: StartExtension, moto: MotoUpstream
) -> None:
    moto.put_secret("db", value_of("db"))
    extension = start_extension(
        moto.url, PARAMETERS_SECRETS_EXTENSION_LOG_FORMAT="json", SECRETS_MANAGER_TTL="no number"
    )
    extension.get(PATH)
    extension.get(PATH)
    extension.get("/secretsmanager/get?secretId=missing%0Aline")
    extension.get("/nowhere", token="wrong")
    extension.log.wait_for("bad session token")  # a thread writes the lines, after the answers

    lines = [json.loads(line) for line in extension.log.text().splitlines()]

    for line in lines:
        assert list(line)[:4] == ["timestamp", "level", "logger", "message"], line
        assert line["level"] in ("DEBUG", "INFO", "WARN", "ERROR")
        written = datetime.datetime.fromisoformat(line["timestamp"])
        assert abs(datetime.datetime.now(datetime.UTC) - written) < datetime.timedelta(minutes=1)
    done = the_line(lines, "fetch done", "/secretsmanager/get?secretId=db")
    assert (done["upstream"], done["answered"]) == ("secretsmanager", 1)
    assert isinstance(done["took_ms"], int)
    assert the_line(lines, "hit", "/secretsmanager/get?secretId=db")["age_ms"] >= 0
    assert any(line["level"] == "WARN" and "SECRETS_MANAGER_TTL" in line["message"] for line in lines)
    assert any(line["level"] == "ERROR" and "ResourceNotFoundException" in line["message"] for line in lines)


def test_a_functions_own_format_is_the_extensions(start_emulator: StartEmulator, moto: MotoUpstream) -> None:
    moto.put_secret("db", value_of("db"))
    emulator = start_emulator("reads.handler", moto.url, AWS_LAMBDA_LOG_FORMAT="JSON")
    emulator.invoke({"paths": [PATH]})
    emulator.log.wait_for(r'^\{"timestamp":"[^"]+","level":"DEBUG","logger":"parameters-secrets-extension","message":"miss"')
    assert "[parameters-secrets-extension]" not in emulator.log.text()


def the_line(lines: list[dict[str, Any]], message: str, key: str) -> dict[str, Any]:
    (line,) = [line for line in lines if line["message"] == message and line.get("key") == key]
    return line

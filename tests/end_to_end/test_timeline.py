"""tools/timeline draws a burst from the log that the extension really writes."""

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from conftest import StartExtension
from support.aws_answers import GET_SECRET, not_found, secret
from support.aws_stub import AwsStub
from support.private_words import value_of
from support.project import PROJECT

SVG = "{http://www.w3.org/2000/svg}"
PATHS = {name: f"/secretsmanager/get?secretId={name}" for name in ("a", "b", "gone")}


def timeline(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, PROJECT / "tools" / "timeline", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_a_burst_is_drawn_with_its_callers_its_queue_and_its_calls(
    start_extension: StartExtension, stub: AwsStub
) -> None:
    gate = threading.Event()
    stub.lay_down(GET_SECRET, "a", secret("a", value_of("a")).behind(gate))
    stub.lay_down(GET_SECRET, "b", secret("b", value_of("b")))
    stub.lay_down(GET_SECRET, "gone", not_found("GetSecretValue"))
    extension = start_extension(
        stub.url,
        PARAMETERS_SECRETS_EXTENSION_LOG_FORMAT="JSON",
        PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS="1",
    )
    with ThreadPoolExecutor(8) as callers:
        herd = [callers.submit(extension.get, PATHS["a"]) for _ in range(5)]
        extension.log.wait_for(r'"joined a fetch in flight".*"waiting":5')
        other = callers.submit(extension.get, PATHS["b"])
        extension.log.wait_for(r'"pool saturated"')
        gate.set()
        assert {reply.result().status for reply in [*herd, other]} == {200}
    extension.get(PATHS["a"])
    extension.get(PATHS["gone"])

    picture, trace = timeline(extension.log.path), timeline("--trace", extension.log.path)

    root = ElementTree.fromstring(picture.stdout)
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "8 requests, 3 keys, 3 calls" in texts
    assert {"answered 5", "answered 1", "failed", *PATHS.values()} <= set(texts)
    assert tracks(json.loads(trace.stdout)) == {
        PATHS["a"]: ["call", "hit", *4 * ["joined a fetch in flight"], "miss"],
        PATHS["b"]: ["call", "miss", "queued"],
        PATHS["gone"]: ["failed call", "miss"],
    }


def tracks(trace: dict[str, Any]) -> dict[str, list[str]]:
    """The names of what each track holds."""
    named = {event["tid"]: event["args"]["name"] for event in trace["traceEvents"] if event["ph"] == "M"}
    return {
        name: sorted(event["name"] for event in trace["traceEvents"] if event["tid"] == tid and event["ph"] != "M")
        for tid, name in named.items()
    }


def test_a_log_in_plain_text_is_refused_with_what_to_set(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text('[parameters-secrets-extension] 2026/05/01 12:00:00 DEBUG miss key=/a refresh=false\n{"other": 1}\n{no\n')
    outcome = timeline(log)
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert "PARAMETERS_SECRETS_EXTENSION_LOG_FORMAT=JSON" in outcome.stderr

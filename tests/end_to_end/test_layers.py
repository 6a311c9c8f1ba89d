"""The layers themselves: each is unpacked as Lambda does, started by the emulator, and serves a
function.

`make layer-check` names the zips in LAYERS. The one for the other architecture runs through qemu.
"""

import os
import platform
import shutil
import zipfile
from pathlib import Path

import pytest

from conftest import StartEmulator
from support.aws_answers import GET_PARAMETER, GET_SECRET, parameter, secret
from support.aws_stub import AwsStub
from support.function import python_function
from support.opt_extensions import INSTALLED
from support.private_words import value_of
from support.project import TOOLS, wrapper_binary

LAYERS = [Path(path) for path in os.environ.get("LAYERS", "").split()]
QEMU = TOOLS / "qemu"
WRAPPER = Path("/opt/bin") / wrapper_binary().name

PATHS = ["/secretsmanager/get?secretId=db", "/systemsmanager/parameters/get/?name=%2Fapp%2Furl"]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.stem)
def test_lambda_starts_the_extension_that_is_in_the_zip(layer: Path, start_emulator: StartEmulator, stub: AwsStub) -> None:
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")))
    stub.lay_down(GET_PARAMETER, "/app/url", parameter("/app/url", value_of("/app/url")))
    unpack_into_opt(layer)
    emulator = start_emulator("reads_in_init.handler", stub.url, READ_IN_INIT=" ".join(PATHS))

    replies = emulator.invoke({"paths": []}).json()["in init"]
    exit_code = emulator.stop()

    assert [status for status, _ in replies] == [200, 200]
    assert [value_of(key) in body for key, (_, body) in zip(("db", "/app/url"), replies, strict=True)] == [True, True]
    assert exit_code == 0


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.stem)
def test_the_wrapper_that_is_in_the_zip_starts_a_function(
    layer: Path, start_emulator: StartEmulator, stub: AwsStub
) -> None:
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")))
    unpack_into_opt(layer)
    function = python_function("environment.handler").behind(WRAPPER)
    emulator = start_emulator(function, stub.url, PASSWORD="${secret:db}")

    outcome = emulator.invoke({"names": ["PASSWORD"]}).json()

    assert outcome["environment"] == {"PASSWORD": value_of("db")}


def unpack_into_opt(layer: Path) -> None:
    with zipfile.ZipFile(layer) as archive:
        INSTALLED.unlink(missing_ok=True)
        places = []
        for entry in archive.infolist():
            place = Path("/opt") / entry.filename
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(archive.read(entry))
            place.chmod(entry.external_attr >> 16)
            if place.stat().st_mode & 0o111:
                places.append(place)
    assert places == [INSTALLED, WRAPPER]
    if layer.stem.endswith("arm64") and platform.machine() == "x86_64":
        for place in places:
            run_through_qemu(place)


def run_through_qemu(program: Path) -> None:
    """Puts a script in the program's place; the kernel starts programs of its own architecture
    only."""
    foreign = Path("/opt") / f"{program.name}-arm64"
    shutil.move(program, foreign)
    program.write_text(
        f'#!/bin/sh\nexec {QEMU}/usr/bin/qemu-aarch64-static -0 "$0" -L {QEMU} {foreign} "$@"\n'
    )
    program.chmod(0o755)

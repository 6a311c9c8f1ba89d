"""layer/publish: shows the plan first, and then asks AWS for exactly that. The `aws` here writes
down what it is asked."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from support.project import PROJECT

AWS = """#!/bin/sh
echo "$@" >> "$ASKED"
case "$*" in
*get-caller-identity*) echo 123456789012 ;;
*publish-layer-version*) echo arn:aws:lambda:somewhere:123456789012:layer:it:7 ;;
*add-layer-version-permission*) echo '{"Statement": "..."}' ;;
esac
"""
NAME = "parameters-secrets-extension"


class Publisher:
    def __init__(self, folder: Path) -> None:
        self._project = folder / "project"
        self._asked = folder / "asked"
        (self._project / "layer").mkdir(parents=True)
        (self._project / "dist").mkdir()
        (folder / "bin").mkdir()
        for file in ("layer/publish", "Cargo.toml"):
            copy = self._project / file
            copy.write_bytes((PROJECT / file).read_bytes())
            copy.chmod(0o755)
        (folder / "bin" / "aws").write_text(AWS)
        (folder / "bin" / "aws").chmod(0o755)
        sums = []
        for architecture in ("x86_64", "arm64"):
            zip_name = f"{NAME}-{architecture}.zip"
            (self._project / "dist" / zip_name).write_text(architecture)
            sums.append(f"{hashlib.sha256(architecture.encode()).hexdigest()}  {zip_name}\n")
        (self._project / "dist" / "SHA256SUMS").write_text("".join(sums))
        self._path = f"{folder / 'bin'}:{os.environ['PATH']}"

    def run(self, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._project / "layer" / "publish", *arguments],
            env={"PATH": self._path, "ASKED": str(self._asked)},
            input=answer,
            capture_output=True,
            text=True,
        )

    def published(self) -> list[str]:
        return self.asked_for("publish-layer-version")

    def asked_for(self, command: str) -> list[str]:
        asked = self._asked.read_text().splitlines() if self._asked.exists() else []
        return [line for line in asked if command in line]

    def spoil(self, architecture: str) -> None:
        (self._project / "dist" / f"{NAME}-{architecture}.zip").write_text("something else")

    def leave_out_of_the_sums(self, architecture: str) -> None:
        sums = self._project / "dist" / "SHA256SUMS"
        kept = [line for line in sums.read_text().splitlines(keepends=True) if architecture not in line]
        sums.write_text("".join(kept))


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path)


def test_nothing_is_published_unless_the_plan_is_agreed_to(publisher: Publisher) -> None:
    refused = publisher.run("--regions", "eu-central-1", answer="n\n")

    assert refused.returncode == 2
    assert f"publish a new version of {NAME}-arm64 in eu-central-1" in refused.stderr
    assert "In the account 123456789012" in refused.stderr
    assert publisher.published() == []


def test_what_the_plan_says_is_published(publisher: Publisher) -> None:
    done = publisher.run(
        "--profile", "releases", "--regions", "eu-central-1,us-east-1", "--architectures", "arm64", answer="y\n"
    )

    assert done.returncode == 0, done.stderr
    assert [line.split(" --zip-file")[0].split(" --description")[0] for line in publisher.published()] == [
        f"--profile releases --region {region} lambda publish-layer-version --layer-name {NAME}-arm64"
        for region in ("eu-central-1", "us-east-1")
    ]
    assert all("--compatible-architectures arm64" in line for line in publisher.published())
    assert done.stdout.splitlines() == ["arn:aws:lambda:somewhere:123456789012:layer:it:7"] * 2


def test_a_zip_that_is_not_what_was_built_is_not_published(publisher: Publisher) -> None:
    publisher.spoil("x86_64")

    done = publisher.run("--regions", "eu-central-1", "--yes")

    assert done.returncode == 2
    assert f"{NAME}-x86_64.zip is not what dist/SHA256SUMS lists" in done.stderr
    assert publisher.published() == []


@pytest.mark.parametrize("altered", [True, False], ids=["altered", "as it was built"])
def test_a_zip_that_the_sums_do_not_list_is_not_published(altered: bool, publisher: Publisher) -> None:
    publisher.leave_out_of_the_sums("arm64")
    if altered:
        publisher.spoil("arm64")

    done = publisher.run("--regions", "eu-central-1", "--yes")

    assert done.returncode == 2
    assert f"{NAME}-arm64.zip is not what dist/SHA256SUMS lists" in done.stderr
    assert publisher.published() == []


def test_only_the_zips_that_are_published_need_their_sums(publisher: Publisher) -> None:
    publisher.leave_out_of_the_sums("arm64")

    done = publisher.run("--regions", "eu-central-1", "--architectures", "x86_64", "--yes")

    assert done.returncode == 0, done.stderr
    assert len(publisher.published()) == 1


def test_a_dry_run_shows_the_plan_and_publishes_nothing(publisher: Publisher) -> None:
    done = publisher.run("--regions", "eu-central-1", "--dry-run", "--yes")

    assert done.returncode == 0, done.stderr
    assert f"publish a new version of {NAME}-arm64 in eu-central-1" in done.stderr
    assert done.stdout == ""
    assert publisher.published() == []


def test_a_layer_is_private_unless_it_is_to_be_public(publisher: Publisher) -> None:
    publisher.run("--regions", "eu-central-1", "--yes")
    assert publisher.asked_for("add-layer-version-permission") == []

    done = publisher.run("--regions", "eu-central-1", "--architectures", "arm64", "--public", "--yes")

    assert "EVERY AWS account" in done.stderr
    (granted,) = publisher.asked_for("add-layer-version-permission")
    assert f"--layer-name {NAME}-arm64 --version-number 7 " in granted
    assert granted.endswith("--principal * --action lambda:GetLayerVersion")
    assert done.stdout.splitlines() == ["arn:aws:lambda:somewhere:123456789012:layer:it:7"]


def test_it_says_what_to_write_into_each_kind_of_deployment(publisher: Publisher) -> None:
    done = publisher.run("--regions", "eu-central-1", "--architectures", "arm64", "--yes")

    for snippet in (
        'Layers: ["arn:aws:lambda:somewhere:123456789012:layer:it:7"]',
        "Architectures: [arm64]",
        "architecture: lambda.Architecture.ARM_64,",
        'fromLayerVersionArn(this, "Extension", "arn:aws:lambda:somewhere:123456789012:layer:it:7")',
        'architectures = ["arm64"]',
        'layers        = ["arn:aws:lambda:somewhere:123456789012:layer:it:7"]',
    ):
        assert snippet in done.stderr


def test_it_asks_for_regions_rather_than_guess(publisher: Publisher) -> None:
    done = publisher.run("--yes")

    assert done.returncode == 2
    assert "--regions" in done.stderr

"""tools/release-notes: what a release says of itself, and that its tag is its version."""

import subprocess
from pathlib import Path

import pytest

from support.project import PROJECT

CHANGE_LOG = """# Changelog

## Unreleased

- not yet

## 1.2.3 - 2026-05-01

### Added

- something

## 1.2.2

- older
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tools").mkdir()
    script = tmp_path / "tools" / "release-notes"
    script.write_bytes((PROJECT / "tools" / "release-notes").read_bytes())
    script.chmod(0o755)
    (tmp_path / "Cargo.toml").write_text('[package]\nversion = "1.2.3"\n[dependencies]\nserde = { version = "1" }\n')
    (tmp_path / "CHANGELOG.md").write_text(CHANGE_LOG)
    return tmp_path


def notes(project: Path, tag: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([project / "tools" / "release-notes", tag], capture_output=True, text=True)


def test_the_notes_are_the_section_of_the_version(project: Path) -> None:
    done = notes(project, "v1.2.3")

    assert (done.returncode, done.stdout.strip()) == (0, "### Added\n\n- something")


def test_a_tag_that_is_not_the_version_is_refused(project: Path) -> None:
    done = notes(project, "v1.2.4")

    assert (done.returncode, done.stdout) == (1, "")
    assert "the tag is v1.2.4, but Cargo.toml says 1.2.3" in done.stderr


def test_a_version_without_notes_is_refused(project: Path) -> None:
    (project / "CHANGELOG.md").write_text(CHANGE_LOG.replace("## 1.2.3 -", "## 1.2.30 -"))

    done = notes(project, "v1.2.3")

    assert done.returncode == 1
    assert 'no section "## 1.2.3"' in done.stderr

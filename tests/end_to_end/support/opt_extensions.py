"""Puts the extension where Lambda looks for it; the file's name is the name that it registers
with."""

import shlex
import shutil
from pathlib import Path

from support.project import NAME, extension_binary

INSTALLED = Path("/opt/extensions") / NAME
BESIDE = Path("/opt") / NAME

CREDENTIALS = "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"


def install_extension() -> None:
    copy_extension_to(INSTALLED)


def install_extension_without_credentials(**more: str) -> None:
    """The emulator hands its own environment on, credentials and all; Lambda does not when it uses
    SnapStart.

    `more` is what the extension alone has in its environment.
    """
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in more.items())
    copy_extension_to(BESIDE)
    INSTALLED.unlink(missing_ok=True)
    INSTALLED.write_text(f'#!/bin/bash\nunset {CREDENTIALS}\n{exports}exec -a "$0" {BESIDE}\n')
    INSTALLED.chmod(0o755)


def copy_extension_to(place: Path) -> None:
    if not place.exists() or place.stat().st_size != extension_binary().stat().st_size:
        shutil.copy(extension_binary(), place)
        place.chmod(0o755)

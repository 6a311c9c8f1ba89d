"""Where things are, and which programs are compared."""

import os
import shutil
import tomllib
from pathlib import Path

BENCHES = Path(__file__).resolve().parent.parent
PROJECT = BENCHES.parent
TOOLS = PROJECT / ".tools"
LOAD = BENCHES / "load"
REPORT = PROJECT / "docs" / "performance.md"
PLOTS = PROJECT / "docs" / "performance"

VERSION: str = tomllib.loads((PROJECT / "Cargo.toml").read_text())["package"]["version"]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or PROJECT / "target").resolve()
EXTENSION = TARGET / "layer" / "extensions" / "parameters-secrets-extension"
"""Out of the layer's zip: what people install."""
UPSTREAM = TARGET / "release" / "upstream"
CONSTANT = TARGET / "release" / "constant"


def program(name: str) -> Path | None:
    """A tool from the project's own folder, else from the machine."""
    for place in (TOOLS / "bin", TOOLS / "debian" / "usr" / "bin", TOOLS / "debian" / "usr" / "sbin"):
        if (place / name).is_file():
            return place / name
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    return Path(found) if found else None


def environment() -> dict[str, str]:
    """Lets a tool that was unpacked into the project's folder find its libraries there."""
    libraries = ":".join(str(folder) for folder in (TOOLS / "debian" / "usr" / "lib").glob("*-linux-gnu*"))
    return {**os.environ, **({"LD_LIBRARY_PATH": libraries} if libraries else {})}

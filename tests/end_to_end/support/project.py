"""Where the parts of the project are, and which version it has."""

import os
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
TOOLS = PROJECT / ".tools"
PYTHON = TOOLS / "venv" / "bin" / "python"
EMULATOR = TOOLS / "aws-lambda-rie"
NODE = TOOLS / "node" / "bin" / "node"
NODE_RUNTIME = TOOLS / "node" / "runtime" / "node_modules" / "aws-lambda-ric" / "index.mjs"
FUNCTIONS = PROJECT / "tests" / "functions"
LAYER_EXAMPLES = PROJECT / "layer" / "examples"
ROTATION_EXAMPLE = PROJECT / "examples" / "rotation"
EXAMPLE_STORE = PROJECT / "examples" / "store.json"
MISBEHAVING_STORE = PROJECT / "examples" / "misbehaving.json"
SUPPORT = Path(__file__).resolve().parent

NAME = "parameters-secrets-extension"
VERSION: str = tomllib.loads((PROJECT / "Cargo.toml").read_text())["package"]["version"]


def extension_binary() -> Path:
    return Path(os.environ["EXTENSION_BINARY"]).resolve()


def wrapper_binary() -> Path:
    return Path(os.environ["WRAPPER_BINARY"]).resolve()


def rust_program(name: str) -> Path:
    """One of the programs that tests/functions has the packages of."""
    return Path(os.environ["RUST_PROGRAMS"]).resolve() / name

"""Functions as users have them, each run by AWS's own runtime client for its language."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from support.project import FUNCTIONS, NODE, NODE_RUNTIME, PYTHON, rust_program


@dataclass(frozen=True)
class Function:
    command: list[str]
    folder: Path
    """Where its code is: Lambda's task root."""

    def without(self, variables: Iterable[str]) -> Self:
        """Does not see these of the environment, unlike the extension beside it."""
        hidden = [word for name in variables for word in ("-u", name)]
        return type(self)(["/usr/bin/env", *hidden, *self.command], self.folder)

    def behind(self, *words: str | Path) -> Self:
        """Started by a wrapper, as the managed runtimes do it with AWS_LAMBDA_EXEC_WRAPPER."""
        return type(self)([*map(str, words), *self.command], self.folder)


def python_function(handler: str) -> Function:
    return Function([existing(PYTHON), "-m", "awslambdaric", handler], FUNCTIONS / "python")


def node_function(handler: str) -> Function:
    return Function([existing(NODE), existing(NODE_RUNTIME), handler], FUNCTIONS / "node")


def rust_function(handler: str) -> Function:
    """A program has one handler and is called as the file with it would be in another language."""
    program = rust_program(f"function-{handler.partition('.')[0]}")
    return Function([existing(program), handler], FUNCTIONS / "rust")


def existing(part: Path) -> str:
    assert part.exists(), f"{part} is missing: tests/end_to_end/run installs and builds what functions need"
    return str(part)

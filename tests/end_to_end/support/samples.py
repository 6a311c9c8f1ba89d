"""The samples of the pages, each made into a program: `PROGRAM NAME` writes the secret's value to
standard output."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.project import NODE, PROJECT, PYTHON, TOOLS, rust_program

README = PROJECT / "README.md"
LANGUAGES = PROJECT / "docs" / "languages.md"
TROUBLESHOOTING = PROJECT / "docs" / "troubleshooting.md"
# Debian's package libgoogle-gson-java.
GSON = Path("/usr/share/java/gson.jar")


@dataclass(frozen=True)
class Block:
    """Fenced code of a page."""

    page: Path
    heading: str
    language: str
    code: str


@dataclass(frozen=True)
class Sample:
    title: str
    page: Path
    heading: str
    language: str
    program: Callable[[str, Path], list[str]]
    """Makes the code into a program in a folder, and returns its command."""
    needs: dict[str, str]
    """What has to be on the machine, by Debian's package that has it."""
    of_binary: bytes = b"not-a-secret\xff"
    """What shows of the binary secret of the example store."""

    def missing(self) -> list[str]:
        return [package for thing, package in self.needs.items() if not is_there(thing)]

    def make(self, folder: Path) -> list[str]:
        """On a machine without its runtime it is skipped, but not in CI."""
        if missing := self.missing():
            why = f"{self.title} needs what Debian has in {' '.join(missing)}"
            if os.environ.get("CI") == "true":
                pytest.fail(why)
            pytest.skip(why)
        (code,) = [block.code for block in blocks(self.page) if self._is(block)]
        return self.program(code, folder)

    def _is(self, block: Block) -> bool:
        return (block.heading, block.language) == (self.heading, self.language)

    def is_made_of(self, block: Block) -> bool:
        return block.page == self.page and self._is(block)


def blocks(page: Path) -> Iterator[Block]:
    heading, language, lines = "", None, list[str]()
    for line in page.read_text().splitlines():
        if fence := re.match(r"```(\w*)$", line):
            if language is None:
                language, lines = fence[1], []
            else:
                yield Block(page, heading, language, "\n".join(lines) + "\n")
                language = None
        elif language is not None:
            lines.append(line)
        elif line.startswith("#"):
            heading = line.lstrip("# ")


def handler_that_checks() -> Block:
    """It reads no secret, so test_check.py runs it, and not as a sample."""
    (block,) = [block for block in blocks(TROUBLESHOOTING) if block.language == "python"]
    return block


def is_there(thing: str) -> bool:
    return Path(thing).exists() or shutil.which(thing) is not None


def python(code: str, folder: Path) -> list[str]:
    main = "import sys\nvalue = secret(sys.argv[1])\n"
    main += "sys.stdout.buffer.write(value if isinstance(value, bytes) else value.encode())\n"
    return [str(PYTHON), write(folder / "sample.py", code + main)]


def node(code: str, folder: Path) -> list[str]:
    main = "process.stdout.write(await secret(process.argv[2]));\n"
    return [str(NODE), write(folder / "sample.mjs", code + main)]


def java(code: str, folder: Path) -> list[str]:
    main = "final class Main { public static void main(String[] words) throws Exception {"
    main += " System.out.write(Secrets.secret(words[0])); System.out.flush(); } }\n"
    sources = [write(folder / "Secrets.java", code), write(folder / "Main.java", main)]
    subprocess.run(["javac", "-cp", str(GSON), "-d", str(folder), *sources], check=True)
    return ["java", "-cp", f"{folder}:{GSON}", "Main"]


def go(code: str, folder: Path) -> list[str]:
    main = 'package main\n\nimport "os"\n\nfunc main() {\n\tvalue, err := secret(os.Args[1])\n'
    main += '\tif err != nil {\n\t\tprintln(err.Error())\n\t\tos.Exit(1)\n\t}\n\tos.Stdout.Write(value)\n}\n'
    write(folder / "secrets.go", code)
    write(folder / "main.go", main)
    write(folder / "go.mod", "module sample\n\ngo 1.21\n")
    program = folder / "sample"
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GOCACHE": str(TOOLS / "go-cache")}
    command = [str(TOOLS / "go" / "bin" / "go"), "build", "-o", str(program), "."]
    subprocess.run(command, cwd=folder, env=environment, check=True)
    return [str(program)]


def ruby(code: str, folder: Path) -> list[str]:
    return ["ruby", write(folder / "sample.rb", code + "$stdout.binmode.write(secret(ARGV[0]))\n")]


def php(code: str, folder: Path) -> list[str]:
    return ["php", write(folder / "sample.php", f"<?php\n{code}echo secret($argv[1]);\n")]


def rust(_code: str, _folder: Path) -> list[str]:
    # Built from the page before the sandbox is entered: its crates come from the registry.
    return [str(rust_program("sample"))]


def shell(code: str, folder: Path) -> list[str]:
    return ["sh", write(folder / "sample.sh", code + 'secret "$1"\n')]


def curl_line(code: str, folder: Path) -> list[str]:
    name = "secretId=example/plain"
    assert name in code, code
    return ["sh", write(folder / "curl.sh", code.replace(name, '"secretId=$1"'))]


def write(file: Path, text: str) -> str:
    file.write_text(text)
    return str(file)


CURL = {"curl": "curl"}
SAMPLES = [
    Sample("README: Python", README, "Ask", "python", python, {}),
    # It shows the whole answer, in which a binary secret is base64.
    Sample("README: curl", README, "Ask", "sh", curl_line, CURL, of_binary=b"bm90LWEtc2VjcmV0/w=="),
    Sample("Python", LANGUAGES, "Python", "python", python, {}),
    Sample("Node.js", LANGUAGES, "Node.js", "js", node, {}),
    Sample("Java", LANGUAGES, "Java", "java", java, {"javac": "default-jdk-headless", str(GSON): "libgoogle-gson-java"}),
    Sample("Go", LANGUAGES, "Go", "go", go, {}),
    Sample("Ruby", LANGUAGES, "Ruby", "ruby", ruby, {"ruby": "ruby"}),
    Sample("PHP", LANGUAGES, "PHP", "php", php, {"php": "php-cli"}),
    Sample("Rust", LANGUAGES, "Rust", "rust", rust, {}),
    Sample("shell", LANGUAGES, "Shell", "sh", shell, CURL | {"jq": "jq"}),
]

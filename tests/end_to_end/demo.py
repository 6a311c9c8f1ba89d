"""What `make demo` shows: a herd of callers, one upstream call for each key. Runs inside the
sandbox."""

import os
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from support.aws_answers import GET_PARAMETER, GET_SECRET
from support.certificates import make_authority
from support.emulator import Emulator
from support.environment import ENVIRONMENT_CREDENTIALS, settings, upstreams
from support.function import python_function
from support.log_file import LogFile
from support.moto_upstream import MotoUpstream
from support.opt_extensions import install_extension
from support.private_words import value_of
from support.project import NAME
from support.upstream_call import count_by_key

CALLERS = 100
SECRET = "/secretsmanager/get?secretId=db"
PARAMETER = "/systemsmanager/parameters/get/?name=%2Fapp%2Furl"
UPSTREAM_CALL_OF = {SECRET: (GET_SECRET, "db"), PARAMETER: (GET_PARAMETER, "/app/url")}

VARIABLE = "PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS"
BOLD, DIM, GREEN, YELLOW, PLAIN = "\033[1m", "\033[2m", "\033[32m", "\033[33m", "\033[0m"
OF_THE_START = re.compile(r" is not present\. | Not present, so at their defaults: |present\. Log level set to ")
OF_WHICH_MANY = re.compile(r" DEBUG (joined a fetch in flight|hit) key=(\S+)")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        authority = make_authority(Path(folder) / "authority", "Demo authority")
        say("moto, behind TLS, holds a secret and a parameter ...")
        with MotoUpstream(authority, LogFile(Path(folder) / "moto.log")) as moto:
            moto.put_secret("db", value_of("db"))
            moto.put_parameter("/app/url", value_of("/app/url"))
            environment = settings(
                **upstreams(moto.url),
                **ENVIRONMENT_CREDENTIALS,
                **{VARIABLE: os.environ.get(VARIABLE, "3"), "AWS_CA_BUNDLE": str(authority.bundle)},
            )
            install_extension()
            log = LogFile(Path(folder) / "log")
            say("AWS's runtime interface emulator starts the extension and a Python function ...")
            with Emulator(python_function("herd.handler"), environment, log) as emulator:
                say(f"{CALLERS} threads ask for the secret and {CALLERS} for the parameter, all at once:\n")
                replies = emulator.invoke({"paths": [SECRET, PARAMETER], "callers": CALLERS}).json()
                emulator.stop()
            show_log(log)
            show_summary(replies, count_by_key(moto.calls()))


def show_log(log: LogFile) -> None:
    """The extension's own lines, without those about settings that were left alone.

    Of the many that say the same of one key, the first and how many there are.
    """
    lines = [line.removeprefix(f"[{NAME}] ") for line in log.text().splitlines() if line.startswith(f"[{NAME}]")]
    lines = [line for line in lines if not OF_THE_START.search(line)]
    many = [OF_WHICH_MANY.search(line) for line in lines]
    alike = Counter(match.groups() for match in many if match)
    for line, match in zip(lines, many, strict=True):
        if match is None:
            print("  " + painted(line))
        elif how_many := alike.pop(match.groups(), 0):
            rest = f"   ... and {how_many - 1} more like this" if how_many > 1 else ""
            print("  " + paint(DIM, line + rest))


def painted(line: str) -> str:
    if " fetch started" in line or " miss " in line:
        return paint(YELLOW, line)
    if " fetch done " in line:
        return paint(GREEN, line)
    return line


def show_summary(replies: list[dict[str, Any]], calls: Counter[tuple[str, str]]) -> None:
    columns = "  {:<12}{:>9}{:>16}{:>17}   {}"
    print("\n" + paint(BOLD, columns.format("", "callers", "upstream calls", "slowest caller", "answers")))
    for name, path in (("secret", SECRET), ("parameter", PARAMETER)):
        ours = [reply for reply in replies if reply["path"] == path]
        statuses = Counter(reply["status"] for reply in ours)
        slowest = max(reply["seconds"] for reply in ours)
        answers = ", ".join(f"{count} x {status}" for status, count in statuses.items())
        print(columns.format(name, len(ours), calls[UPSTREAM_CALL_OF[path]], f"{slowest * 1000:.0f} ms", answers))
    print()


def say(what: str) -> None:
    print(paint(BOLD, what), flush=True)


def paint(colour: str, text: str) -> str:
    return f"{colour}{text}{PLAIN}" if sys.stdout.isatty() else text


if __name__ == "__main__":
    main()

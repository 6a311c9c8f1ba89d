"""The second half of `make demo`: more cold keys than connections. What docs/tuning.md explains."""

import os
import re
import tempfile
from pathlib import Path
from typing import Any

from support.aws_stub import AwsStub
from support.emulator import Emulator
from support.environment import settings
from support.function import python_function
from support.log_file import LogFile
from support.opt_extensions import install_extension
from support.project import NAME
from support.slow_secrets import slow_secrets

KEYS = 30
SECONDS = 0.1
VARIABLE = "PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS"
OF_THE_POOL = re.compile(r" (pool saturated|pool drained|fetch done|INFO summary)")


def main() -> None:
    max_connections = os.environ.get(VARIABLE, "3")
    names = [f"key-{number}" for number in range(KEYS)]
    with tempfile.TemporaryDirectory() as folder:
        with slow_secrets(Path(folder), names, SECONDS) as (stub, aws):
            environment = settings(**aws, **{VARIABLE: max_connections})
            install_extension()
            log = LogFile(Path(folder) / "log")
            with Emulator(python_function("herd.handler"), environment, log) as emulator:
                print(
                    f"{KEYS} threads ask for {KEYS} other secrets, all at once. "
                    f"A call takes {SECONDS * 1000:.0f} ms; {VARIABLE} is {max_connections}:\n",
                    flush=True,
                )
                paths = [f"/secretsmanager/get?secretId={name}" for name in names]
                replies = emulator.invoke({"paths": paths, "callers": 1}).json()
                emulator.stop()
            show_log(log)
            show_summary(replies, stub)


def show_log(log: LogFile) -> None:
    """What the extension says of its pool; of the fetches the first and the last."""
    lines = [line.removeprefix(f"[{NAME}] ") for line in log.text().splitlines() if line.startswith(f"[{NAME}]")]
    lines = [line for line in lines if OF_THE_POOL.search(line)]
    fetches = [line for line in lines if " fetch done" in line]
    for line in lines:
        if line in fetches[1:-1]:
            if line == fetches[1]:
                print(f"  ... {len(fetches) - 2} more fetches")
            continue
        print("  " + line)


def show_summary(replies: list[dict[str, Any]], stub: AwsStub) -> None:
    seconds = sorted(reply["seconds"] for reply in replies)
    print(
        f"\n  answers: {sum(reply['status'] == 200 for reply in replies)} of {KEYS}"
        f" · calls at once: {stub.in_flight.peak}"
        f" · median caller {seconds[KEYS // 2] * 1000:.0f} ms · slowest {seconds[-1] * 1000:.0f} ms\n"
    )


if __name__ == "__main__":
    main()

"""The end of `make demo`: a burst as a picture, and as a trace. `make demo` says where."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from support.emulator import Emulator
from support.environment import settings
from support.function import python_function
from support.log_file import LogFile
from support.opt_extensions import install_extension
from support.project import PROJECT
from support.slow_secrets import slow_secrets

KEYS, CALLERS, SECONDS = 8, 12, 0.1
VARIABLE = "PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS"


def main() -> None:
    names = [f"key-{number}" for number in range(KEYS)]
    with tempfile.TemporaryDirectory() as folder:
        with slow_secrets(Path(folder), names, SECONDS) as (_, aws):
            environment = settings(
                **aws,
                **{VARIABLE: os.environ.get(VARIABLE, "3")},
                PARAMETERS_SECRETS_EXTENSION_LOG_FORMAT="JSON",
            )
            install_extension()
            log = LogFile(Path(folder) / "log")
            with Emulator(python_function("herd.handler"), environment, log) as emulator:
                paths = [f"/secretsmanager/get?secretId={name}" for name in names]
                emulator.invoke({"paths": paths, "callers": CALLERS})
                emulator.invoke({"paths": paths, "callers": 1})
                emulator.stop()
        print(f"{CALLERS} threads for each of {KEYS} secrets, drawn from the log:", flush=True)
        for name, options in (("burst.svg", []), ("burst-trace.json", ["--trace"])):
            draw(log.path, PROJECT / "dist" / name, options)
    print("  the trace opens in ui.perfetto.dev and chrome://tracing\n")


def draw(log: Path, file: Path, options: list[str]) -> None:
    file.parent.mkdir(exist_ok=True)
    with file.open("wb") as output:
        subprocess.run([sys.executable, PROJECT / "tools" / "timeline", *options, log], check=True, stdout=output)
    print(f"  {file.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()

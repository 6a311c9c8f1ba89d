"""Runs the check from inside a function, through its layer."""

import subprocess
from typing import Any


def handler(event: list[str], context: Any) -> dict[str, Any]:
    command = ["/opt/extensions/parameters-secrets-extension", "--check", *event]
    done = subprocess.run(command, capture_output=True, text=True)
    return {"exit_code": done.returncode, "output": done.stdout}

"""The command `windlass` as a process, for tests."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from mosquitto import PATIENCE

KEY = bytes(range(32))
WINDLASS = [sys.executable, "-m", "windlass_chat"]
REPOSITORY = Path(__file__).parents[3]
ECHO = REPOSITORY / "examples/python/echo_bot.py"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("WINDLASS_")} | {
    "STORE_KEY": KEY.hex(),
    "BACKUP_KEY": "battery staple",
    # What is written to a pipe or a file does not depend on where the tests run.
    "PYTHONUTF8": "1",
}
WITH_KEY = ("--passphrase-env", "STORE_KEY")
BACKUP_KEY = ("--backup-passphrase-env", "BACKUP_KEY")


def run(*arguments: object, typed: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """A command without a terminal."""
    command = [*WINDLASS, *map(str, arguments)]
    ran = subprocess.run(
        command, input=typed, env=ENVIRONMENT | variables, capture_output=True, text=True, timeout=PATIENCE
    )
    # Whatever happens: no colour in a pipe, no trace of Python, and no secret.
    both = ran.stdout + ran.stderr
    assert "\x1b" not in both and "Traceback" not in both, both
    assert KEY.hex() not in both and "battery staple" not in both
    return ran


def result(*arguments: object, typed: str = "") -> Any:
    """What a command that goes well prints with `--json`."""
    ran = run(*arguments, "--json", *WITH_KEY, typed=typed)
    assert ran.returncode == 0 and ran.stderr == "", ran.stderr
    return json.loads(ran.stdout)


def text(*arguments: object, typed: str = "") -> list[str]:
    """The lines that a command prints for people."""
    ran = run(*arguments, *WITH_KEY, typed=typed)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()

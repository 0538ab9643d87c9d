"""Standard input, output and error, which not everybody who starts a program gives to it."""

from __future__ import annotations

import contextlib
import io
import os
import sys

from windlass_chat._streams import occupy_streams


def hold_streams() -> bool:
    """Makes all three be there; false if nobody gets what is printed."""
    occupy_streams()
    there = sys.stdout is not None
    # Not by the numbers: something else may have got them by now.
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")
    if sys.stderr is None:
        # Without it `print` takes standard output.
        sys.stderr = open(os.devnull, "w", encoding="utf-8")
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        # What is typed may be no text, and names may be in any script; better a question mark than no answer.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    return there


def let_go_of_output() -> None:
    """Nobody reads it, or it has no room. Python would complain again when it flushes at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError, ValueError):
        os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)

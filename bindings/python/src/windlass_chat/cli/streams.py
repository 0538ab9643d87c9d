"""Standard input, output and error, which not everybody who starts a program gives to it."""

from __future__ import annotations

import contextlib
import io
import os
import sys


def hold_streams() -> bool:
    """Makes all three be there; false if nobody gets what is printed.

    Before any file is opened: a store would get the number of the one that is missing, and what some library writes to
    standard error would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
    there = sys.stdout is not None
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", errors="replace", closefd=False)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", errors="replace", closefd=False)
    if sys.stderr is None:
        # Without it `print` takes standard output.
        sys.stderr = open(2, "w", encoding="utf-8", errors="replace", closefd=False)
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

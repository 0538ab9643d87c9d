"""How results, errors and progress are shown: text for people, JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import TextIO

from windlass_chat._native import qr_terminal
from windlass_chat.store import ProgressCallback

BAR = 24
WHITE_ON_BLACK = "97;40"

# What could move the cursor, colour the screen, or turn the direction of what follows.
_UNSEEN = {*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029}
_REPLACED = dict.fromkeys(_UNSEEN - {ord("\n"), ord("\t")}, "\ufffd")


def printable(text: str) -> str:
    """What somebody else wrote, without what would steer the terminal."""
    return text.translate(_REPLACED)


class Output:
    """Standard output and standard error of a command."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        for stream in (sys.stdout, sys.stderr):
            # A code is made of blocks, and names may be in any script; better a question mark than no output.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        self._drawing = False

    def result(self, data: dict[str, object], text: str | Iterable[str] = ()) -> None:
        """The result of the command: the data for programs, or the lines for people."""
        if self.as_json:
            print(json.dumps(data, ensure_ascii=False), flush=True)
            return
        for line in [text] if isinstance(text, str) else text:
            print(line, flush=True)

    def error(self, sentence: str, code: str, advice: str, retry: bool) -> None:
        """One line, and what to do, to standard error."""
        if self.as_json:
            problem = {"error": code, "message": sentence, "advice": advice, "retry": retry}
            print(json.dumps(problem, ensure_ascii=False), file=sys.stderr)
            return
        label = self.colour("error:", "31", sys.stderr)
        print(f"{label} {printable(sentence)} ({code})", file=sys.stderr)
        if advice:
            print(advice, file=sys.stderr)

    def note(self, text: str) -> None:
        """A word beside the result, for people only."""
        if not self.as_json:
            print(text, file=sys.stderr, flush=True)

    def colour(self, text: str, code: str, stream: TextIO | None = None) -> str:
        """The text in a colour, where there are any."""
        stream = stream or sys.stdout
        if self.as_json or not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return text
        return f"\x1b[{code}m{text}\x1b[0m"

    def code(self, uri: str) -> str:
        """A QR code. On a terminal in colours of its own, for on a light one its dark and light would be exchanged."""
        return "\n".join(self.colour(line, WHITE_ON_BLACK) for line in qr_terminal(uri).splitlines())

    def progress(self, title: str) -> ProgressCallback | None:
        """Draws how far a long work has come on standard error; nothing where that is no terminal."""
        if not sys.stderr.isatty():
            return None

        def draw(done: int, total: int) -> None:
            self._drawing = True
            bar = ("#" * (BAR * done // max(total, 1))).ljust(BAR, ".")
            print(f"\r{title} [{bar}] {done} of {total} records", end="", file=sys.stderr, flush=True)
            if done >= total:
                self.end_progress()

        return draw

    def end_progress(self) -> None:
        """Leaves the line that a bar was drawn on."""
        if self._drawing:
            self._drawing = False
            print(file=sys.stderr, flush=True)

"""How results, errors and progress are shown: text for people, JSON for programs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterable
from typing import TextIO

from windlass_chat._native import qr_terminal
from windlass_chat.cli.plain import plain
from windlass_chat.cli.wrong import OutputLost
from windlass_chat.store import ProgressCallback

BAR = 24
WHITE_ON_BLACK = "97;40"
BLOCKS = "\u2580\u2584\u2588"

_NOT_ASCII = re.compile("[^ -~]")


class Drawn(str):
    """What we have drawn ourselves, colours and all. Any other text is made plain before it is printed."""


def json_line(data: dict[str, object]) -> str:
    """An object in one line of ASCII: any encoding carries it, no terminal is steered by it, and each reader of JSON takes it."""
    return _NOT_ASCII.sub(_escaped, json.dumps(data, ensure_ascii=False, allow_nan=False))


def _escaped(found: re.Match[str]) -> str:
    # Half of a surrogate pair is no text, and stricter readers would refuse the whole line.
    character = "\ufffd" if "\ud800" <= found[0] <= "\udfff" else found[0]
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


class Output:
    """Standard output and standard error of a command."""

    def __init__(self, as_json: bool, there: bool = True) -> None:
        self.as_json = as_json
        self.there = there
        """Whether there is a standard output."""
        self.lost = False
        """Whether a result could be given to nobody."""
        self._drawing = False

    def result(self, data: dict[str, object], text: str | Iterable[str] = ()) -> None:
        """The result of the command: the data for programs, or the lines for people."""
        self.lost = self.lost or not self.there
        if self.as_json:
            self.write(json_line(data))
            return
        for line in [text] if isinstance(text, str) else text:
            self.write(line)

    def write(self, line: str, lines: bool = False) -> None:
        """A line to standard output; with `lines` its line ends stay."""
        try:
            print(line if isinstance(line, Drawn) else plain(line, lines), flush=True)
        except OSError as error:
            raise OutputLost(error) from None

    def error(self, sentence: str, code: str, advice: str, retry: bool) -> None:
        """One line, and what to do, to standard error."""
        if self.as_json:
            self._say(json_line({"error": code, "message": sentence, "advice": advice, "retry": retry}))
            return
        label = self.colour("error:", "31", sys.stderr)
        self._say(f"{label} {plain(sentence)} ({code})")
        if advice:
            self._say(plain(advice))

    def note(self, text: str) -> None:
        """A word beside the result, for people only."""
        if not self.as_json:
            self._say(plain(text))

    def ask(self, question: str) -> None:
        """A question, whose answer is typed behind it."""
        self._say(f"{plain(question)} ", end="")

    def _say(self, text: str, end: str = "\n") -> None:
        # Who does not take errors cannot be told so either.
        with contextlib.suppress(OSError):
            print(text, end=end, file=sys.stderr, flush=True)

    def colour(self, text: str, code: str, stream: TextIO | None = None) -> Drawn:
        """The text in a colour, where there are any. It is made plain before."""
        stream, text = stream or sys.stdout, plain(text, lines=True)
        if self.as_json or not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return Drawn(text)
        return Drawn(f"\x1b[{code}m{text}\x1b[0m")

    def code(self, uri: str) -> list[str]:
        """A QR code. On a terminal in colours of its own, for on a light one its dark and light would be exchanged."""
        if self.as_json:
            return []
        try:
            BLOCKS.encode(sys.stdout.encoding or "ascii")
        except UnicodeEncodeError:
            self.note("No code is drawn, for this output has no blocks to draw it with: PYTHONIOENCODING=utf-8.")
            return []
        return [self.colour(line, WHITE_ON_BLACK) for line in qr_terminal(uri).splitlines()]

    def progress(self, title: str) -> ProgressCallback | None:
        """Draws how far a long work has come on standard error; nothing where that is no terminal."""
        if not sys.stderr.isatty():
            return None

        def draw(done: int, total: int) -> None:
            self._drawing = True
            bar = ("#" * (BAR * done // max(total, 1))).ljust(BAR, ".")
            self._say(f"\r{title} [{bar}] {done} of {total} records", end="")
            if done >= total:
                self.end_progress()

        return draw

    def end_progress(self) -> None:
        """Leaves the line that a bar was drawn on."""
        if self._drawing:
            self._drawing = False
            self._say("")

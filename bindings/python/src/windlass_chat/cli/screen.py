"""Lines in and lines out: on a terminal, through a pipe, or as JSON."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import sys
import threading
import unicodedata

from windlass_chat.cli.output import Output, printable

try:
    import readline
    import termios
except ImportError:  # Not on Windows; lines are typed without them there.
    readline = None  # type: ignore[assignment]
    termios = None  # type: ignore[assignment]

PROMPT = "> "
INDENT = "    "
DIM, THEIRS, WARNING = "2", "36", "33"


class Screen(logging.Handler):
    """What is typed comes as a queue; what is shown does not tear what is being typed. Takes in log records, too."""

    def __init__(self, out: Output) -> None:
        super().__init__(logging.WARNING)
        self.out = out
        self.terminal = sys.stdin.isatty() and sys.stdout.isatty() and not out.as_json
        self.typed: asyncio.Queue[str | None] = asyncio.Queue()
        """What is typed, line by line; nothing at the end of the input."""
        self._loop = asyncio.get_running_loop()
        self._asking = False
        """Whether the prompt stands there."""
        self._drawing = threading.Lock()
        self._wanted = threading.Semaphore(1)

    # --- out ---------------------------------------------------------------------------------------------------------

    def show(self, kind: str, text: str | list[str], colour: str | None = None, /, **data: object) -> None:
        """A line for people, or several; an object with its kind and the data for programs."""
        if self.out.as_json:
            print(json.dumps({"event": kind, **data}, ensure_ascii=False), flush=True)
            return
        lines = [self._folded(printable(line)) for line in ([text] if isinstance(text, str) else text)]
        text = "\n".join(line if colour is None else self.out.colour(line, colour) for line in lines)
        with self._drawing:
            if not self._asking:
                print(text, flush=True)
                return
            # Over the prompt, and then the prompt again with what was typed so far.
            begun = readline.get_line_buffer() if readline is not None else ""
            sys.stdout.write(f"\r\x1b[K{text}\n{PROMPT}{begun}")
            sys.stdout.flush()

    def _folded(self, text: str) -> str:
        """The second line of a message, and what does not fit, stands under the first: nobody else's line looks like that."""
        lines = text.split("\n")
        if self.terminal:
            lines = [piece for line in lines for piece in folded(line, shutil.get_terminal_size().columns)]
        return f"\n{INDENT}".join(lines)

    def emit(self, record: logging.LogRecord) -> None:
        # From any thread: the connection has one of its own.
        text = record.getMessage()
        try:
            self._loop.call_soon_threadsafe(lambda: self.show("warning", f"  ! {text}", WARNING, text=text))
        except RuntimeError:
            pass  # The chat is over.

    # --- in ----------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Screen:
        self._before = termios.tcgetattr(0) if self.terminal and termios is not None else None
        logging.getLogger("windlass_chat").addHandler(self)
        # Not awaited: nothing wakes up a thread that reads.
        threading.Thread(target=self._ask if self.terminal else self._read, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("windlass_chat").removeHandler(self)
        with self._drawing:
            self._asking = False
        if self._before is not None:
            # The thread may stand within readline, which has set up the terminal for itself.
            termios.tcsetattr(0, termios.TCSADRAIN, self._before)
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()

    def _put(self, line: str | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self.typed.put_nowait, line)
        except RuntimeError:
            pass  # The chat is over.

    def handled(self) -> None:
        """What was typed last has been seen to: the next line is asked for. Not before, or the prompt would stand among the answers to it."""
        self._wanted.release()

    def _ask(self) -> None:
        line: str | None = ""
        while line is not None:
            self._wanted.acquire()
            line = self._ask_once()
            self._put(line)

    def _ask_once(self) -> str | None:
        # Held until the prompt stands there, or a line that comes just then would be written behind it.
        self._drawing.acquire()
        waiting = [self._drawing]

        def asked() -> None:
            self._asking = True
            for drawing in waiting:
                drawing.release()
            waiting.clear()

        if readline is not None:
            readline.set_pre_input_hook(asked)
        else:
            asked()
        try:
            return input(PROMPT)
        except (EOFError, ValueError):
            return None
        finally:
            asked()
            with self._drawing:
                self._asking = False

    def _read(self) -> None:
        # Not by `sys.stdin`: its lock, held by this thread, would stop the interpreter from ending.
        rest = b""
        while block := os.read(0, 65_536):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                self._put(line.decode(errors="replace").rstrip("\r"))
        if rest:
            self._put(rest.decode(errors="replace"))
        self._put(None)


def folded(line: str, columns: int) -> list[str]:
    """A line in pieces that fit, between words where that can be; room for an indent is left in each."""
    room = max(columns - len(INDENT) - 1, 8)
    pieces = []
    while (end := _fitting(line, room)) < len(line):
        # A word that is longer than half a line is broken.
        space = line.rfind(" ", end // 2, end + 1)
        end = space if space > 0 else end
        pieces.append(line[:end])
        line = line[end:].removeprefix(" ")
    return [*pieces, line]


def _fitting(line: str, room: int) -> int:
    """How many characters of a line fit: Chinese ones and pictures are two cells wide, accents none."""
    for at, character in enumerate(line):
        wide = unicodedata.east_asian_width(character) in ("W", "F")
        room -= 0 if unicodedata.combining(character) else 2 if wide else 1
        if room < 0:
            return max(at, 1)
    return len(line)

"""Lines in and lines out: on a terminal, through a pipe, or as JSON."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import sys
import threading

from windlass_chat.cli.output import Output, json_line
from windlass_chat.cli.plain import plain, width
from windlass_chat.cli.wrong import OutputLost

try:
    import readline
    import termios
except ImportError:  # Not on Windows; lines are typed without them there.
    readline = None  # type: ignore[assignment]
    termios = None  # type: ignore[assignment]

PROMPT = "> "
INDENT = "    | "
"""Before each line of a text but the first. No other line begins like this, so that no text can look like a line of somebody else."""
MOST_LINES = 100
"""How many lines of one text a terminal shows. With more, the lines of the others would be gone from the screen."""
AHEAD = 64
"""How many lines of a pipe are read before the first of them was handled."""
LONGEST_LINE = 1 << 20
"""How many bytes a line of a pipe may have; more than any message may."""
UNWRAPPED, WRAPPED = "\x1b[?7l", "\x1b[?7h"
"""Switch off, and on, that a terminal goes on with a long line where the next one begins. What we believe to fit may not, and would look like a line of its own."""
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
        self._wanted = threading.Semaphore(1 if self.terminal else AHEAD)

    # --- out ---------------------------------------------------------------------------------------------------------

    def show(self, kind: str, text: str | list[str], colour: str | None = None, /, **data: object) -> None:
        """A line for people, or several; an object with its kind and the data for programs."""
        if self.out.as_json:
            self._write(json_line({"event": kind, **data}) + "\n")
            return
        lines = [self._folded(plain(line, lines=True)) for line in ([text] if isinstance(text, str) else text)]
        text = "\n".join(line if colour is None else self.out.colour(line, colour) for line in lines)
        if self.terminal and os.environ.get("TERM") != "dumb":
            text = f"{UNWRAPPED}{text}{WRAPPED}"
        with self._drawing:
            if not self._asking:
                self._write(f"{text}\n")
                return
            # Over the prompt, and then the prompt again with what was typed so far.
            begun = readline.get_line_buffer() if readline is not None else ""
            self._write(f"\r\x1b[K{text}\n{PROMPT}{plain(begun)}")

    def _write(self, text: str) -> None:
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError as error:
            raise OutputLost(error) from None

    def _folded(self, text: str) -> str:
        """The second line of a text, and what does not fit, stands under the first behind a mark."""
        lines = text.split("\n")
        if self.terminal:
            columns = shutil.get_terminal_size().columns
            lines = [piece for line in lines[: MOST_LINES + 1] for piece in folded(line, columns)] + lines[MOST_LINES + 1 :]
            if len(lines) > MOST_LINES:
                lines = [*lines[:MOST_LINES], f"... and {len(lines) - MOST_LINES} lines more"]
        return f"\n{INDENT}".join(lines)

    def emit(self, record: logging.LogRecord) -> None:
        """Shows a line of the log above what is being typed; from any thread."""
        # From any thread: the connection has one of its own.
        if getattr(record, "event", None) == "undecryptable":
            return  # Told as what happens in the chat.
        text = record.getMessage()
        try:
            self._loop.call_soon_threadsafe(self._warn, text)
        except RuntimeError:
            pass  # The chat is over.

    def _warn(self, text: str) -> None:
        # Nobody waits for this; what is shown next fails as well.
        with contextlib.suppress(OutputLost):
            self.show("warning", f"  ! {text}", WARNING, text=text)

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
            with contextlib.suppress(OSError, termios.error):  # The terminal may be gone.
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
        except (EOFError, ValueError, OSError):
            return None
        finally:
            asked()
            with self._drawing:
                self._asking = False

    def _read(self) -> None:
        # Not by `sys.stdin`: its lock, held by this thread, would stop the interpreter from ending.
        rest, whole = b"", True
        with contextlib.suppress(OSError):
            while block := os.read(sys.stdin.fileno(), 65_536):
                *lines, rest = (rest + block).split(b"\n")
                for line in lines:
                    self._put_read(line if whole else b"")
                    whole = True
                if len(rest) > LONGEST_LINE:
                    # Once, and is refused for its length; the rest of it is not kept.
                    self._put_read(rest if whole else b"")
                    rest, whole = b"", False
        if rest and whole:
            self._put_read(rest)
        self._put(None)

    def _put_read(self, line: bytes) -> None:
        # As fast as they are handled, and not as fast as they can be read.
        self._wanted.acquire()
        self._put(line.decode(errors="replace").rstrip("\r"))


def folded(line: str, columns: int) -> list[str]:
    """A line in pieces that fit, between words where that can be; room for an indent is left in each."""
    room = max(columns - len(INDENT) - 1, 8)
    pieces = []
    while (end := _fitting(line, room)) < len(line):
        # A word that is longer than half a line is broken.
        space = line.rfind(" ", end // 2, end + 1)
        # What has no width stays with what it belongs to.
        end = space if space > 0 and width(line[space + 1 : space + 2] or " ") else end
        pieces.append(line[:end])
        line = line[end:].removeprefix(" ")
    return [*pieces, line]


def _fitting(line: str, room: int) -> int:
    """How many characters of a line fit."""
    for at, character in enumerate(line):
        room -= width(character)
        if room < 0:
            return max(at, 1)
    return len(line)

"""Who answers a command: the store that it opens, or the bot that has it open."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from windlass_chat import _questions
from windlass_chat._local import MOST_BYTES, MOST_BYTES_OF_ANSWER, folder_of, peer_user, reachable
from windlass_chat._questions import Answer, Progress, Question
from windlass_chat.cli.output import Output
from windlass_chat.cli.secrets import open_store
from windlass_chat.cli.wrong import Failed, WrongUsage
from windlass_chat.client import Client

PATIENCE = 60.0
"""Seconds without a word after which a bot answers no more. One that works says so each second."""
BLOCK = 1 << 20

Ask = Callable[..., Answer]


@contextlib.contextmanager
def asking(given: argparse.Namespace, out: Output, progress: Progress | None = None) -> Iterator[Ask]:
    """Answers questions about the store that the command line names."""
    bot = bot_that_has(given.path, out, progress)
    if bot is not None:
        yield bot
        return
    with Client.open(open_store(given)) as client:

        def ask(name: str, **arguments: object) -> Answer:
            try:
                return _questions.answer(name, Question(client, arguments, progress=progress))
            except _questions.BadQuestion as error:
                raise WrongUsage(str(error), "See windlass --help.") from None

        yield ask


def bot_that_has(path: str, out: Output, progress: Progress | None = None) -> Ask | None:
    """Asks the bot that has the store open, if there is one. Then nothing is needed to open it: the system says who we are."""
    try:
        with _connected(path):
            pass
    except (OSError, Failed):
        return None
    out.note("The store is open in a running bot, which was asked.")
    return lambda name, **arguments: _asked(path, name, arguments, progress)


def fetch(path: str, name: str, to: str) -> None:
    """Moves a file that a bot left for us beside its socket to where it belongs."""
    if Path(name).name != name:
        raise Failed("the bot answered with a path", "bad_answer", "Use a `windlass` of the bot's version.")
    left = folder_of(path) / name
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(left, flags), "rb") as source:
        found = os.fstat(source.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_uid not in _owners(path):
            raise Failed("what the bot left is not its own file", "bad_answer", f"Look at {left}.")
        try:
            made = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(made, "wb") as target:
                try:
                    while block := source.read(BLOCK):
                        target.write(block)
                    target.flush()
                    os.fsync(made)
                except BaseException:
                    os.unlink(to)
                    raise
        finally:
            left.unlink()


def _owners(path: str) -> set[int]:
    """Who may answer for a store: ourselves, the system's administrator, and whoever has the file."""
    return {os.geteuid(), 0, os.stat(path).st_uid}


@contextlib.contextmanager
def _connected(path: str) -> Iterator[socket.socket]:
    if not hasattr(socket, "AF_UNIX"):
        raise OSError("there are no local sockets here")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, reachable(folder_of(path)) as place:
        connection.settimeout(PATIENCE)
        connection.connect(place)
        if peer_user(connection) not in _owners(path):
            # It may be told a key.
            raise Failed("somebody else answers for the store", "not_allowed", f"Look who made {folder_of(path)}.")
        yield connection


def _asked(path: str, name: str, arguments: dict[str, object], progress: Progress | None) -> Answer:
    line = json.dumps({"question": name, "arguments": arguments}).encode() + b"\n"
    if len(line) > MOST_BYTES:
        raise WrongUsage("this is too long to ask a bot for", "Stop the bot, and try again.")
    try:
        with _connected(path) as connection, connection.makefile("rb") as lines:
            connection.sendall(line)
            while answered := lines.readline(MOST_BYTES_OF_ANSWER):
                told = json.loads(answered)
                if "answer" in told:
                    return dict(told["answer"])
                if "error" in told:
                    problem = told["error"]
                    raise Failed(problem["message"], problem["error"], problem["advice"], problem["retry"])
                if progress is not None and told["progress"][1]:
                    progress(*told["progress"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failed(f"the bot does not answer: {error}", "no_answer", "Look at the bot's log.", retry=True) from None
    raise Failed("the bot ended before it answered", "no_answer", "Try again once it has stopped, or runs again.", retry=True)

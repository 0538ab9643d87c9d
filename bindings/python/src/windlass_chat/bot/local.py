"""Answers what the bot's owner asks of it while it runs: the store is open here, and so nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from windlass_chat._local import HEARTBEAT_SECONDS, MOST_BYTES, make_folder, may_ask, peer_user, reachable
from windlass_chat._native import WindlassError
from windlass_chat._questions import QUESTIONS, BadQuestion, Question, answer
from windlass_chat._threads import in_thread
from windlass_chat.bot.logs import describe
from windlass_chat.bot.tasks import end
from windlass_chat.client import Client

MOST_AT_ONCE = 8
SECONDS_TO_ASK = 10.0
SECONDS_IF_BUSY = 1.0

log = logging.getLogger("windlass_chat.bot")


class LocalSocket:
    """Listens beside the store. One question a connection, one line of JSON each way."""

    def __init__(self, client: Client, folder: Path, answered: Callable[[], None]) -> None:
        self._client = client
        self._folder = folder
        self._answered = answered
        self._server: asyncio.Server | None = None
        self._asked: set[asyncio.Task[None]] = set()

    @classmethod
    async def beside(cls, store: str | None, client: Client, answered: Callable[[], None]) -> LocalSocket | None:
        """Listens for questions about this client; `answered` is called after each. A bot runs without it as well."""
        if store is None or not hasattr(socket, "AF_UNIX"):
            return None
        try:
            folder = make_folder(store)
            opened = cls(client, folder, answered)
            await opened._listen()
            return opened
        except OSError as error:
            # A disk that takes no socket, or a path that is too long for one.
            extra = {"event": "no_local_socket", "error": describe(error)[0]}
            log.warning("the bot cannot be asked by its store: %s", error, extra=extra)
            return None

    async def _listen(self) -> None:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with reachable(self._folder) as path:
                # Of a process that died: who has the store open is alone with it.
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
                listening.bind(path)
                os.chmod(path, 0o600)
            for left in self._folder.glob("backup-*"):
                left.unlink()
            # We remove it ourselves; the path that the socket knows may not lead there any more.
            kept: dict[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
            self._server = await asyncio.start_unix_server(self._came, sock=listening, limit=MOST_BYTES, **kept)
        except BaseException:
            listening.close()
            raise

    async def close(self) -> None:
        """Answers nothing more. What was begun in a thread ends by itself."""
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(OSError), reachable(self._folder) as path:
            os.unlink(path)
        with contextlib.suppress(OSError):
            self._folder.rmdir()
        await end(self._asked)

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._asked.add(task)
        try:
            user = peer_user(writer.get_extra_info("socket"))
            if not may_ask(user):
                log.warning("somebody else may not ask: user %s", user, extra={"event": "asked_by_stranger"})
                _write(writer, {"error": _problem("not_allowed", "only the bot's own user may ask", "")})
            elif len(self._asked) > MOST_AT_ONCE:
                _write(writer, {"error": _problem("busy", "too many ask at once", "Try again.", retry=True)})
                await _hang_up(reader, writer, SECONDS_IF_BUSY)
            else:
                _write(writer, await self._answer(reader, writer))
                await _hang_up(reader, writer, SECONDS_TO_ASK)
        except (ConnectionError, asyncio.TimeoutError):
            pass  # Nobody waits for the answer any more.
        finally:
            self._asked.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> dict[str, object]:
        try:
            name, arguments = _read(await asyncio.wait_for(reader.readline(), SECONDS_TO_ASK))
            log.info("asked: %s", name if name in QUESTIONS else "?", extra={"event": "asked"})
            far = [0, 0]

            def progress(done: int, total: int) -> None:
                far[:] = [done, total]

            question = Question(self._client, arguments, self._folder, progress)
            working = asyncio.ensure_future(in_thread(answer, name, question))
            while not (await asyncio.wait([working], timeout=HEARTBEAT_SECONDS))[0]:
                _write(writer, {"progress": far})
                await writer.drain()
            found = working.result()
            self._answered()
            return {"answer": found}
        except (BadQuestion, asyncio.TimeoutError, ValueError) as error:
            said = str(error) if isinstance(error, BadQuestion) else "this is no question"
            return {"error": _problem("bad_question", said, "Use a `windlass` of the bot's version.")}
        except WindlassError as error:
            return {"error": _problem(error.code, str(error), error.advice, error.retry)}
        except Exception as error:
            kind, where = describe(error)
            log.error("cannot answer: %s at %s", kind, where, extra={"error": kind, "where": where})
            return {"error": _problem("internal", "the bot cannot answer; its log says more", "")}


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Lets the answer arrive: one who is still writing would see the connection break instead."""
    await writer.drain()
    writer.write_eof()

    async def rest() -> None:
        left = 16 * MOST_BYTES
        while left > 0 and (block := await reader.read(MOST_BYTES)):
            left -= len(block)

    await asyncio.wait_for(rest(), seconds)


def _read(line: bytes) -> tuple[str, dict[str, Any]]:
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        raise BadQuestion("this is no line of JSON") from None
    arguments = asked.get("arguments", {}) if isinstance(asked, dict) else None
    if not isinstance(arguments, dict) or not isinstance(asked.get("question"), str):
        raise BadQuestion("a question is an object with `question` and `arguments`")
    return asked["question"], arguments


def _problem(code: str, message: str, advice: str, retry: bool = False) -> dict[str, object]:
    return {"error": code, "message": message, "advice": advice, "retry": retry}


def _write(writer: asyncio.StreamWriter, line: dict[str, object]) -> None:
    writer.write(json.dumps(line).encode() + b"\n")

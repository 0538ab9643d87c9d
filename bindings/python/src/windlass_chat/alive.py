"""Whether a bot is alive: it says so again and again, and `python -m windlass_chat.alive FILE` asks.

What is said is that the event loop turns and that the store answers. That the broker is away is no reason to start anew.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

from windlass_chat._threads import in_thread

EVERY = 10.0
"""Seconds from beat to beat, unless systemd wants them sooner."""
WITHIN = 60.0
"""Seconds after which a bot that has said nothing is not alive."""

log = logging.getLogger("windlass_chat.bot")


async def beat(store: Callable[[], object], file: str | None) -> None:
    """Says for ever that we are alive: in a file, and to systemd where it has started us. `store` asks the store for something."""
    if file is None and "NOTIFY_SOCKET" not in os.environ:
        await asyncio.Event().wait()  # Nobody asks. A task of a bot that ends would end the bot.
    ready = False
    try:
        while True:
            if await _answers(store):
                if file is not None:
                    await in_thread(_write, Path(file))
                _tell_systemd("WATCHDOG=1" if ready else "READY=1\nWATCHDOG=1")
                ready = True
            await asyncio.sleep(min(EVERY, _wanted() or EVERY))
    finally:
        _tell_systemd("STOPPING=1")


def _wanted() -> float:
    """How often systemd wants to hear of us: twice in the time after which it ends us. 0 where it does not."""
    # What it started may itself start programs, which have its variables.
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0
    return int(os.environ.get("WATCHDOG_USEC") or 0) / 2e6


async def _answers(store: Callable[[], object]) -> bool:
    try:
        await in_thread(store)
    except Exception as error:
        # The bot itself decides whether it can go on; until it answers again it is not alive.
        log.warning("the store does not answer: %s", type(error).__name__, extra={"event": "store_silent"})
        return False
    return True


def _write(file: Path) -> None:
    """When it is, on the clock that all processes of this machine share. Always as long, so that nobody reads the half of it."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            os.write(descriptor, f"{time.monotonic():020.3f}\n".encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        log.warning("cannot say that the bot lives: %s", error.strerror, extra={"event": "not_said_alive"})


def _tell_systemd(what: str) -> None:
    """The protocol of sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | getattr(socket, "SOCK_CLOEXEC", 0)) as sender:
        try:
            sender.setblocking(False)
            sender.sendto(what.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
        except OSError as error:
            log.debug("systemd does not listen: %s", error.strerror)


def age(file: str | os.PathLike[str]) -> float | None:
    """How many seconds ago a bot said in this file that it is alive; nothing where none has since the machine was started."""
    try:
        since = time.monotonic() - float(Path(file).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    # One from before the machine was started: its clock was further.
    return since if 0 <= since else None


def main(arguments: list[str] | None = None) -> int:
    """The command: 0 says that the bot is alive, 1 that it is not."""
    parser = argparse.ArgumentParser("python -m windlass_chat.alive", description="Says whether a bot is alive.")
    parser.add_argument("file", help="the bot's setting `alive`")
    parser.add_argument("--within", type=float, default=WITHIN, metavar="SECONDS", help="default: %(default)g")
    given = parser.parse_args(arguments)
    since = age(given.file)
    print("not alive" if since is None else f"said so {since:.0f} seconds ago")
    return 0 if since is not None and since <= given.within else 1


if __name__ == "__main__":
    sys.exit(main())

"""Logs that can be shown to others: no keys, and nothing of what anybody wrote."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import datetime, timezone

from windlass_chat._native import Message, WindlassError
from windlass_chat.transport import TransportError

log = logging.getLogger("windlass_chat.bot")

FIELDS = ("event", "address", "message_id", "cause", "error", "where", "count", "seconds")
"""What the bot's records carry beside their text."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for programs that collect logs."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: getattr(record, name) for name in FIELDS if hasattr(record, name)})
        if record.exc_info and record.exc_info[1] is not None:
            line["error"], line["where"] = describe(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


def describe(error: BaseException) -> tuple[str, str]:
    """Kind of an error and where it was raised, without its text, which may quote a message."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
    code = getattr(error, "code", None)
    return (f"{type(error).__name__}" if not isinstance(code, str) else code), where


def trouble(error: Exception) -> str:
    """An error on the way, in words. Of what may be a fault of the transport's program also the place."""
    kind, where = describe(error)
    if isinstance(error, TransportError) and str(error):
        # Said by a transport for whoever runs the bot: what to look at. It has never seen what anybody wrote.
        return f"{kind}: {error}"
    known = isinstance(error, (TransportError, OSError, WindlassError))
    return kind if known else f"{kind} at {where}"


def short(address: str) -> str:
    """Enough of an address to know it again."""
    return address[:12]


def report(error: BaseException, message: Message | None) -> None:
    """Logs what a handler raised, without its text, which may quote the message that it was called with."""
    kind, where = describe(error)
    author = f" on a message of {short(message.author)}" if message is not None else ""
    extra: dict[str, object] = {"event": "handler_failed", "error": kind, "where": where}
    if message is not None:
        extra |= {"address": message.author, "message_id": message.id}
    log.error("a handler failed%s: %s at %s", author, kind, where, extra=extra)


def set_up(kind: str, level: str) -> None:
    """Logs to standard error, unless the program has set up its own."""
    root = logging.getLogger()
    if kind == "none" or root.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    if kind == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(level.upper())

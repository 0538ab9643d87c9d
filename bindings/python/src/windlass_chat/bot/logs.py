"""Logs that can be shown to others: no keys, and nothing of what anybody wrote, unless the operator asks for it."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import datetime, timezone

from windlass_chat._native import Event, Message, UndecryptableCause, WindlassError
from windlass_chat.transport import TransportError

log = logging.getLogger("windlass_chat.bot")

OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has. The rest was given with `extra`."""
CAUSES = 8
"""Of an error that another caused, so many are described."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for programs that collect logs, with all that a record was given as `extra`.

    Errors are described without their texts, which may quote messages, unless `debug` is on.
    """

    def __init__(self, *, debug: bool = False) -> None:
        super().__init__()
        self._debug = debug

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: value for name, value in vars(record).items() if name not in OWN and name not in line})
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line["error"], line["where"] = describe(error)
            line["stack"] = stack_of(error)
            if self._debug:
                line["traceback"] = "".join(traceback.format_exception(error))
        try:
            text = json.dumps(line, ensure_ascii=False, default=str, skipkeys=True)
        except (ValueError, RecursionError):
            # Something that holds itself.
            text = json.dumps({name: str(value) for name, value in line.items()}, ensure_ascii=False)
        return text.encode(errors="backslashreplace").decode()


class TextFormatter(logging.Formatter):
    """A line for people. Errors are described as by `JsonFormatter`."""

    def __init__(self, *, debug: bool = False) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._debug = debug

    def formatException(self, ei: object) -> str:
        """An exception by its kind and the places it went through, and with `debug` by its text."""
        error = ei[1] if isinstance(ei, tuple) else None
        if not isinstance(error, BaseException):
            return ""
        if self._debug:
            return "".join(traceback.format_exception(error)).rstrip()
        return "\n".join(["  " + line for line in [describe(error)[0], *stack_of(error)]])

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line for people, with what follows of an exception below it."""
        stack = getattr(record, "stack", None)
        # Another formatter may have kept the whole text there, for all that come after it.
        kept, record.exc_text = record.exc_text, None
        text = super().format(record)
        record.exc_text = kept
        if isinstance(stack, list) and not record.exc_info:
            text += "".join(f"\n    {line}" for line in stack)
        return text.encode(errors="backslashreplace").decode()


def describe(error: BaseException) -> tuple[str, str]:
    """Kind of an error and where it was raised, without its text, which may quote a message."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
    code = getattr(error, "code", None)
    return (f"{type(error).__name__}" if not isinstance(code, str) else code), where


def stack_of(error: BaseException) -> list[str]:
    """Where an error came from, the outermost call first, and what caused it: files, lines and names, and nothing that was said."""
    lines: list[str] = []
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen and len(seen) < CAUSES:
        if seen:
            lines.append(f"caused by {describe(one)[0]}")
        seen.add(id(one))
        lines += [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(one.__traceback__)]
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return lines


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


def report(error: BaseException, message: Message | None, debug: bool = False) -> None:
    """Logs what a handler raised, without its text, which may quote the message that it was called with, unless `debug` is on."""
    kind, where = describe(error)
    author = f" on a message of {short(message.author)}" if message is not None else ""
    extra: dict[str, object] = {"event": "handler_failed", "error": kind, "where": where}
    if message is not None:
        extra |= {"address": message.author, "message_id": message.id}
    if debug:
        log.error("a handler failed%s: %s at %s", author, kind, where, extra=extra, exc_info=error)
    else:
        log.error("a handler failed%s: %s at %s", author, kind, where, extra={**extra, "stack": stack_of(error)})


def note(event: Event) -> None:
    """Logs what the bot's operator may want to know."""
    match event:
        case Event.UNDECRYPTABLE(cause=UndecryptableCause.BACKLOG_LIMIT, address=address):
            name = short(address) if address is not None else "somebody"
            extra = {"event": "backlog_limit", "address": address}
            log.info("%s writes faster than is handled; what is too much comes again later", name, extra=extra)
        case Event.UNDECRYPTABLE(cause=cause, address=address):
            name = short(address) if address is not None else "somebody"
            extra = {"event": "undecryptable", "cause": cause.name.lower(), "address": address}
            log.warning("cannot read an envelope of %s: %s", name, cause.name.lower(), extra=extra)
        case Event.ROLLBACK_NOTICED():
            log.warning("the store is an older copy; what is missing is asked for", extra={"event": "rollback"})
        case Event.MISSED(events=count):
            log.warning(
                "%d events were dropped before they were handled", count, extra={"event": "missed", "count": count}
            )
        case Event.IDENTITY_CHANGED(address=address):
            extra = {"event": "identity", "address": address}
            log.warning("%s goes on as another identity", short(address), extra=extra)
        case Event.DEVICES_CHANGED(address=address):
            log.info("the devices of %s have changed", short(address), extra={"event": "devices", "address": address})


def set_up(kind: str, level: str, debug: bool = False) -> None:
    """Logs to standard error, unless the program has set up its own."""
    root = logging.getLogger()
    if kind == "none" or root.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(debug=debug) if kind == "json" else TextFormatter(debug=debug))
    root.addHandler(handler)
    root.setLevel(level.upper())

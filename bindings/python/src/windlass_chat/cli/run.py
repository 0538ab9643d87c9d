"""`main`: calls the command, and turns whatever goes wrong into one line and an exit status."""

from __future__ import annotations

import contextlib
import errno
import sys
import traceback
from collections.abc import Sequence

from windlass_chat._native import WindlassError
from windlass_chat.bot.files import FilesError
from windlass_chat.cli.arguments import parse
from windlass_chat.cli.output import Output
from windlass_chat.cli.streams import hold_streams, let_go_of_output
from windlass_chat.cli.wrong import Failed, OutputLost, WrongUsage
from windlass_chat.transport import TransportError

FAILED, USAGE, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status: 0, 1 if it failed, 2 for wrong usage, 130 after Ctrl-C."""
    there = hold_streams()
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    # Before anything was read there is no telling from the result of reading.
    out = Output("--json" in arguments, there)
    try:
        given = parse(arguments, out)
        out.as_json = given.json
        given.command(given, out)
        sys.stdout.flush()
    except SystemExit as end:
        # Of the parser, after `--help` and `--version`.
        return end.code if isinstance(end.code, int) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except OutputLost as lost:
        return _unheard(lost, out)
    except OSError as error:
        if error.filename is None and error.errno in (errno.EPIPE, errno.ENOSPC):
            return _unheard(OutputLost(error), out)
        return _told(error, out)
    except Exception as error:
        return _told(error, out)
    if out.lost:
        return _failed(out, FAILED, "standard output is closed, and nobody has the result", "output_lost", DONE)
    return 0


DONE = "What was asked for is done all the same: look before you do it again."


def _unheard(lost: OutputLost, out: Output) -> int:
    let_go_of_output()
    if lost.errno == errno.EPIPE:
        # The reader has enough, and knows it.
        return FAILED
    return _failed(out, FAILED, str(lost), "output_lost", DONE)


def _told(error: Exception, out: Output) -> int:
    with contextlib.suppress(OSError):
        # Behind what was printed before.
        sys.stdout.flush()
    match error:
        case WindlassError.StoreNotFound():
            return _failed(out, FAILED, str(error), error.code, "Check the path. `windlass init PATH` makes a store.")
        case WindlassError():
            return _failed(out, FAILED, str(error), error.code, error.advice, error.retry)
        case Failed():
            return _failed(out, FAILED, str(error), error.code, error.advice, error.retry)
        case WrongUsage():
            return _failed(out, USAGE, str(error), "usage", error.advice)
        case TransportError():
            return _failed(out, FAILED, str(error), "transport", "Check the address of the transport.", retry=True)
        case FilesError():
            return _failed(out, FAILED, str(error), "files", "Check --files, which has to be the place where the sender put it, and --limit.")
        case OSError():
            sentence = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            return _failed(out, FAILED, sentence, "file_system", "Check the path, and who may read and write it.")
        case UnicodeEncodeError():
            # Of arguments that are bytes and no text.
            return _failed(out, USAGE, "what was given is not text in UTF-8", "usage", "Rename the file, or type it anew.")
    # A fault of ours. Without its text, which may quote a message.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    sentence = f"{type(error).__name__} at {frame.filename}:{frame.lineno} in {frame.name}"
    return _failed(out, FAILED, sentence, "internal", "This is a fault of windlass: report it with this line.")


def _failed(out: Output, status: int, sentence: str, code: str, advice: str, retry: bool = False) -> int:
    out.end_progress()
    out.error(sentence, code, advice, retry)
    return status

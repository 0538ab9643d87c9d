"""`main`: calls the command, and turns whatever goes wrong into one line and an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from windlass_chat._native import WindlassError
from windlass_chat.cli.arguments import parser
from windlass_chat.cli.output import Output
from windlass_chat.cli.wrong import WrongUsage
from windlass_chat.transport import TransportError

FAILED, USAGE, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status: 0, 1 if it failed, 2 for wrong usage, 130 after Ctrl-C."""
    given = parser().parse_args(arguments)
    out = Output(as_json=given.json)
    try:
        given.command(given, out)
        sys.stdout.flush()
        return 0
    except WindlassError.StoreNotFound as error:
        return _failed(out, FAILED, str(error), error.code, "Check the path. `windlass init PATH` makes a store.")
    except WindlassError as error:
        return _failed(out, FAILED, str(error), error.code, error.advice, error.retry)
    except WrongUsage as error:
        return _failed(out, USAGE, str(error), "usage", error.advice)
    except TransportError as error:
        return _failed(out, FAILED, str(error), "transport", "Check the address of the transport.", retry=True)
    except BrokenPipeError:
        # The reader has enough. Python would complain again when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        sentence = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return _failed(out, FAILED, sentence, "file_system", "Check the path, and who may read and write it.")
    except KeyboardInterrupt:
        return INTERRUPTED


def _failed(out: Output, status: int, sentence: str, code: str, advice: str, retry: bool = False) -> int:
    out.end_progress()
    out.error(sentence, code, advice, retry)
    return status

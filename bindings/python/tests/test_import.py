"""What importing the package and asking for help cost: counted, not timed."""

import inspect
import pydoc
import subprocess
import sys
from typing import Any

import pytest

import windlass_chat

HEAVY = {
    "asyncio",
    "concurrent",
    "dataclasses",
    "email",
    "http",
    "inspect",
    "json",
    "logging",
    "paho",
    "pathlib",
    "platform",
    "socket",
    "ssl",
    "subprocess",
    "tokenize",
    "traceback",
    "urllib",
}
LONGEST_HELP = 600_000
MOST_LOOKS = 2_000


def test_an_import_loads_nothing_heavy() -> None:
    told = "import sys; before = set(sys.modules); import windlass_chat; print(*set(sys.modules) - before)"
    loaded = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True).stdout.split()
    assert "windlass_chat.client" in loaded
    assert not {name.partition(".")[0] for name in loaded} & HEAVY


def test_help_looks_for_no_words_in_the_source_six_thousand_times(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, find = 0, inspect.findsource

    def counted(of: Any) -> Any:
        nonlocal looks
        looks += 1
        if looks > MOST_LOOKS:
            raise OSError
        return find(of)

    monkeypatch.setattr(inspect, "findsource", counted)
    text = pydoc.plain(pydoc.render_doc(windlass_chat))
    assert looks <= MOST_LOOKS and len(text) < LONGEST_HELP
    assert "class WrongKey(WindlassError)" in text and (windlass_chat.WrongKey.__doc__ or "?") in text


def test_each_error_says_what_to_do_and_lists_no_other() -> None:
    listed = dir(windlass_chat.WrongKey)
    assert "advice" in listed and "StoreLocked" not in listed and "StoreLocked" in dir(windlass_chat.WindlassError)
    assert windlass_chat.WrongKey.__doc__ == windlass_chat.WrongKey("").advice
    assert windlass_chat.events.Message.__doc__ and "in the history" in windlass_chat.events.Message.__doc__
    assert repr(windlass_chat.events.Duplicate(message_id=None)).endswith("DUPLICATE()")

"""What makes no sense is refused where it is said; and what failed can be found in the logs."""

import json
import logging
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from people import KEY, new_bot, office

from windlass_chat import events
from windlass_chat.bot import Bot, JsonFormatter, SettingsError
from windlass_chat.bot.logs import TextFormatter, report

NO_TIME = (0, -1, math.inf, math.nan, True, "soon", None)
NO_NUMBER = (0, -1, 1.5, True, "many")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("handler_timeout", "event_timeout", "keep_up_every") for value in NO_TIME[:-1]),
        *(("grace", value) for value in (-1, math.inf, math.nan, "soon")),
        *((name, value) for name in ("concurrency", "retries", "answers_per_minute") for value in NO_NUMBER),
        *(("prefix", value) for value in ("/ ", "\n", 7)),
        *(("name", value) for value in ("two words", "@clerk", 7)),
        ("join_groups", "some"),
        ("group_messages", "none"),
        ("log", "xml"),
        ("log_level", "LOUD"),
        ("trust", "everybody"),
        ("trust", 2),
        ("transport", 7),
        ("store", 7),
        ("debug", "perhaps"),
        ("answer_bots", 2),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_where_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    given = {"store": tmp_path / "bot.wl", "key": KEY, "transport": office(), name: value}
    with pytest.raises(SettingsError, match=name):
        Bot(**given)  # type: ignore[arg-type]
    if name not in ("store", "transport") and str(value).strip() == str(value):
        monkeypatch.setenv(f"WINDLASS_{name.upper()}", str(value))
        if name in ("grace", "prefix", "name", "trust") or value is True:
            # As text these may be something else.
            return
        with pytest.raises(SettingsError, match=name):
            Bot(tmp_path / "bot.wl", key=KEY)


async def none() -> None: ...
async def one(first: object) -> None: ...
async def two(first: object, second: object) -> None: ...
def plain(first: object) -> None: ...


@pytest.mark.parametrize(
    "register",
    [
        lambda bot: bot.command(one),
        lambda bot: bot.command(""),
        lambda bot: bot.command("two words"),
        lambda bot: bot.command("/start"),
        lambda bot: bot.command(7),
        lambda bot: bot.command("none")(none),
        lambda bot: bot.command("plain")(plain),
        lambda bot: [bot.command("twice")(one), bot.command("Twice")(one)],
        lambda bot: bot.on_message(none),
        lambda bot: bot.on_message(two),
        lambda bot: bot.on_message(plain),
        lambda bot: bot.on_message(7),
        lambda bot: bot.on_error(one),
        lambda bot: bot.middleware(one),
        lambda bot: bot.on_reaction(none),
        lambda bot: bot.on_contact_request(two),
        lambda bot: bot.on_group_invitation(none),
        lambda bot: bot.on_event(one),
        lambda bot: bot.on_event("Delivered"),
        lambda bot: bot.on_event(int),
        lambda bot: bot.on_event(events.RollbackNoticed()),
        lambda bot: bot.on_event(events.Delivered)(none),
        lambda bot: bot.background(none),
        lambda bot: bot.background(every=60)(one),
        *(lambda bot, every=every: bot.background(every=every) for every in NO_TIME),
    ],
)
def test_what_cannot_be_called_is_refused_where_it_is_registered(
    tmp_path: Path, register: Callable[[Bot], object]
) -> None:
    with pytest.raises((TypeError, ValueError)) as refused:
        register(new_bot(tmp_path, office()))
    assert str(refused.value)


def raises() -> None:
    secret = "what somebody wrote"
    try:
        raise KeyError(secret)
    except KeyError as error:
        raise ValueError(secret) from error


def test_a_failure_is_logged_with_all_its_calls_and_without_what_was_said(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raises()
    except ValueError as error:
        report(error, None)
        report(error, None, debug=True)
    quiet, loud = caplog.records
    for formatter in (JsonFormatter(), TextFormatter()):
        for record in (quiet, loud):
            shown = formatter.format(record)
            assert "somebody" not in shown
            assert "test_a_failure_is_logged" in shown and "in raises" in shown and "caused by KeyError" in shown
    for debugging in (JsonFormatter(debug=True), TextFormatter(debug=True)):
        loud.exc_text = None
        assert "what somebody wrote" in debugging.format(loud)
    line = json.loads(JsonFormatter().format(quiet))
    assert line["event"] == "handler_failed" and line["error"] == "ValueError"
    assert line["stack"][0].split(" in ")[1].startswith("test_a_failure")


def test_what_a_program_adds_to_a_record_stays_in_it() -> None:
    record = logging.makeLogRecord({"msg": "sold %s", "args": ("fish",), "order": 7, "who": {"name": "Ada"}, "event": "sold"})
    line = json.loads(JsonFormatter().format(record))
    assert (line["message"], line["order"], line["who"], line["event"]) == ("sold fish", 7, {"name": "Ada"}, "sold")
    assert "args" not in line and "levelno" not in line
    itself: list[object] = []
    itself.append(itself)
    for odd in (itself, {(1, 2): 3}, object(), "\ud83d", math.nan):
        record.odd = odd
        assert json.loads(JsonFormatter().format(record).encode())["order"] in (7, "7")

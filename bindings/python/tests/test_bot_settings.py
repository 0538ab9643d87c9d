"""Settings and logs of bots."""

import asyncio
import json
import logging
import sys
from pathlib import Path

import pytest
from people import KEY, office

import windlass_chat
from windlass_chat import TrustPolicy
from windlass_chat.bot import Bot, JsonFormatter, SettingsError
from windlass_chat.transport import transport_of


def test_settings_come_from_the_environment_before_the_file_before_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bot.toml"
    file.write_text('store = "file.wl"\ntrust = "first_use"\nprefix = "!"\nkey_env = "IN_FILE"\n')
    secret = "correct horse"

    def settings() -> object:
        bot = Bot("code.wl", passphrase=secret, transport=office(), prefix="?", grace=1, config=file)
        assert secret not in repr(bot.settings)
        chosen = bot.settings
        return chosen.store, chosen.trust, chosen.prefix, chosen.grace, chosen.passphrase, chosen.key_env, chosen.create

    assert settings() == ("file.wl", TrustPolicy.FIRST_USE, "!", 1, None, "IN_FILE", True)
    monkeypatch.setenv("WINDLASS_STORE", "environment.wl")
    monkeypatch.setenv("WINDLASS_TRUST", "verified_only")
    monkeypatch.setenv("WINDLASS_CREATE", "no")
    monkeypatch.setenv("WINDLASS_GRACE", "2.5")
    monkeypatch.setenv("WINDLASS_PASSPHRASE", "battery staple")
    assert settings() == ("environment.wl", TrustPolicy.VERIFIED_ONLY, "!", 2.5, "battery staple", None, False)
    for value, create in [("0", False), ("No", False), ("FALSE", False), ("1", True), ("Yes", True), ("TRUE", True)]:
        monkeypatch.setenv("WINDLASS_CREATE", value)
        assert settings() == ("environment.wl", TrustPolicy.VERIFIED_ONLY, "!", 2.5, "battery staple", None, create)
    for value in ("perhaps", "off", "2"):
        with monkeypatch.context() as context, pytest.raises(SettingsError, match="WINDLASS_CREATE.+ yes or no"):
            context.setenv("WINDLASS_CREATE", value)
            settings()
    for name, value in [("TRUST", "everybody"), ("CREATE", "perhaps"), ("GRACE", "long"), ("KEY", "00")]:
        with monkeypatch.context() as context, pytest.raises(SettingsError):
            context.setenv(f"WINDLASS_{name}", value)
            settings()
    for line in ('passphrase = "x"', "create = 2", f'key = "{"00" * 32}"', 'colour = "red"', "store ="):
        file.write_text(line)
        with pytest.raises(SettingsError):
            settings()


def test_the_key_comes_as_bytes_in_a_variable_or_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, key_file = tmp_path / "bot.wl", tmp_path / "key"
    key_file.write_text(KEY.hex() + "\n")
    monkeypatch.setenv("BOT_KEY", KEY.hex())
    addresses = set()
    for bot in (Bot(path, key=KEY), Bot(path, key_env="BOT_KEY"), Bot(path, key_file=key_file, create=False)):
        addresses.add(bot.address)
        bot.client.close()
    assert len(addresses) == 1
    monkeypatch.setenv("BOT_KEY", "correct horse")
    with pytest.raises(windlass_chat.WrongKey):
        Bot(path, key_env="BOT_KEY").client
    with pytest.raises(windlass_chat.StoreNotFound):
        Bot(tmp_path / "none.wl", key=KEY, create=False).client
    for wrong in (Bot(path), Bot(path, key=KEY, passphrase="x"), Bot(path, key_env="NOT_SET"), Bot(key=KEY)):
        with pytest.raises(SettingsError):
            wrong.client
    with pytest.raises(SettingsError):
        asyncio.run(Bot(path, key=KEY).start())


def test_a_url_that_nobody_knows_is_refused_without_showing_its_password() -> None:
    with pytest.raises(ValueError) as caught:
        transport_of("carrier-pigeon://me:hunter2@loft")
    assert "carrier-pigeon" in str(caught.value) and "hunter2" not in str(caught.value)


@pytest.mark.parametrize("password", ["hunter2/", "hunter2?", "hunter2#", "[hunter2", "hunter2\uff0f"])
def test_a_password_that_breaks_the_url_is_not_shown_either(password: str) -> None:
    with pytest.raises(ValueError) as caught:
        transport_of(f"mqtt://me:{password}@localhost")
    assert "hunter2" not in str(caught.value) and caught.value.__suppress_context__


def test_json_logs_have_a_line_for_each_record_without_texts_of_errors() -> None:
    record = logging.LogRecord("windlass_chat.bot", logging.INFO, __file__, 1, "started as %s", ("wl1",), None)
    record.event = "started"
    line = json.loads(JsonFormatter().format(record))
    assert (line["message"], line["event"], line["level"]) == ("started as wl1", "started", "info")
    try:
        raise ValueError("what somebody wrote")
    except ValueError:
        record.exc_info = sys.exc_info()
    shown = JsonFormatter().format(record)
    assert json.loads(shown)["error"] == "ValueError" and "somebody" not in shown

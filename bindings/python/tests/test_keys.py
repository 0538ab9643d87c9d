"""What opens a store, as it is kept: bots and the command line read the same from the same place."""

from pathlib import Path
from typing import Any

import pytest
from command import KEY, run

import windlass_chat
from windlass_chat import Client, StoreKey
from windlass_chat.bot import Bot, SettingsError

DIGITS = KEY.hex().encode()
LONG = "x" * 31
KEPT: list[tuple[bytes, dict[str, Any]]] = [
    (KEY, {"key": KEY}),
    (b"\xff" * 32, {"key": b"\xff" * 32}),
    (DIGITS, {"key": KEY}),
    (DIGITS.upper() + b"\r\n", {"key": KEY}),
    (b"correct horse\n", {"passphrase": "correct horse"}),
    (b"\xef\xbb\xbf" + DIGITS + b"\n", {"key": KEY}),
    (b"\xef\xbb\xbfcorrect horse\r\n", {"passphrase": "correct horse"}),
    # With the end of its line it is as long as a key; and without.
    (LONG.encode() + b"\n", {"passphrase": LONG}),
    (LONG.encode() + b"!", {"passphrase": f"{LONG}!"}),
]


@pytest.mark.parametrize(("content", "secret"), KEPT, ids=range(len(KEPT)))
def test_a_file_holds_a_key_raw_or_in_digits_or_a_passphrase(
    tmp_path: Path, content: bytes, secret: dict[str, Any]
) -> None:
    store, key_file = tmp_path / "bot.wl", tmp_path / "key"
    Client.create(store, **secret).close()
    key_file.write_bytes(content)
    Bot(store, key_file=key_file, create=False).client.close()
    assert run("inspect", store, "--key-file", key_file).returncode == 0


@pytest.mark.parametrize(("content", "secret"), [*KEPT[2:5], *KEPT[5:7]], ids=range(5))
def test_a_variable_holds_digits_or_a_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, secret: dict[str, Any]
) -> None:
    store = tmp_path / "bot.wl"
    Client.create(store, **secret).close()
    monkeypatch.setenv("BOT_KEY", content.decode())
    Bot(store, key_env="BOT_KEY", create=False).client.close()
    assert run("inspect", store, "--passphrase-env", "BOT_KEY", BOT_KEY=content.decode()).returncode == 0


UNCLEAR = [
    DIGITS[:-1],
    DIGITS + b"0",
    b"0x" + DIGITS,
    b'"' + DIGITS + b'"',
    b"'" + DIGITS + b"'\n",
    DIGITS[:32] + b" " + DIGITS[32:],
    DIGITS + b"\n" + DIGITS,
    DIGITS.decode().encode("utf-16"),
    b"\xff" * 32 + b"\n",
    b"two\nlines",
]


@pytest.mark.parametrize("content", UNCLEAR, ids=range(len(UNCLEAR)))
def test_what_was_meant_as_a_key_is_no_passphrase(tmp_path: Path, content: bytes) -> None:
    key_file = tmp_path / "key"
    key_file.write_bytes(content)
    with pytest.raises(windlass_chat.KeyUnreadable, match="key") as caught:
        StoreKey.from_file(key_file)
    assert DIGITS.decode()[:16] not in str(caught.value)
    with pytest.raises(SettingsError):
        Bot(tmp_path / "bot.wl", key_file=key_file).client
    assert not (tmp_path / "bot.wl").exists()


def test_what_is_no_key_is_said_without_showing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, key_file = tmp_path / "bot.wl", tmp_path / "key"
    Client.create(store, key=KEY).close()
    for content in (b"\xff" * 31, b"\n", b""):
        key_file.write_bytes(content)
        with pytest.raises(SettingsError, match="key"):
            Bot(store, key_file=key_file).client
        ran = run("inspect", store, "--key-file", key_file)
        assert ran.returncode == 2 and "(usage)" in ran.stderr, ran.stderr
    # As the system gives it, when it is no text.
    monkeypatch.setenv("BOT_KEY", "hunter2\udcff")
    with pytest.raises(SettingsError, match="BOT_KEY holds no text") as caught:
        Bot(store, key_env="BOT_KEY").client
    assert "hunter2" not in str(caught.value)

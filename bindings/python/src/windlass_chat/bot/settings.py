"""Where a bot's settings come from: the environment, then a TOML file, then the code."""

from __future__ import annotations

import logging
import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from windlass_chat import _keys
from windlass_chat._keys import StoreKey
from windlass_chat._native import Identity, TrustPolicy, WindlassError
from windlass_chat.bot.files import Files
from windlass_chat.bot.places import place_of
from windlass_chat.transport import Transport

SECRETS = ("passphrase", "key", "key_env", "key_file")
"""Four ways to give the store's key. One of them is used: the first place that names any of them decides."""
YES_AND_NO = dict.fromkeys(("true", "yes", "1"), True) | dict.fromkeys(("false", "no", "0"), False)


class SettingsError(ValueError):
    """A setting is missing, unknown or makes no sense."""


@dataclass
class Settings:
    """Each is an argument of `Bot`, a line of the file, and a variable WINDLASS_ and its name in capitals."""

    store: str | None = None
    """Path of the store."""
    passphrase: str | None = field(default=None, repr=False)
    """Unlocks the store. Not in the file."""
    key: bytes | str | None = field(default=None, repr=False)
    """Unlocks the store: 32 bytes, or 64 hexadecimal digits. Not in the file."""
    key_env: str | None = None
    """Name of the variable that holds a key as 64 hexadecimal digits, or else a passphrase."""
    key_file: str | None = None
    """Path of a file that holds a key as 32 bytes or as 64 hexadecimal digits, or else a passphrase."""
    transport: str | Transport | None = field(default=None, repr=False)
    """URL of the transport, or a transport. One that was given as an object is not overruled."""
    trust: TrustPolicy = TrustPolicy.ACCEPT_ALL
    """Whom to talk to."""
    create: bool = True
    """Whether a store is made where none is. Off, a wrong path is an error instead of a bot with a new identity."""
    prefix: str = "/"
    """What commands begin with."""
    help: bool = True
    """Whether there is a command that lists the commands."""
    handler_timeout: float = 300.0
    """Seconds after which a handler is given up, for its conversation waits for it."""
    event_timeout: float = 60.0
    """The same of what is called for an event, a reaction, a request, an invitation, an error."""
    retries: int = 3
    """How often a message is handed over again with which the process died each time; then it is set aside. At least 1."""
    concurrency: int = 100
    """How many conversations are handled at the same time."""
    answers_per_minute: int = 60
    """How many answers a conversation gets within a minute; what comes faster waits."""
    join_groups: str = "known"
    """By whom the bot lets itself be invited to groups: none, all, or known: whom it added, verified, or by its trust policy accepted."""
    group_messages: str = "addressed"
    """What handlers see in groups: all, or addressed: commands, mentions, replies to the bot."""
    name: str = ""
    """What a mention is: @ and this. One word."""
    access: str = "all"
    """Whom the bot listens to: all, or allowed: whom `bot.roles` allows, and admins."""
    admins: str = ""
    """Addresses of people who are admins whatever `bot.roles` says, with spaces between them."""
    answer_bots: bool = False
    """Whether the bot answers what another bot answered by itself."""
    worker: str = ""
    """The name of this worker, where several processes are one bot on a store in a database: a word that each of them has for itself, the same
    after a restart. Without one the bot is one process."""
    grace: float = 10.0
    """Seconds that handlers and the outbox get to finish when the bot stops."""
    keep_up_every: float = 600.0
    """Seconds between two rounds of resends, healing and new prekeys."""
    local_socket: bool = True
    """Whether `windlass` commands of the same user can ask the bot while it runs, by a socket beside the store."""
    files: str | Files | None = field(default=None, repr=False)
    """Where files are put and fetched: a URL, file:///folder or https://server/path?token_file=path, or a place of one's own."""
    alive: str | None = None
    """Path of a file in which the bot says again and again that it is alive; `python -m windlass_chat.alive` asks it."""
    health: str | None = None
    """A port, or an address with one, where /health and /metrics answer over HTTP. A port alone is for this machine alone."""
    log: str = "text"
    """What `run` logs to standard error, if nothing is set up yet: text, json or none."""
    log_level: str = "INFO"
    """From which level on."""
    debug: bool = False
    """Whether logs have the texts of errors too, which may quote messages."""

    def store_key(self) -> StoreKey:
        """The key that opens the store."""
        if sum(getattr(self, name) is not None for name in SECRETS) != 1:
            raise SettingsError("give one of passphrase, key, key_env and key_file")
        if isinstance(self.key, str):
            return _keys.of_digits(self.key)
        if self.key is not None:
            return StoreKey.from_bytes(bytes(self.key))
        if self.passphrase is not None:
            return StoreKey.from_passphrase(self.passphrase)
        try:
            if self.key_env is not None:
                return _keys.of_variable(self.key_env)
            assert self.key_file is not None
            return _keys.of_file(self.key_file)
        except _keys.KeyUnreadable as error:
            raise SettingsError(f"{error}; it should hold the key of the store, or a passphrase") from None


def gather(code: Mapping[str, Any], config: str | os.PathLike[str] | None = None) -> Settings:
    """The settings of the environment, where it says nothing those of the file, and then those of the code."""
    environment = {
        setting.name: value
        for setting in fields(Settings)
        if (value := os.environ.get(f"WINDLASS_{setting.name.upper()}"))
    }
    path = os.environ.get("WINDLASS_CONFIG") or config
    written = _read(Path(path)) if path is not None else {}
    given = {name: value for name, value in code.items() if value is not None}

    chosen: dict[str, Any] = {}
    for place in (given, written, environment):
        if any(name in place for name in SECRETS):
            for name in SECRETS:
                chosen.pop(name, None)
        chosen.update({name: _typed(name, value) for name, value in place.items()})
    for name, kind in (("transport", Transport), ("files", Files)):
        if isinstance(given.get(name), kind):
            chosen[name] = given[name]
    settings = Settings(**chosen)
    _check(settings)
    return settings


CHOICES = {
    "access": ("all", "allowed"),
    "join_groups": ("none", "known", "all"),
    "group_messages": ("addressed", "all"),
    "log": ("text", "json", "none"),
}
POSITIVE = ("handler_timeout", "event_timeout", "keep_up_every")
NOT_NEGATIVE = ("grace",)
WORDS = ("prefix", "name", "worker")


def check_seconds(name: str, value: object, zero: bool = False) -> None:
    """A time that makes sense. Raises `SettingsError`."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (number and math.isfinite(value) and (value > 0 or (zero and value == 0))):  # type: ignore[operator, arg-type]
        least = "0 or more" if zero else "more than 0"
        raise SettingsError(f"{name} is a number of seconds, {least}, not {value!r}")


def _check(settings: Settings) -> None:
    """That each setting makes sense is found here, and not when it is used for the first time, perhaps days later."""
    for name in POSITIVE + NOT_NEGATIVE:
        check_seconds(name, getattr(settings, name), name in NOT_NEGATIVE)
    for name in ("retries", "concurrency", "answers_per_minute"):
        value = getattr(settings, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise SettingsError(f"{name} is a whole number, 1 or more, not {value!r}")
    for name, choices in CHOICES.items():
        if getattr(settings, name) not in choices:
            raise SettingsError(f"{name} is one of {', '.join(choices)}, not {getattr(settings, name)!r}")
    for name in WORDS:
        value = getattr(settings, name)
        if not isinstance(value, str) or any(letter.isspace() for letter in value):
            raise SettingsError(f"{name} is a text without spaces, not {value!r}")
    if settings.name.startswith("@"):
        raise SettingsError("name is what stands behind the @, without it")
    if not isinstance(logging.getLevelName(str(settings.log_level).upper()), int):
        raise SettingsError(f"log_level is one of DEBUG, INFO, WARNING, ERROR, not {settings.log_level!r}")
    if not isinstance(settings.admins, str):
        raise SettingsError(f"admins is a text of addresses, not {type(settings.admins).__name__}")
    for address in settings.admins.split():
        try:
            Identity.from_address(address)
        except WindlassError as error:
            raise SettingsError(f"admins has {address!r}: {error}") from None
    if not isinstance(settings.trust, TrustPolicy):
        raise SettingsError(f"trust is a TrustPolicy, not {settings.trust!r}")
    for name, kinds, wanted in (
        ("store", str, "a path"),
        ("transport", (str, Transport), "a URL or a transport"),
        ("files", (str, Files), "a URL or a place"),
        ("health", str, "a port, or an address with one"),
    ):
        value = getattr(settings, name)
        if value is not None and not isinstance(value, kinds):
            raise SettingsError(f"{name} is {wanted}, not {type(value).__name__}")
    if settings.health is not None:
        _check_place(settings.health)


def _check_place(text: str) -> None:
    try:
        place_of(text)
    except ValueError as error:
        raise SettingsError(f"health: {error}") from None


def _read(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        try:
            import tomli as tomllib
        except ModuleNotFoundError as missing:
            raise SettingsError("a settings file needs Python 3.11, or `pip install tomli`") from missing
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from error
    known = {setting.name for setting in fields(Settings)}
    for name in written:
        if name not in known:
            raise SettingsError(f"{path}: there is no setting {name}")
        if name in ("passphrase", "key"):
            raise SettingsError(f"{path}: a secret does not belong here; name a key_env or a key_file")
    return written


def _typed(name: str, value: Any) -> Any:
    """The value as its field wants it; from the environment everything comes as text."""
    default = getattr(Settings, name, None)
    try:
        if name == "key":
            if isinstance(value, str):
                _keys.of_digits(value)
                return value
            return bytes(value)
        if name == "health" and isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if name == "trust" and isinstance(value, str):
            return TrustPolicy[value.upper()]
        if isinstance(default, bool):
            # From everywhere: what is neither would count as true.
            return YES_AND_NO[str(value).lower()]
        if isinstance(default, (int, float)) and isinstance(value, str):
            return type(default)(value)
    except (KeyError, ValueError):
        # Without the value: it may be a key.
        wanted = ": true or false, yes or no, 1 or 0" if isinstance(default, bool) else ""
        raise SettingsError(f"the setting {name} (WINDLASS_{name.upper()}) cannot be read{wanted}") from None
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value

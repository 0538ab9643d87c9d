"""`BrokerUrl`: where a broker is, and how to get in."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote

from windlass_chat.transport.base import TransportError
from windlass_chat.transport.urls import is_loopback, split_url

OPTIONS = {"version", "prefix", "password_file", "cleartext"}
TLS_OPTIONS = {"ca", "cert", "key"}
VERSIONS = {"5": 5, "3": 3, "3.1.1": 3}
LONGEST_PASSWORD = 65_535
"""What the protocol has room for."""


@dataclass(frozen=True)
class BrokerUrl:
    """`mqtts://user@host:port?password_file=...`, read and found to make sense."""

    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None = field(repr=False)
    options: dict[str, str]

    @classmethod
    def parse(cls, url: str) -> BrokerUrl:
        """Raises `ValueError`, which never quotes the URL: it may hold a password."""
        parts, port = split_url(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError("an address of a broker is mqtt://host:port or mqtts://host:port")
        tls = parts.scheme == "mqtts"
        options = _options(parts, tls)
        if not tls and not is_loopback(parts.hostname) and options.get("cleartext") != "yes":
            raise ValueError(
                f"mqtt:// to {parts.hostname} is not encrypted: everybody on the way sees the password and who talks with"
                " whom. Say mqtts://, or mqtt://...?cleartext=yes if the network is yours alone"
            )
        if parts.password and "password_file" in options:
            raise ValueError("the address of a broker has a password or a password_file, not both")
        return cls(
            parts.hostname,
            port or (8883 if tls else 1883),
            tls,
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password else None,
            options,
        )

    @property
    def prefix(self) -> str:
        """What topics begin with."""
        return self.options.get("prefix", "windlass/v1")

    @property
    def version(self) -> int | None:
        """The version of MQTT that was asked for by name."""
        return VERSIONS[self.options["version"]] if "version" in self.options else None

    def credentials(self, address: str) -> tuple[str, str | None] | None:
        """User name and password. With a password file alone the user name is our address, as the access rules have it."""
        if "password_file" not in self.options:
            return None if self.user is None else (self.user, self.password)
        path = Path(self.options["password_file"])
        try:
            with path.open("rb") as file:
                password = file.read(LONGEST_PASSWORD + 3).decode().removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            # Of the second nothing but its kind: its text quotes what it could not read.
            why = _why(error) if isinstance(error, OSError) else "it is not UTF-8"
            raise TransportError(f"the password file {path} cannot be read: {why}") from None
        if not password or len(password.encode()) > LONGEST_PASSWORD:
            raise TransportError(f"the password file {path} is {'too long' if password else 'empty'}")
        return self.user or address, password

    def tls_context(self) -> ssl.SSLContext | None:
        """Whom to trust, and our own certificate."""
        if not self.tls:
            return None
        ca, own, key = (self.options.get(name) for name in ("ca", "cert", "key"))
        try:
            context = ssl.create_default_context(cafile=ca)
        except OSError as error:  # An `ssl.SSLError` is one.
            raise TransportError(f"the authorities in {ca} cannot be read: {_why(error)}") from None
        if own is not None:
            files = own if key is None else f"{own} and {key}"
            try:
                # Nobody is asked for a passphrase: there may be nobody.
                context.load_cert_chain(own, key, password="")
            except OSError as error:
                raise TransportError(f"the certificate and key in {files} cannot be read: {_why(error)}") from None
        return context

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def _why(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def _options(parts: SplitResult, tls: bool) -> dict[str, str]:
    options = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    for name in options.keys() - OPTIONS:
        if name not in TLS_OPTIONS:
            raise ValueError(f"the address of a broker has no option {name}")
        if not tls:
            # A person who names authorities believes that the connection is encrypted.
            raise ValueError(f"the option {name} needs mqtts://")
    if options.get("version", "5") not in VERSIONS:
        raise ValueError("the option version is 5 or 3")
    if options.get("cleartext", "yes") != "yes":
        raise ValueError("the option cleartext is yes, or is left out")
    if "key" in options and "cert" not in options:
        raise ValueError("the option key needs cert")
    for name in ("password_file", "prefix", *sorted(TLS_OPTIONS)):
        if options.get(name) == "":
            raise ValueError(f"the option {name} is empty")
    if any(sign in options.get("prefix", "") for sign in "+#\0"):
        raise ValueError("the option prefix is a topic, without + and #")
    return options

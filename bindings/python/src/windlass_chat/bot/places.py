"""Where a server listens."""

from __future__ import annotations

LOOPBACK = "127.0.0.1"


def place_of(text: str) -> tuple[str, int]:
    """The host and the port of the setting: `9100`, `0.0.0.0:9100`, `[::1]:9100`. Raises `ValueError`."""
    host, colon, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) <= 65_535) or (colon and not host.strip("[]")):
        raise ValueError(f"{text!r} is no port, and no address with one")
    return (host.removeprefix("[").removesuffix("]") if colon else LOOPBACK), int(port)

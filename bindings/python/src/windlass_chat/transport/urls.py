"""`split_url`."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def split_url(url: str) -> tuple[SplitResult, int | None]:
    """The parts of a URL and its port. An error does not quote it, for it may hold a password."""
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError:
        advice = "in a user name or a password write / as %2F, ? as %3F, # as %23, @ as %40"
        raise ValueError(f"the URL of the transport cannot be read; {advice}") from None

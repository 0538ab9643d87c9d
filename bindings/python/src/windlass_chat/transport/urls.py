"""`split_url` and `is_loopback`."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit


def split_url(url: str) -> tuple[SplitResult, int | None]:
    """The parts of a URL and its port. An error does not quote it, for it may hold a password."""
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError:
        advice = "in a user name or a password write / as %2F, ? as %3F, # as %23, @ as %40"
        raise ValueError(f"the URL of the transport cannot be read; {advice}") from None


def is_loopback(host: str) -> bool:
    """Whether it is this machine for certain. Names are whoever's answers for them, but for this one."""
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback

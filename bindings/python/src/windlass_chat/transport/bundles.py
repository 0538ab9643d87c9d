"""What of that which stands at a transport under an address is a bundle of this address."""

from __future__ import annotations

from datetime import datetime

from windlass_chat._native import Bundle, WindlassError


def issued_at(bundle: bytes, address: str) -> datetime | None:
    """When it was issued; nothing if it is no bundle, none of this address, one that has run out, or one for a single person."""
    try:
        read = Bundle.decode(bundle)
    except WindlassError:
        return None
    if read.identity().address() != address or read.single_use():
        return None
    return read.issued_at()

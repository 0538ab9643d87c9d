"""`Role`."""

from __future__ import annotations

import enum


class Role(str, enum.Enum):
    """What somebody is to the bot. Most people have none."""

    ADMIN = "admin"
    """May all that the bot lets anybody do."""
    ALLOWED = "allowed"
    """May use a bot whose `access` is `allowed`."""
    BLOCKED = "blocked"
    """What they write is not handled. They are not told. `bot.block` refuses their messages before that."""

    def includes(self, wanted: Role) -> bool:
        """Whether whoever has this role may do what is for the other."""
        return self == wanted or (self == Role.ADMIN and wanted == Role.ALLOWED)

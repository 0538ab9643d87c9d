"""Who may do what with a bot. Roles are in its store, and change together with what it says."""

from __future__ import annotations

from windlass_chat.bot.answering import turn_of
from windlass_chat.bot.records import Records
from windlass_chat.bot.remembered import Document
from windlass_chat.bot.role import Role
from windlass_chat.bot.services import Services

MAX_ROLES = 10_000
"""People with a role."""


class TooManyRoles(Exception):
    """So many people have a role that nobody else can be given one."""


class Roles:
    """The roles that a bot gave: `bot.roles`. In a handler a change becomes durable with the answer, elsewhere at once."""

    def __init__(self, bot: Services) -> None:
        self._bot = bot
        self._records = Records(bot, "roles", self._forget, self._note)
        self._given: dict[str, Role] = {}

    def of(self, address: str) -> Role | None:
        """What somebody is. Whom the setting `admins` names is an admin, whatever the store says."""
        if address in self._bot.settings.admins.split():
            return Role.ADMIN
        turn = turn_of(self._bot)
        changed = self._records.changed(turn).get(address)
        if changed is not None:
            return _role(changed.document)
        self._load()
        return self._given.get(address)

    def all(self) -> dict[str, Role]:
        """Everybody who was given a role."""
        self._load()
        return dict(self._given)

    async def set(self, address: str, role: Role | str | None) -> None:
        """Gives somebody a role, in place of the one that they had; `None` takes it away."""
        wanted = Role(role) if role is not None else None
        self._load()
        if wanted is not None and address not in self._given and len(self._given) >= MAX_ROLES:
            raise TooManyRoles("too many people have a role")
        turn = turn_of(self._bot)
        record = self._records.record(turn, address)
        record.document.clear()
        if wanted is not None:
            record.document["role"] = wanted.value
        await self._records.write(turn, record)

    async def reload(self) -> None:
        """Learns which roles other workers gave."""
        await self._records.reload(self._bot.client)

    def _load(self) -> None:
        self._records.load(self._bot.client)

    def _forget(self) -> None:
        self._given.clear()

    def _note(self, address: str, document: Document) -> None:
        role = _role(document)
        if role is None:
            self._given.pop(address, None)
        else:
            self._given[address] = role


def _role(document: Document) -> Role | None:
    known = {role.value: role for role in Role}
    return known.get(document.get("role", ""))

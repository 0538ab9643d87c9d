"""Who may do what with a bot. Roles are in its store, and change together with what it says."""

from __future__ import annotations

from windlass_chat._native import StateChange, StateOwner
from windlass_chat.bot.answering import turn_of
from windlass_chat.bot.remembered import Document, Remembered, read
from windlass_chat.bot.role import Role
from windlass_chat.bot.services import Services
from windlass_chat.bot.tasks import insisting
from windlass_chat.client import Client

MAX_ROLES = 10_000
"""People with a role."""

OWNER = StateOwner.PROGRAM("roles")


class TooManyRoles(Exception):
    """So many people have a role that nobody else can be given one."""


class Roles:
    """The roles that a bot gave: `bot.roles`. In a handler a change becomes durable with the answer, elsewhere at once."""

    def __init__(self, bot: Services) -> None:
        self._bot = bot
        self._client: Client | None = None
        self._given: dict[str, Role] = {}

    def of(self, address: str) -> Role | None:
        """What somebody is. Whom the setting `admins` names is an admin, whatever the store says."""
        if address in self._bot.settings.admins.split():
            return Role.ADMIN
        turn = turn_of(self._bot)
        changed = turn._remembered.get(_key(address)) if turn is not None else None
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
        record: Remembered = RoleRecord(self, self._bot.client, address)
        if turn is not None:
            record = turn._remembered.setdefault(_key(address), record)
        record.document.clear()
        if wanted is not None:
            record.document["role"] = wanted.value
        if turn is None and (change := record.change()) is not None:
            await insisting(self._bot.client.commit, None, [], [change])
            record.keep(change)

    def _load(self) -> None:
        client = self._bot.client
        if self._client is not client:
            self._given = {}
            for state in client.states(OWNER):
                self._note(state.name, read(state.document))
            self._client = client

    def _note(self, address: str, document: Document) -> None:
        role = _role(document)
        if role is None:
            self._given.pop(address, None)
        else:
            self._given[address] = role


class RoleRecord(Remembered):
    """A role in the store."""

    def __init__(self, roles: Roles, client: Client, address: str) -> None:
        super().__init__(client, OWNER, address)
        self._roles = roles
        self._address = address

    def keep(self, change: StateChange) -> None:
        """The change is durable."""
        super().keep(change)
        self._roles._note(self._address, read(change.after) if change.after is not None else {})


def _role(document: Document) -> Role | None:
    known = {role.value: role for role in Role}
    return known.get(document.get("role", ""))


def _key(address: str) -> tuple[str, str, str]:
    return ("role", "", address)

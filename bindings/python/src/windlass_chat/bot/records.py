"""Lists that a bot keeps in its store: its jobs, the roles that it gave."""

from __future__ import annotations

from collections.abc import Callable

from windlass_chat._native import StateChange, StateOwner
from windlass_chat.bot.remembered import Document, Remembered, read
from windlass_chat.bot.services import Services
from windlass_chat.bot.tasks import insisting
from windlass_chat.bot.turn import Turn
from windlass_chat.client import Client


class Record(Remembered):
    """One of a list; `kept` hears what it says when that is durable."""

    def __init__(self, client: Client, owner: StateOwner, name: str, kept: Callable[[str, Document], None]) -> None:
        super().__init__(client, owner, name)
        self.name = name
        self._kept = kept

    def keep(self, change: StateChange) -> None:
        """The change is durable."""
        super().keep(change)
        self._kept(self.name, read(change.after) if change.after is not None else {})


class Records:
    """A list. What a handler changes in it becomes durable with the answer, the rest at once."""

    def __init__(self, bot: Services, area: str, forget: Callable[[], None], kept: Callable[[str, Document], None]) -> None:
        """`kept` hears of each that is durable, an empty one if there is none any more; `forget`, that it will hear of all anew."""
        self._bot = bot
        self._area = area
        self._owner = StateOwner.PROGRAM(area)
        self._forget = forget
        self._kept = kept
        self._client: Client | None = None

    def load(self, client: Client) -> None:
        """Reads what there is, if that is not known yet."""
        if self._client is not client:
            self._know(client, self.all(client))

    async def reload(self, client: Client) -> None:
        """Reads anew what there is: another worker may have changed it."""
        self._know(client, await insisting(self.all, client))

    def _know(self, client: Client, found: list[tuple[str, Document]]) -> None:
        self._forget()
        for name, document in found:
            self._kept(name, document)
        self._client = client

    def all(self, client: Client) -> list[tuple[str, Document]]:
        """What is durable."""
        return [(state.name, read(state.document)) for state in client.states(self._owner)]

    def record(self, turn: Turn | None, name: str) -> Record:
        """One of the list, in a turn as that has it."""
        found = self.changed(turn).get(name)
        if found is None:
            found = Record(self._bot.client, self._owner, name, self._kept)
            if turn is not None:
                self.enter(turn, found)
        return found

    def enter(self, turn: Turn, record: Record) -> None:
        """What is changed in it becomes durable with the turn."""
        turn._remembered[(self._area, "", record.name)] = record

    def changed(self, turn: Turn | None) -> dict[str, Record]:
        """Those that a turn has."""
        mine = turn._remembered.items() if turn is not None else ()
        return {name: one for (area, _, name), one in mine if area == self._area and isinstance(one, Record)}

    async def write(self, turn: Turn | None, record: Record) -> None:
        """At once, where it belongs to nothing."""
        if turn is None and (change := record.change()) is not None:
            await insisting(self._bot.client.commit, None, [], [change])
            record.keep(change)

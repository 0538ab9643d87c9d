"""Groups that the bot is invited to: who decides, and what happens where nobody does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windlass._native import WindlassError
from windlass._threads import in_thread
from windlass.bot.message import GroupInvitation
from windlass.bot.trust import listened_to

if TYPE_CHECKING:
    from windlass.bot.bot import Bot


class Invitations:
    """Reads from the store which invitations wait: so none is lost by a crash."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._told: dict[str, bool] = {}
        """Groups that the handlers were told of, and whether they left it to us."""
        self._busy = False
        self._again = False

    def forget(self, group: str) -> None:
        """There is a new invitation to this group."""
        self._told.pop(group, None)

    async def answer(self) -> None:
        """Tells the handlers, and joins where that was left to us and whoever invites us is accepted."""
        self._again = True
        if self._busy:
            # A handler accepts somebody: the loop that called it goes on with that.
            return
        self._busy = True
        try:
            while self._again:
                self._again = False
                for invitation in await in_thread(self._waiting):
                    await self._answer(invitation)
        finally:
            self._busy = False

    async def _answer(self, invitation: GroupInvitation) -> None:
        bot, group = self._bot, invitation.group
        if group not in self._told:
            # A handler that failed may have been about to decline.
            self._told[group] = await bot._call_each(bot._invitations, invitation)
        try:
            if self._told[group] and await in_thread(self._may_join, invitation):
                await invitation.join()
        except WindlassError as error:
            if isinstance(error, WindlassError.StoreClosed):
                raise
            await bot._failed(error, None)

    def _may_join(self, invitation: GroupInvitation) -> bool:
        bot = self._bot
        # Not any more, if a handler has declined.
        waits = any(one.group == invitation.group for one in self._waiting())
        return waits and listened_to(bot.client, bot.settings.trust, invitation.by, invitation.by) is True

    def _waiting(self) -> list[GroupInvitation]:
        client = self._bot.client
        found = []
        for summary in client.conversations():
            if summary.group_name is None:
                continue
            group = client.conversation(summary.address)
            by = group.invited_by()
            invited = any(member.address == client.address() and not member.joined for member in group.members())
            if by is not None and invited:
                found.append(GroupInvitation(self._bot, summary.address, summary.group_name, by))
        return found

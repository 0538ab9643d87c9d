"""Groups that the bot is invited to: who decides, and what happens where nobody does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from windlass_chat._native import WindlassError
from windlass_chat._threads import in_thread
from windlass_chat.bot.groups import may_invite
from windlass_chat.bot.message import GroupInvitation
from windlass_chat.bot.services import Services


class Invitations:
    """Reads from the store which invitations wait: so none is lost by a crash. Who is joined without a handler, `join_groups` says."""

    def __init__(
        self,
        services: Services,
        tell: Callable[[GroupInvitation], Awaitable[bool]],
        failed: Callable[[WindlassError], Awaitable[None]],
    ) -> None:
        self._services = services
        self._tell = tell
        self._failed = failed
        self._told: dict[str, bool] = {}
        """Groups that the handlers were told of, and whether they left it to us."""
        self._busy = False
        self._again = False

    def forget(self, group: str) -> None:
        """There is a new invitation to this group."""
        self._told.pop(group, None)

    async def answer(self) -> None:
        """Tells the handlers, and joins where that was left to us and the person who invites us is accepted."""
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
        group = invitation.group
        if group not in self._told:
            # A handler that failed may have been about to decline.
            self._told[group] = await self._tell(invitation)
        try:
            if self._told[group] and await in_thread(self._may_join, invitation):
                await invitation.join()
        except WindlassError as error:
            if isinstance(error, WindlassError.StoreClosed):
                raise
            await self._failed(error)

    def _may_join(self, invitation: GroupInvitation) -> bool:
        services = self._services
        # Not any more, if a handler has declined.
        waits = any(other.group == invitation.group for other in self._waiting())
        return waits and may_invite(services.client, services.settings, invitation.by)

    def _waiting(self) -> list[GroupInvitation]:
        client = self._services.client
        found = []
        for summary in client.conversations():
            if summary.group_name is None:
                continue
            group = client.conversation(summary.address)
            by = group.invited_by()
            invited = any(member.address == client.address() and not member.joined for member in group.members())
            if by is not None and invited:
                found.append(GroupInvitation(self._services, summary.address, summary.group_name, by))
        return found

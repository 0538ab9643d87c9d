"""What a bot does when it hears of something that is no message."""

from __future__ import annotations

from windlass_chat._native import Event, TrustPolicy
from windlass_chat._threads import in_thread
from windlass_chat.bot.handlers import Handlers
from windlass_chat.bot.invitations import Invitations
from windlass_chat.bot.message import Reaction
from windlass_chat.bot.role import Role
from windlass_chat.bot.services import Services
from windlass_chat.bot.trust import listened_to
from windlass_chat.client import Client


class Hearing(Handlers, Services):
    """Brings events to the handlers, and does what they call for."""

    _invited: Invitations

    def _asks_about_strangers(self) -> bool:
        return bool(self._requests) and self.settings.trust != TrustPolicy.ACCEPT_ALL

    async def _ask_about_strangers(self, client: Client) -> None:
        """A request that was told when the process died is told again."""
        if not self._asks_about_strangers():
            return
        for contact in await in_thread(client.contacts):
            if not (contact.accepted or contact.blocked or contact.added_by_us):
                await self._tell(Event.CONTACT_REQUEST(contact.address), self)

    async def _heard(self, event: Event) -> None:
        """Calls the handlers of an event, and does what it calls for."""
        await self._tell_handlers(event)
        match event:
            case Event.GROUP_INVITATION(group=group):
                self._invited.forget(group)
                await self._invited.answer()
            case Event.GROUP_CHANGED():
                # Of a group that we are not in any more nothing waits.
                self._recheck_trust()

    async def _heard_again(self, event: Event) -> None:
        """Calls the handlers of an event that a process told that died. What else it calls for is done at each start."""
        if not (isinstance(event, Event.CONTACT_REQUEST) and self._asks_about_strangers()):
            await self._tell_handlers(event)

    async def _tell_handlers(self, event: Event) -> None:
        await self._tell(event, self)
        match event:
            case Event.REACTED(by=by, conversation=conversation) if self._reactions and by != self.address:
                if self.role_of(by) == Role.BLOCKED:
                    return
                trust = self.settings.trust
                if await in_thread(listened_to, self.client, trust, by, conversation):
                    await self._call_each(self._reactions, Reaction(self, event))

"""`Services`."""

from __future__ import annotations

from typing import Protocol

from windlass_chat._native import Contact
from windlass_chat.bot.files import Files
from windlass_chat.bot.outbox import Outbox
from windlass_chat.bot.role import Role
from windlass_chat.bot.sent import Says, SentMessage
from windlass_chat.bot.settings import Settings


class Services(Outbox, Protocol):
    """What a bot does for its handlers: the type of `message.bot`. The class is `Bot`, which imports all the others."""

    settings: Settings

    @property
    def address(self) -> str:
        """The bot's address."""

    def invite(self) -> str:
        """How to reach the bot: a QR code for the terminal, and the URI under it."""

    async def send(self, address: str, text: Says) -> SentMessage:
        """Writes to somebody, or to a group."""

    async def flush(self, timeout: float = 30.0) -> bool:
        """Waits until the transport has taken everything; false if it has not by then."""

    async def accept(self, address: str) -> Contact:
        """We want to talk with somebody who wrote first."""

    async def drop_backlog(self, address: str) -> int:
        """What somebody wrote and that waits counts as handled, unanswered; how many messages that were."""

    async def block(self, address: str) -> Contact:
        """Nothing of theirs is taken in any more."""

    @property
    def files(self) -> Files:
        """Where its files are."""

    def role_of(self, address: str) -> Role | None:
        """What somebody is to the bot."""

    def request_stop(self) -> None:
        """Asks the bot to stop, and does not wait for it."""

    async def stop(self) -> None:
        """Stops the bot."""

    def _recheck_trust(self) -> None:
        """Somebody may be trusted now who was not before."""

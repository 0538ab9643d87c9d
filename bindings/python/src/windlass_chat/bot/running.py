"""`Running`."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable

from windlass_chat._native import Event
from windlass_chat.bot.claims import Claims
from windlass_chat.bot.handling import Handling
from windlass_chat.bot.intake import Intake
from windlass_chat.bot.logs import describe
from windlass_chat.bot.post import Post
from windlass_chat.bot.telling import Telling
from windlass_chat.bot.upkeep import Upkeep
from windlass_chat.client import Client
from windlass_chat.transport import Transport

RECEIPT_SECONDS = 1.2
"""After so long the client has given up waiting for an answer to go with a receipt: see `Client.set_bot`."""

log = logging.getLogger("windlass_chat.bot")

within: contextvars.ContextVar[Running | None] = contextvars.ContextVar("within", default=None)
"""The bot that called us, as it runs: in its handlers, its background work, and whatever they began."""


class Running:
    """The parts of a bot that runs."""

    def __init__(
        self,
        client: Client,
        transport: Transport,
        keep_up_every: float,
        handling: Callable[[Client, Callable[[BaseException], None]], Handling],
        wanted: Callable[[Event], bool],
        heard: Callable[[Event], Awaitable[None]],
        heard_again: Callable[[Event], Awaitable[None]],
        claims: Claims,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.broken: asyncio.Future[None] = self.loop.create_future()
        self.asked: asyncio.Future[None] = self.loop.create_future()
        """Done when the bot is to stop."""
        self.client = client
        self.transport = transport
        self.post = Post(client, transport, claims)
        self.upkeep = Upkeep(client, transport, keep_up_every, self.recheck_trust)
        self.handling = handling(client, self.fail)
        self.telling = Telling(client, wanted, heard, heard_again, claims)
        self.intake = Intake(client, transport, self.telling, self._taken)
        self.handling.on_handled = self.intake.handled.set
        self._looking: asyncio.TimerHandle | None = None
        self._taken_since = False

    def _taken(self) -> None:
        """Something came in. What is not answered soon gets its receipt without an answer."""
        self.handling.look()
        self._taken_since = True
        if self._looking is None:
            self._look_later()

    def _look_later(self) -> None:
        self._taken_since = False
        self._looking = self.loop.call_later(RECEIPT_SECONDS, self._look_for_receipts)

    def _look_for_receipts(self) -> None:
        self._looking = None
        self.post.look()
        if self._taken_since:
            self._look_later()

    def fail(self, error: BaseException) -> None:
        """The bot cannot go on."""
        if not self.broken.done():
            kind, where = describe(error)
            log.error("the bot cannot go on: %s at %s", kind, where, extra={"error": kind, "where": where})
            self.broken.set_exception(error)
            self.broken.exception()  # Nobody may be waiting for it.

    def recheck_trust(self) -> None:
        """Somebody may be trusted now who was not before."""
        self.handling.recheck_trust()

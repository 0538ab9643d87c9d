"""`Bot`."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import fields
from types import TracebackType
from typing import Any

from windlass_chat._native import (
    Body,
    Contact,
    Event,
    OutgoingMessage,
    TrustPolicy,
    UnhandledMessage,
    WindlassError,
)
from windlass_chat._mailbox import transport_secret
from windlass_chat._signals import stop_signalled
from windlass_chat._streams import occupy_streams
from windlass_chat._threads import in_thread
from windlass_chat.alive import beat
from windlass_chat.bot.answering import current, run_handler
from windlass_chat.bot.handlers import Handlers, Next
from windlass_chat.bot.handling import Handling
from windlass_chat.bot.invitations import Invitations
from windlass_chat.bot.local import LocalSocket
from windlass_chat.bot.logs import set_up, short
from windlass_chat.bot.message import GroupInvitation, Message, PoisonMessage, Reaction
from windlass_chat.bot.running import Running, within
from windlass_chat.bot.sent import SentMessage, outgoing_message
from windlass_chat.bot.settings import Settings, SettingsError, gather
from windlass_chat.bot.tasks import end
from windlass_chat.bot.trust import listened_to
from windlass_chat.client import BytesLike, Client
from windlass_chat.store import EncryptedStore
from windlass_chat.transport import Transport, TransportError, transport_of

log = logging.getLogger("windlass_chat.bot")


class Bot(Handlers):
    """A store, a transport, and functions that answer.

    `store` is a path. Where nothing is yet, a store with a new identity is made, unless `create` is off. What is not
    given here comes from the file that `config` names, or from the environment, which overrules both: see `Settings`.
    Instead of a path, `client` gives a client that is open already, and stays open when the bot stops.
    """

    def __init__(
        self,
        store: str | os.PathLike[str] | None = None,
        *,
        passphrase: str | None = None,
        key: BytesLike | None = None,
        key_env: str | None = None,
        key_file: str | os.PathLike[str] | None = None,
        transport: str | Transport | None = None,
        trust: TrustPolicy | None = None,
        create: bool | None = None,
        prefix: str | None = None,
        help: bool | None = None,
        handler_timeout: float | None = None,
        retries: int | None = None,
        concurrency: int | None = None,
        grace: float | None = None,
        keep_up_every: float | None = None,
        local_socket: bool | None = None,
        alive: str | os.PathLike[str] | None = None,
        log: str | None = None,
        log_level: str | None = None,
        config: str | os.PathLike[str] | None = None,
        client: Client | None = None,
    ) -> None:
        arguments = dict(locals())
        given = {setting.name: arguments[setting.name] for setting in fields(Settings)}
        super().__init__()
        occupy_streams()
        self.settings: Settings = gather(given, config)
        self._given_client = client
        self._client: Client | None = client
        self._address: str | None = None
        self._stopped = False
        self._stopping: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._running: Running | None = None
        self._opened: str | None = None
        self._local: LocalSocket | None = None
        self._invited = self._make_invitations()

    # --- whom it talks to --------------------------------------------------------------------------------------------

    @property
    def client(self) -> Client:
        """The client; opens the store, or makes it, when it is asked for first. Not there while the bot is stopped."""
        if self._client is None:
            if self._stopped:
                # Nobody would close it again.
                raise RuntimeError("the bot was stopped")
            self._client = self._open()
        return self._client

    def _open(self) -> Client:
        if self.settings.store is None:
            raise SettingsError('there is no store: Bot("bot.wl", ...), or WINDLASS_STORE')
        key = self.settings.store_key()
        # As it is found from here: a program may go elsewhere before it runs the bot.
        self._opened = os.path.realpath(self.settings.store)
        try:
            return Client.open(EncryptedStore.open(self.settings.store, key))
        except WindlassError.StoreNotFound:
            if not self.settings.create:
                raise
        log.info("a new store and a new identity")
        return Client.create(EncryptedStore.create(self.settings.store, key))

    @property
    def address(self) -> str:
        """The bot's address."""
        if self._address is None:
            self._address = self.client.address()
        return self._address

    def invite(self) -> str:
        """How to reach the bot: a QR code for the terminal, and the URI under it. It is no secret."""
        bundle = self.client.bundle()
        return f"{bundle.qr_terminal()}\n{bundle.to_uri()}"

    async def send(self, address: str, text: str | Body) -> SentMessage:
        """Writes to somebody, or to a group. In a handler it becomes durable with the replies, elsewhere at once.

        Somebody whom we do not know is looked for at the transport: a bundle proves whose it is.
        """
        message = current.get()
        if message is not None and message._open and message.bot is self:
            return await message._write(address, text)
        sent = SentMessage(self, outgoing_message(address, text))
        await sent._send()
        return sent

    async def _send_outgoing(self, outgoing: OutgoingMessage) -> str:
        write = self.client.send_body
        try:
            sent = await in_thread(write, outgoing.to, outgoing.body, outgoing.reply_to)
        except (WindlassError.UnknownContact, WindlassError.NoBundle):
            if not await self._find(outgoing.to):
                raise
            sent = await in_thread(write, outgoing.to, outgoing.body, outgoing.reply_to)
        self._look_at_outbox()
        return sent.message_id

    async def flush(self, timeout: float = 30.0) -> bool:
        """Waits until the transport has taken everything; false if it has not by then, and then it goes out later."""
        return await self._need_running().post.flush(timeout)

    async def accept(self, address: str) -> Contact:
        """We want to talk with somebody who wrote first."""
        contact = await in_thread(self.client.accept_contact, address)
        await self._invited.answer()
        self._recheck_trust()
        return contact

    async def block(self, address: str) -> Contact:
        """Nothing of theirs is taken in any more."""
        contact = await in_thread(self.client.block_contact, address)
        self._recheck_trust()
        return contact

    async def _find(self, address: str) -> bool:
        """Adds the contact whose bundle the transport has; false if there is none, or the bot does not run."""
        return self._running is not None and await self._running.upkeep.find(address)

    # --- running -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Starts, and stops at SIGINT, at SIGTERM, or when it is asked to. Raises what made the bot impossible."""
        set_up(self.settings.log, self.settings.log_level)
        asyncio.run(self._run())

    async def _run(self) -> None:
        async with stop_signalled() as asked, self:
            waiting = asyncio.ensure_future(asked.wait())
            running = self._need_running()
            either: list[asyncio.Future[Any]] = [waiting, running.asked, running.broken]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if running.broken.done():
                running.broken.result()

    async def start(self) -> None:
        """Opens the store and the mailbox, and goes on with what waits. Does not wait for a connection."""
        if self._running is not None:
            raise RuntimeError("the bot runs already")
        if self.settings.transport is None:
            raise SettingsError('there is no transport: Bot(..., transport="mqtt://localhost"), or WINDLASS_TRANSPORT')
        wanted = self.settings.transport
        transport = transport_of(wanted) if isinstance(wanted, str) else wanted
        self._stopped = False
        client = await in_thread(lambda: self.client)
        try:
            await in_thread(self.prepare)
            self._address = client.address()
            transport.use_secret(await in_thread(transport_secret, client))
            await transport.start(self._address, client.device_id())
        except BaseException:
            await self._close()
            raise
        # What waits is told again.
        self._invited = self._make_invitations()
        self._running = running = Running(
            client, transport, self.settings.keep_up_every, self._handling, self._heard, self._heard_again
        )
        for work in (running.post.run(), running.handling.run(), running.intake.run(), running.intake.tell()):
            self._spawn(work)
        self._spawn(self._keep_up(running))
        self._spawn(beat(client.trust_policy, self.settings.alive))
        for every, task in self._background:
            self._spawn(self._repeat(every, task))
        if self.settings.local_socket:
            self._local = await LocalSocket.beside(self._opened, client, running.recheck_trust)
        log.info("started as %s", short(client.address()), extra={"event": "started", "address": client.address()})

    def request_stop(self) -> None:
        """Asks the bot to stop, and does not wait for it. Then `run` returns. Nothing if it does not run."""
        running = self._running
        # One that was cancelled before it began has done nothing.
        if running is not None and (self._stopping is None or self._stopping.done()):
            if not running.asked.done():
                running.asked.set_result(None)
            self._stopping = asyncio.create_task(self._stop(running))

    async def stop(self) -> None:
        """Takes in nothing more, lets handlers finish and the outbox go out for `grace` seconds, and closes.

        The bot's own handlers and background work only ask for it, as by `request_stop`: it waits for them. What they
        reply is sent.
        """
        self.request_stop()
        if self._stopping is not None and within.get() is not self._running:
            await self._stopping

    async def _stop(self, running: Running) -> None:
        posting, *others = self._tasks
        try:
            if self._local is not None:
                await self._local.close()
                self._local = None
            await end(others)
            if not running.broken.done():
                await running.handling.stop(self.settings.grace)
            if not running.broken.done():
                await running.post.flush(self.settings.grace)
            await end([posting])
            await running.handling.stop(0)
        finally:
            self._tasks = []
            # Whatever the transport does, nobody else gets the store as long as it is open.
            try:
                await running.transport.close()
            finally:
                self._stopped = True
                try:
                    await self._close()
                finally:
                    self._running = self._stopping = None
        log.info("stopped", extra={"event": "stopped"})

    async def _close(self) -> None:
        if self._client is not None and self._given_client is None:
            await in_thread(self._client.close)
            self._client = None

    async def __aenter__(self) -> Bot:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def prepare(self) -> None:
        """Makes the client keep messages, and events if anything handles them, until they are handled.

        `start` does it too.
        """
        self.client.keep_unhandled(True)
        if self._events or self._reactions:
            self.client.keep_events(True)
        if self.client.trust_policy() != self.settings.trust:
            self.client.set_trust_policy(self.settings.trust)

    async def handle_waiting(self) -> int:
        """Handles what waits, and answers how many messages that was. For tests that carry envelopes themselves."""
        broken: list[BaseException] = []
        handling = self._handling(self.client, broken.append)
        await in_thread(self.prepare)
        await self._invited.answer()
        before = 0
        while await handling.take_up():
            before = handling.taken_up
            await handling.idle()
        if broken:
            raise broken[0]
        return before - handling.waiting()

    def _handling(self, client: Client, broken: Callable[[BaseException], None]) -> Handling:
        return Handling(
            client,
            self.settings.trust,
            handle=self._handle,
            failed=self._failed,
            find=self._find,
            sent=self._look_at_outbox,
            broken=broken,
            concurrency=self.settings.concurrency,
            retries=self.settings.retries,
        )

    def _make_invitations(self) -> Invitations:
        async def tell(invitation: GroupInvitation) -> bool:
            return await self._call_each(self._invitations, invitation)

        async def failed(error: WindlassError) -> None:
            await self._failed(error, None)

        return Invitations(self, tell, failed)

    def _need_running(self) -> Running:
        if self._running is None:
            raise RuntimeError("the bot does not run")
        return self._running

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """A task without which the bot cannot go on."""
        running = self._need_running()

        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled():
                running.fail(task.exception() or TransportError("the transport ended"))

        # A task takes the context with it.
        token = within.set(running)
        task = asyncio.create_task(work)
        within.reset(token)
        task.add_done_callback(ended)
        self._tasks.append(task)

    def _look_at_outbox(self) -> None:
        if self._running is not None:
            self._running.post.look()

    def _recheck_trust(self) -> None:
        if self._running is not None:
            self._running.recheck_trust()

    async def _keep_up(self, running: Running) -> None:
        """First what was left when the process ended, and then what is due."""
        await self._ask_about_strangers(running.client)
        await self._invited.answer()
        await running.upkeep.run()

    def _asks_about_strangers(self) -> bool:
        return bool(self._requests) and self.settings.trust != TrustPolicy.ACCEPT_ALL

    async def _ask_about_strangers(self, client: Client) -> None:
        """A request that was told when the process died is told again."""
        if not self._asks_about_strangers():
            return
        for contact in await in_thread(client.contacts):
            if not (contact.accepted or contact.blocked or contact.added_by_us):
                await self._tell(Event.CONTACT_REQUEST(contact.address), self)

    async def _repeat(self, every: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except Exception as error:
                await self._failed(error, None)
            await asyncio.sleep(every)

    async def _handle(
        self, item: UnhandledMessage, commit: Callable[[Message], Awaitable[None]], poison: PoisonMessage | None
    ) -> Message:
        # A lane may have been begun by others, who accepted somebody.
        within.set(self._running)
        message = Message(self, item.message)
        message._commit = lambda: commit(message)
        handler = self._chain() if poison is None else _raising(poison)
        await run_handler(message, handler, self._failed, self.settings.handler_timeout)
        return message

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
                trust = self.settings.trust
                if await in_thread(listened_to, self.client, trust, by, conversation):
                    await self._call_each(self._reactions, Reaction(self, event))


def _raising(error: Exception) -> Next:
    async def handler(message: Message) -> None:
        raise error

    return handler

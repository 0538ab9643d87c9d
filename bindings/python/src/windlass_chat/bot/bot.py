"""`Bot`."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import fields
from types import TracebackType
from typing import Any

from windlass_chat import _paths
from windlass_chat._native import Contact, OutgoingMessage, TrustPolicy, WindlassError
from windlass_chat._signals import stop_signalled
from windlass_chat._streams import occupy_streams
from windlass_chat._threads import in_thread
from windlass_chat.alive import beat
from windlass_chat.bot.answering import current, reacting
from windlass_chat.bot.calling import name_of, outcome_of, unlimited
from windlass_chat.bot.files import Files
from windlass_chat.bot.health import Health
from windlass_chat.bot.invitations import Invitations
from windlass_chat.bot.local import LocalSocket
from windlass_chat.bot.logs import report, set_up, short, trouble
from windlass_chat.bot.message import GroupInvitation
from windlass_chat.bot.runner import run as run_to_the_end
from windlass_chat.bot.running import Running, within
from windlass_chat.bot.sent import Says, SentMessage, outgoing_message
from windlass_chat.bot.settings import Settings, SettingsError, gather
from windlass_chat.bot.taking import Taking
from windlass_chat.bot.tasks import end, insisting
from windlass_chat.bot.upkeep import address_in
from windlass_chat.bot.working import Working
from windlass_chat.client import BytesLike, Client
from windlass_chat.store import EncryptedStore
from windlass_chat.transport import Transport, TransportError, transport_of

LEARNING = 5.0
"""Seconds after which a worker knows which jobs others planned, and which roles they gave."""
CLOSING = 5.0
"""Seconds that the transport gets to say good-bye."""

log = logging.getLogger("windlass_chat.bot")


class Bot(Taking):
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
        event_timeout: float | None = None,
        retries: int | None = None,
        concurrency: int | None = None,
        answers_per_minute: int | None = None,
        join_groups: str | None = None,
        group_messages: str | None = None,
        name: str | None = None,
        access: str | None = None,
        admins: str | None = None,
        answer_bots: bool | None = None,
        worker: str | None = None,
        grace: float | None = None,
        keep_up_every: float | None = None,
        local_socket: bool | None = None,
        files: str | Files | None = None,
        alive: str | os.PathLike[str] | None = None,
        health: str | int | None = None,
        log: str | None = None,
        log_level: str | None = None,
        debug: bool | None = None,
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
        self._health: Health | None = None
        self._at_work: Working | None = None
        self._exit: BaseException | None = None
        """With what a handler ended the program."""
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

    def _use(self, client: Client) -> None:
        """Goes on with another client, as when it was given one."""
        self._given_client = self._client = client
        self._address = None

    def _open(self) -> Client:
        if self.settings.store is None:
            raise SettingsError('there is no store: Bot("bot.wl", ...), or WINDLASS_STORE')
        key = self.settings.store_key()
        if not _paths.is_database(self.settings.store):
            # As it is found from here: a program may go elsewhere before it runs the bot.
            self._opened = os.path.realpath(self.settings.store)
            if self.settings.worker:
                raise SettingsError("one process has a store in a file; several workers need one in a database")
        try:
            return Client.open(EncryptedStore.open(self.settings.store, key))
        except WindlassError.StoreNotFound:
            # Of workers that begin together one would find the store half made.
            if not self.settings.create or self.settings.worker:
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

    async def send(self, address: str, text: Says) -> SentMessage:
        """Writes to somebody, or to a group. In a handler it becomes durable with the replies, elsewhere at once, from any thread's event loop.

        A thread without one writes by `bot.client.send`. `address` may be an invitation. Who is unknown is looked for at the transport.
        """
        address = await address_in(self.client, self._running, address)
        message = current.get()
        if message is not None and message.bot is self and (message._open or message._silences(address)):
            return await message._write(address, text)
        await (sent := SentMessage(self, outgoing_message(address, text, is_answer=reacting.get())))._send()
        return sent

    async def _send_outgoing(self, outgoing: OutgoingMessage) -> str:
        write = self.client.send_many
        try:
            sent = await in_thread(write, [outgoing])
        except (WindlassError.UnknownContact, WindlassError.NoBundle, WindlassError.BundleExpired):
            if not await self._find(outgoing.to):
                raise
            sent = await in_thread(write, [outgoing])
        if outgoing.is_answer and self._running is not None:
            self._running.handling.rate.charge(outgoing.to, 1)
        return sent[0].message_id

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

    async def drop_backlog(self, address: str) -> int:
        """What somebody wrote and that waits counts as handled, unanswered; how many messages that were. `client.backlog` says who has how many."""
        dropped = await in_thread(self.client.drop_backlog, address)
        extra = {"event": "backlog_dropped", "address": address, "count": dropped}
        log.warning("%d messages of %s were dropped", dropped, short(address), extra=extra)
        return dropped

    async def _find(self, address: str) -> bool:
        """Adds the contact whose bundle the transport has; false if there is none, or the bot does not run."""
        running = self._running
        if running is None:
            return False
        if running.loop is asyncio.get_running_loop():
            return await running.upkeep.find(address)
        # We were called from another thread, and the transport belongs to this one.
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(running.upkeep.find(address), running.loop))

    # --- running -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Starts, and stops at SIGINT, at SIGTERM, or when it is asked to. Raises what made the bot impossible, or what ended it."""
        set_up(self.settings.log, self.settings.log_level, self.settings.debug)
        run_to_the_end(self._run)
        if self._exit is not None:
            raise self._exit

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
        self._exit = None
        # A worker that comes back while the server is away is one that the others count on.
        client = await (insisting if self.settings.worker else in_thread)(lambda: self.client)
        try:
            await insisting(self.prepare)
            self._at_work = working = await self._work(client)
            self._address = client.address()
            for starting in self._starts:
                await starting()
            if self.settings.health is not None:
                self._health = Health(client.trust_policy, self._measured, self.measures.since)
                await self._health.listen(self.settings.health)
            if self.settings.worker:
                transport.use_worker(self.settings.worker)
            transport.use_secret(await in_thread(client.transport_secret))
            await transport.start(self._address, client.device_id())
        except BaseException:
            await self._close_health()
            await self._close()
            raise
        # What waits is told again.
        self._invited = self._make_invitations()
        self._running = running = Running(
            client,
            transport,
            self.settings.keep_up_every,
            self._handling,
            self._wants,
            self._heard,
            self._heard_again,
            self._claims(client),
        )
        for work in (running.post.run(), running.handling.run(), running.intake.run(), running.telling.run()):
            self._spawn(work)
        self._spawn(working.run())
        self._spawn(self._keep_up(running))
        self._spawn(beat(client.trust_policy, self.settings.alive))
        if self.settings.worker:
            self._spawn(self._learn(client))
        for every, task in self._background:
            self._spawn(self._repeat(every, task))
        if self.settings.local_socket:
            self._local = await LocalSocket.beside(self._opened, client, running.recheck_trust)
        log.info("started as %s", short(client.address()), extra={"event": "started", "address": client.address()})

    def request_stop(self) -> None:
        """Asks the bot to stop, and does not wait for it. Then `run` returns. Nothing if it does not run. From any thread."""
        running = self._running
        if running is not None and asyncio._get_running_loop() is not running.loop:
            running.loop.call_soon_threadsafe(self.request_stop)
            return
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
        # Whoever asked goes on first.
        await asyncio.sleep(0)
        over = running.loop.time() + self.settings.grace
        posting, *others = self._tasks
        try:
            if self._local is not None:
                await self._local.close()
                self._local = None
            await end(others)
            if not running.broken.done():
                await running.handling.stop(over - running.loop.time())
                if self._at_work is not None:
                    await self._at_work.stop(over - running.loop.time())
            if not running.broken.done():
                await running.post.flush(over - running.loop.time())
            await end([posting])
            await running.handling.stop(0)
        finally:
            self._tasks = []
            await self._close_health()
            error = await outcome_of(running.transport.close(), CLOSING, "the end of the transport")
            if isinstance(error, Exception):
                log.warning("cannot close the transport: %s", trouble(error))
            self._stopped = True
            for stopping in self._stops:
                failure = await outcome_of(stopping(), self.settings.event_timeout, name_of(stopping))
                if failure is not None:
                    report(failure, None, self.settings.debug)
            try:
                await self._close()
            finally:
                self._running = self._stopping = None
        log.info("stopped", extra={"event": "stopped"})

    async def _close_health(self) -> None:
        if self._health is not None:
            await self._health.close()
            self._health = None

    async def _close(self) -> None:
        if self._client is None:
            return
        if self._given_client is None:
            try:
                await in_thread(self._client.close)
            except WindlassError as error:
                if not error.retry:
                    raise
                # A full disk: it is closed, and what was to be erased is at the next start.
                log.error("cannot write: %s", error.code, extra={"error": error.code})
            self._client = None

    async def __aenter__(self) -> Bot:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

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

    def _look_for_exit(self, error: BaseException) -> None:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            self._exit = self._exit or error
            self.request_stop()

    def _recheck_trust(self) -> None:
        if self._running is not None:
            self._running.recheck_trust()

    async def _keep_up(self, running: Running) -> None:
        """First what was left when the process ended, and then what is due."""
        await self._ask_about_strangers(running.client)
        await self._invited.answer()
        await running.upkeep.run()

    async def _learn(self, client: Client) -> None:
        """What other workers change of what we remember."""
        while True:
            await asyncio.sleep(LEARNING)
            await self.jobs.reload(client)
            await self.roles.reload()

    async def _repeat(self, every: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            error = await unlimited(work(), self.settings.handler_timeout, name_of(work))
            if error is not None:
                await self._failed(error, None)
            await asyncio.sleep(every)

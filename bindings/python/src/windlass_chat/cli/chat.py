"""`chat`: somebody on the other end, in the terminal."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable

from windlass_chat._native import Conversation, Event, Message, Sent, WindlassError
from windlass_chat._questions import prove, safety
from windlass_chat._signals import stop_signalled
from windlass_chat._threads import in_thread
from windlass_chat.cli.identity import open_client, safety_lines
from windlass_chat.cli.output import Output
from windlass_chat.cli.plain import plain
from windlass_chat.cli.reaching import not_delivered, reach, transport_given, waits
from windlass_chat.cli.said import ends, file_of, said
from windlass_chat.cli.screen import DIM, THEIRS, WARNING, Screen
from windlass_chat.cli.tally import Tally
from windlass_chat.cli.wrong import Failed, WrongUsage
from windlass_chat.client import Client
from windlass_chat.sync import Sync
from windlass_chat.transport import Transport

HISTORY = 20
"""How many messages of before are shown."""
QUOTED = 40
HINT = "/? lists the commands, /quit ends; anything else is sent."
HELP = [
    "/verify [NUMBER]  shows the safety number, or compares it with theirs",
    "/react [EMOJI]    puts a reaction to their last message, 👍 if none is given",
    "/edit TEXT        changes your last message",
    "/delete           deletes your last message",
    "/quit             ends; so do Ctrl-C and Ctrl-D",
    "Other words with a slash are sent: bots have commands. //quit sends /quit.",
]


def chat(given: argparse.Namespace, out: Output) -> None:
    """Opens a conversation until /quit, the end of the input, or Ctrl-C."""
    transport = transport_given(given.transport)
    with open_client(given) as client:
        asyncio.run(_chat(client, transport, given.whom, given.wait, out))


async def _chat(client: Client, transport: Transport, whom: str, wait: float, out: Output) -> None:
    with Screen(out) as screen:
        came: asyncio.Queue[Event] = asyncio.Queue()
        line = Sync(client, transport, came.put, own_writes=False)
        await line.open()
        try:
            talk = Talk(client, await reach(client, transport, whom), screen)
            talk.begin()
            line.listen()
            async with stop_signalled() as stopped:
                await _until_the_end(talk, screen, line, came, stopped, wait)
            talk.end()
            if not await line.flush():
                screen.show("waiting", "  what was not delivered yet goes out the next time", DIM)
                if not screen.terminal and await in_thread(talk.waits):
                    raise not_delivered("all that was typed")
            if talk.refused and not screen.terminal:
                raise Failed(f"{talk.refused} of the lines could not be sent", "not_all_sent", "The output says which, and why.")
        finally:
            await line.close()


async def _until_the_end(
    talk: Talk, screen: Screen, line: Sync, came: asyncio.Queue[Event], stopped: asyncio.Event, wait: float
) -> None:
    async def write() -> None:
        while (typed := await screen.typed.get()) is not None:
            if not await talk.typed(typed):
                return
            screen.handled()
        if not screen.terminal and wait:
            await asyncio.sleep(wait)

    async def hear() -> None:
        while True:
            await talk.heard(await came.get())

    async def stop() -> None:
        await stopped.wait()

    tasks = [asyncio.create_task(work) for work in (write(), hear(), stop())]
    ends: list[asyncio.Future[None]] = [*tasks, line.broken]
    try:
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Talk:
    """One conversation: what is typed into it, and what comes."""

    def __init__(self, client: Client, conversation: Conversation, screen: Screen) -> None:
        self._client = client
        self._conversation = conversation
        self._address = conversation.address()
        self._group = conversation.is_group()
        self._screen = screen
        self._names: dict[str, str | None] = {}
        """What the user calls people; the names that they give themselves are nowhere."""
        self._known: dict[str, str] = {}
        """What the messages say that were seen here, to quote them."""
        self._spoilt = Tally(self._tell_spoilt)
        self._elsewhere = Tally(self._tell_elsewhere)
        self._sent: set[int] = set()
        """The envelopes of what was typed."""
        self.refused = 0
        """How many lines could not be sent."""

    def begin(self) -> None:
        """Shows who is there, and what was said last."""
        screen = self._screen
        if self._group:
            name = plain(self._conversation.name())
            screen.show("started", f"{name} ({self._address})", DIM, address=self._address, group=name)
        else:
            verified = self._client.contact(self._address).verified
            how = "verified" if verified else "not verified: /verify"
            # On a terminal the address fills the line.
            lines = [self._address, f"({how})"] if screen.terminal else f"{self._address} ({how})"
            screen.show("started", lines, DIM, address=self._address, verified=verified)
        if screen.terminal:
            screen.show("help", HINT, DIM)
        history = self._conversation.messages(limit=HISTORY)
        for message in history:
            self._show(message, before=True)
        self._read()

    def end(self) -> None:
        """Tells what was only counted so far."""
        self._spoilt.close()
        self._elsewhere.close()

    def waits(self) -> bool:
        """Whether the transport has not taken yet what was typed."""
        return waits(self._client, self._sent)

    # --- what comes --------------------------------------------------------------------------------------------------

    async def heard(self, event: Event) -> None:
        """Shows an event of this conversation."""
        show, here = self._screen.show, self._address
        match event:
            case Event.MESSAGE(message=message) if message.conversation == here:
                self._show(message)
                await in_thread(self._read)
            case Event.MESSAGE(message=message):
                self._elsewhere.add(f"{message.author} {message.conversation}")
            case Event.EDITED(message=message) if message.conversation == here:
                self._known[message.id] = message.text or ""
                text = f"{self._name(message.author)} changed: {message.text}"
                show("edited", text, THEIRS, id=message.id, author=message.author, text=message.text)
            case Event.DELETED(conversation=conversation, author=author, message_id=number) if conversation == here:
                self._known.pop(number, None)
                show("deleted", f"  {self._name(author)} deleted a message", DIM, id=number, author=author)
            case Event.REACTED(conversation=conversation, by=by, emoji=emoji) if conversation == here:
                verb = "took back" if event.removed else "put"
                text = f"  {self._name(by)} {verb} {plain(emoji)} to {self._quote(event.message_id)}"
                show("reacted", text, id=event.message_id, by=by, emoji=emoji, removed=event.removed)
            case Event.DELIVERED(address=address, message_ids=ids):
                ours = [number for number in ids if number in self._known]
                if ours:
                    show("delivered", [f"  ✓ {self._quote(sent)}" for sent in ours], DIM, to=address, ids=ours)
            case Event.READ(conversation=conversation, by=by) if conversation == here:
                show("read", f"  {self._name(by)} has read it", DIM, by=by)
            case Event.IDENTITY_CHANGED(address=address, new_address=new) if address == here:
                show("identity", f"  ! they go on as {new}: compare again", THEIRS, address=address, new_address=new)
            case Event.UNDECRYPTABLE(cause=cause):
                self._spoilt.add(cause.name.lower())

    def _tell_spoilt(self, cause: str, count: int) -> None:
        what = "a message could" if count == 1 else f"{count:,} messages could"
        text = f"  {what} not be read ({cause}); what is missing is asked for again"
        self._screen.show("undecryptable", text, WARNING, cause=cause, count=count)

    def _tell_elsewhere(self, where: str, count: int) -> None:
        author, conversation = where.split(" ")
        times = "" if count == 1 else f" {count:,} times"
        self._screen.show("elsewhere", f"  {author} wrote elsewhere{times}", DIM, address=conversation, count=count)

    def _show(self, message: Message, before: bool = False) -> None:
        text = said(message)
        self._known[message.id] = text
        name = "you" if message.outgoing else self._name(message.author)
        mark = " ✓" if message.outgoing and message.delivered_at is not None else ""
        edited = " (edited)" if message.edited else ""
        # In a column; programs and files get the time from the JSON.
        who = f"{message.sent_at.astimezone():%H:%M} {name:>4}" if self._screen.terminal else name
        self._screen.show(
            "history" if before else "message",
            f"{who}: {text}{edited}{mark}",
            None if message.outgoing else THEIRS,
            id=message.id,
            author=message.author,
            outgoing=message.outgoing,
            text=message.text,
            reply_to=message.reply_to,
            sent_at=message.sent_at.isoformat(timespec="seconds"),
            **file_of(message),
        )

    def _name(self, address: str) -> str:
        if address == self._client.address():
            return "you"
        if address not in self._names:
            self._names[address] = self._client.conversation(address).settings().nickname
        if (nickname := self._names[address]) is not None:
            return plain(nickname)
        return ends(address) if self._group else "they"

    def _quote(self, number: str) -> str:
        text = plain(self._known.get(number, "an older message").partition("\n")[0])
        return text if len(text) <= QUOTED else f"{text[:QUOTED]}..."

    def _read(self) -> None:
        if self._conversation.unread():
            self._conversation.mark_read()

    # --- what is typed -----------------------------------------------------------------------------------------------

    async def typed(self, line: str) -> bool:
        """Does what a typed line says; false when it ends the chat."""
        word, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        try:
            if word == "/quit":
                return False
            if word == "/?":
                self._screen.show("help", HELP, DIM)
            elif word == "/verify":
                await in_thread(self._verify, rest)
            elif word == "/react":
                await self._change("reacted", False, lambda message: self._conversation.react(message, rest or "👍"))
            elif word == "/edit":
                if not rest:
                    raise WrongUsage("there is no new text", "/edit and what it should say.")
                await self._change("edited", True, lambda message: self._conversation.edit(message, rest), now=rest)
            elif word == "/delete":
                await self._change("deleted", True, self._conversation.delete)
            elif line.strip():
                await self._send(line[1:] if line.startswith("//") else line)
        except (WindlassError, WrongUsage) as error:
            if isinstance(error, WindlassError) and error.code == "store_closed":
                raise
            code = error.code if isinstance(error, WindlassError) else "usage"
            lines = [f"  error: {error} ({code})", f"  {error.advice}"]
            self._screen.show("error", lines, error=code, message=str(error), advice=error.advice)
        return True

    async def _send(self, text: str) -> None:
        try:
            sent = await in_thread(self._conversation.send, text)
        except WindlassError:
            self.refused += 1
            raise
        self._known[sent.message_id] = text
        self._sent.update(envelope.id for envelope in sent.envelopes)
        # On a terminal it stands there already, as it was typed.
        if not self._screen.terminal:
            self._screen.show("sent", f"you: {text}", id=sent.message_id, text=text)

    async def _change(
        self, kind: str, outgoing: bool, change: Callable[[Message], Sent], now: str | None = None
    ) -> None:
        """Does something to the last message of theirs, or of ours."""
        history = await in_thread(self._conversation.messages, 100)
        for message in reversed(history):
            if message.outgoing == outgoing and not message.deleted and message.text is not None:
                sent = await in_thread(change, message)
                self._sent.update(envelope.id for envelope in sent.envelopes)
                if now is not None:
                    self._known[message.id] = now
                self._screen.show(f"you_{kind}", f"  you {kind}: {self._quote(message.id)}", DIM, id=message.id)
                return
        whose = "yours" if outgoing else "theirs"
        raise WrongUsage(f"there is no message of {whose} here", "Write one, or wait for one.")

    def _verify(self, typed: str) -> None:
        if self._group:
            raise WrongUsage("a group has no safety number", "Verify its members, each in a chat of their own.")
        session = self._client.session(self._address)
        data = safety(session, self._address)
        if typed:
            prove(session, typed)
        data["verified"] = verified = self._client.contact(self._address).verified
        last = "verified" if verified else "not verified: compare with them, then /verify NUMBER"
        protection = f"post-quantum protection of the next message: {data['post_quantum']}"
        self._screen.show("safety", [*safety_lines(data), protection, last], None, **data)

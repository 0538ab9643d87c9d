"""What an app needs beside messages: by author and id, settings of chats, receipts by member, who is writing."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from windlass_chat import (
    Body,
    ChatSettings,
    Client,
    Conversation,
    DeviceReceipt,
    GroupPermission,
    HandOver,
    HandOverNewer,
    HandOverUnreadable,
    InvalidContent,
    KeyUnreadable,
    NotAnAdmin,
    Peeked,
    Profile,
    RichText,
    StoreKey,
    UnknownContact,
    UnknownMessage,
    events,
)
from windlass_chat.sync import Sync
from windlass_chat.testing import Simulation
from windlass_chat.transport import TransportError
from windlass_chat.transport.memory import MemoryTransport


def talking() -> tuple[Simulation, Client, Client, Conversation, Conversation]:
    """Two who know each other, and their conversation from both sides."""
    world = Simulation(seed=1)
    numbers = [world.add_person() for _ in range(2)]
    world.introduce(*numbers)
    alice, bob = (world.client(number) for number in numbers)
    return world, alice, bob, alice.conversation(bob.address()), bob.conversation(alice.address())


@contextmanager
def acquainted(folder: Path) -> Iterator[tuple[Client, Client]]:
    """Two with stores on the disk, for what goes by a transport."""
    with (
        Client.create(folder / "a.wl", key=bytes(32)) as alice,
        Client.create(folder / "b.wl", key=bytes(32)) as bob,
    ):
        alice.add_contact(bob.bundle())
        bob.add_contact(alice.bundle())
        yield alice, bob


def test_messages_are_found_and_changed_by_author_and_id() -> None:
    world, alice, bob, ours, theirs = talking()
    author = alice.address()
    ids = [ours.send(str(number)).message_id for number in range(5)]
    world.run()
    theirs.react_to(author, ids[0], "👍")
    ours.edit_message(ids[1], "changed")
    ours.delete_message(ids[4])
    theirs.mark_read_up_to(author, ids[1])
    world.run()
    around = theirs.messages_around(author, ids[1], 1, 1)
    assert [message.text for message in around] == ["0", "changed", "2"]
    assert [message.id for message in theirs.messages_after(author, ids[1])] == ids[2:]
    assert [message.id for message in theirs.messages_before(author, ids[1])] == ids[:1]
    assert theirs.unread() == 2
    first, second = ours.receipts(ids[1]).members[0], ours.receipts(ids[2]).members[0]
    assert first.address == bob.address() and first.read_at is not None
    assert second.delivered_at is not None and second.read_at is None and not ours.receipts(ids[2]).queued
    (device,) = alice.contact(bob.address()).devices
    assert second.devices == [DeviceReceipt(device_id=device, delivered_at=second.delivered_at)]
    waits = ours.receipts(ours.send("on its way").message_id).members[0]
    assert waits.devices == [DeviceReceipt(device_id=device, delivered_at=None)]
    answer = theirs.send_body(Body.TEXT("aye"), ids[0])
    answered = theirs.answered(bob.address(), answer.message_id)
    assert answered is not None and answered.id == ids[0] and [one.emoji for one in answered.reactions] == ["👍"]
    theirs.unreact_to(author, ids[0], "👍")
    theirs.delete_message_for_me(author, ids[0])
    assert theirs.answered(bob.address(), answer.message_id) is None
    with pytest.raises(UnknownMessage):
        theirs.react_to(author, "0" * 32, "👍")


def test_what_the_user_sets_for_a_chat_is_theirs() -> None:
    world, alice, bob, ours, theirs = talking()
    theirs.send("ahoy")
    world.run()
    until = datetime(2100, 1, 1, tzinfo=timezone.utc)
    ours.set_muted_until(until)
    ours.set_archived(True)
    ours.set_pinned(True)
    ours.set_nickname(" Captain ")
    ours.mark_unread()
    wanted = ChatSettings(muted_until=until, archived=True, pinned=True, marked_unread=True, nickname="Captain")
    assert ours.settings() == wanted == alice.conversation_page()[0].settings
    assert "Captain" not in f"{wanted} {wanted!r}" and "pinned=True" in str(wanted)
    ours.mark_read()
    ours.mark_unread()
    assert alice.unread() == 1
    ours.mark_read()
    assert alice.unread() == 0
    bob.set_sends_read_receipts(False)
    assert not bob.sends_read_receipts()
    alice.remove_contact_only(bob.address())
    assert [message.text for message in ours.messages()] == ["ahoy"] and ours.settings().nickname is None
    with pytest.raises(UnknownContact):
        ours.set_pinned(True)


def test_a_profile_reaches_a_contact_and_says_who_is_shown() -> None:
    world, alice, bob, ours, theirs = talking()
    for talk in (ours, theirs):
        talk.send("ahoy")
    world.run()
    assert bob.profile_of(alice.address()) is None and bob.display_name(alice.address()) == alice.address()
    profile = Profile(name="Ann", about="two\nlines", picture=b"\xff\xd8\xff and more")
    alice.set_profile(profile)
    ours.send("again")
    world.run()
    assert bob.profile_of(alice.address()) == profile and bob.display_name(alice.address()) == "Ann"
    assert "Ann" not in repr(profile)
    theirs.set_nickname("Captain")
    assert bob.display_name(alice.address()) == "Captain"
    with pytest.raises(InvalidContent):
        alice.set_profile(Profile(name="two\nlines", about="", picture=None))


def test_admins_say_who_writes_to_a_group() -> None:
    world, alice, bob, _, _ = talking()
    crew = alice.create_group("crew", [bob.address()])
    world.run()
    theirs = bob.conversation(crew.address())
    theirs.join()
    world.run()
    crew.set_for_admins(GroupPermission.WRITE, True)
    crew.set_for_admins(GroupPermission.CHANGE_DETAILS, False)
    world.run()
    assert theirs.is_for_admins(GroupPermission.WRITE) and not theirs.may(GroupPermission.WRITE)
    with pytest.raises(NotAnAdmin):
        theirs.send("no")
    theirs.set_description("what it is about")
    theirs.set_picture(b"\xff\xd8\xff and more")
    crew.send("hear")
    world.run()
    assert (crew.description(), crew.picture()) == ("what it is about", b"\xff\xd8\xff and more")
    changes = [message.body.change for message in crew.messages() if isinstance(message.body, Body.GROUP)]
    assert [change.permission for change in changes if change.admins_only] == [GroupPermission.WRITE]


def test_who_is_writing_is_told_and_kept_nowhere() -> None:
    world, alice, _, ours, theirs = talking()
    ours.send("ahoy")
    world.run()
    theirs.send("ahoy")
    world.run()
    ours.set_typing(True)
    told = [event for delivery in world.run() for event in delivery.events]
    assert told == [events.Typing(alice.address(), alice.address(), True)]
    assert len(theirs.messages()) == 2


def test_who_is_there_is_told_to_a_contact_and_to_no_group() -> None:
    world, alice, bob, ours, theirs = talking()
    ours.set_available(True)
    assert world.run() == []
    ours.send("ahoy")
    world.run()
    theirs.send("ahoy")
    world.run()
    for available in (True, False):
        ours.set_available(available)
        told = [event for delivery in world.run() for event in delivery.events]
        assert told == [events.Presence(alice.address(), available)]
    assert len(theirs.messages()) == 2
    with pytest.raises(UnknownContact):
        alice.create_group("crew", [bob.address()]).set_available(True)


def test_a_loop_carries_mail_both_ways_and_tells_what_comes(tmp_path: Path) -> None:
    with acquainted(tmp_path) as (alice, bob):

        async def talk() -> None:
            transports = [MemoryTransport("apps"), MemoryTransport("apps")]
            async with Sync(alice, transports[0]) as ours, Sync(bob, transports[1]) as theirs:
                # Written by a call that knows nothing of the loop.
                sent = alice.send(bob.address(), "ahoy")
                async for event in theirs.events():
                    if isinstance(event, events.Message):
                        assert event.message.text == "ahoy"
                        break
                async for event in ours.events():
                    if isinstance(event, events.Delivered):
                        assert event.message_ids == [sent.message_id]
                        break
                assert await ours.flush() and await theirs.flush()
                await transports[0].close()
                with pytest.raises(TransportError):
                    async for event in ours.events():
                        pass

        asyncio.run(asyncio.wait_for(talk(), 60))
        assert not alice.outbox() and not bob.outbox()


def test_a_loop_tells_what_this_client_writes_in_one_stream_with_what_comes(tmp_path: Path) -> None:
    with acquainted(tmp_path) as (alice, bob):
        conversation = alice.conversation(bob.address())

        async def talk() -> None:
            transports = [MemoryTransport("own"), MemoryTransport("own")]
            async with Sync(alice, transports[0]) as ours, Sync(bob, transports[1], own_writes=False) as theirs:
                # In another thread, as a screen would.
                sent = await asyncio.to_thread(conversation.send, "ahoy")
                told: list[object] = []
                async for event in ours.events():
                    match event:
                        case events.Message(message=message) if message.outgoing:
                            assert message.id == sent.message_id and message.text == "ahoy"
                            # The handler writes itself, and hears of that too.
                            conversation.react_to(alice.address(), message.id, "\N{THUMBS UP SIGN}")
                            told.append("written")
                        case events.Reacted(by=by, removed=removed):
                            assert by == alice.address() and not removed
                            told.append("reacted")
                            bob.send(alice.address(), "aye")
                        case events.Message(message=message):
                            assert message.text == "aye"
                            told.append("came")
                            conversation.mark_read()
                        case events.Read(by=by) if by == alice.address():
                            told.append("read")
                            conversation.delete_message(sent.message_id)
                        case events.Deleted(message_id=number):
                            assert number == sent.message_id
                            break
                assert told == ["written", "reacted", "came", "read"]
                async for event in theirs.events():
                    # What bob wrote is not told him; the last that he hears is that all of it is gone.
                    assert not (isinstance(event, events.Message) and event.message.outgoing)
                    if isinstance(event, events.Deleted):
                        break
            # Closed, it listens no more, and a write goes on as ever.
            conversation.send("later")
            assert alice.take_changes() == []

        asyncio.run(asyncio.wait_for(talk(), 60))


def test_a_listener_of_changes_may_call_the_client_and_its_failure_is_its_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Client.create(tmp_path / "a.wl", key=bytes(32)) as alice:
        notes = alice.create_group("notes", [])
        told: list[str | None] = []

        def look() -> None:
            told.extend(one.message.text for one in alice.take_changes() if isinstance(one, events.Message))
            raise ZeroDivisionError

        alice.set_change_listener(look)
        notes.send("one")
        alice.set_change_listener(None)
        notes.send("two")
    assert told == ["one"] and "the listener of the changes failed" in caplog.text


def test_what_is_scheduled_is_listed_sent_once_and_taken_back() -> None:
    world, alice, _, ours, theirs = talking()
    now = alice.now()
    later = ours.send_rich_at(now + timedelta(hours=2), RichText(text="later", suggestions=["aye"]))
    first = ours.send_at(now + timedelta(hours=1), "first")
    assert [one.id for one in ours.scheduled()] == [first.id, later.id]
    assert ours.scheduled()[1].text.suggestions == ["aye"] and first.failed is None
    assert alice.next_due() == first.send_at
    world.advance(timedelta(hours=1))
    assert alice.next_due() == later.send_at
    world.run()
    came = theirs.message(alice.address(), first.id)
    assert came is not None and came.text == "first"
    assert ours.cancel_scheduled(later.id) and not ours.cancel_scheduled(later.id)
    assert ours.scheduled() == [] and alice.next_due() is None
    with pytest.raises(InvalidContent):
        ours.send_at(now + timedelta(days=400), "never")


def test_what_is_scheduled_goes_by_the_loop_when_it_is_time(tmp_path: Path) -> None:
    with acquainted(tmp_path) as (alice, bob):
        conversation = alice.conversation(bob.address())

        async def talk() -> None:
            transports = [MemoryTransport("time"), MemoryTransport("time")]
            async with Sync(alice, transports[0]) as ours, Sync(bob, transports[1]) as theirs:
                soon = alice.now() + timedelta(milliseconds=300)
                planned = await asyncio.to_thread(conversation.send_at, soon, "ahoy")
                changes = 0
                async for event in ours.events():
                    changes += isinstance(event, events.ScheduledChanged)
                    if isinstance(event, events.Message):
                        assert event.message.id == planned.id and event.message.sent_at >= planned.send_at
                        break
                # Written, and sent.
                assert changes == 2
                async for event in theirs.events():
                    if isinstance(event, events.Message):
                        assert event.message.id == planned.id and event.message.text == "ahoy"
                        break

        asyncio.run(asyncio.wait_for(talk(), 60))
        assert conversation.scheduled() == []


def test_whoever_follows_a_link_comes_into_the_group() -> None:
    world = Simulation(seed=2)
    alice, bob, carol = (world.client(world.add_person()) for _ in range(3))
    crew = alice.create_group("crew", [])
    link = crew.create_invitation_link(2, timedelta(days=7))
    assert link.uri not in repr(link) and link.code not in repr(link)
    assert bob.join_by_link(f"https://example.org/join#{link.uri}").address == alice.address()
    assert [one.asked for one in bob.pending_joins()] == [alice.address()]
    world.run()
    carol.join_by_link(link.code)
    world.run()
    assert not bob.pending_joins() and not crew.invitation_links()
    # That she takes part may come before that she belongs to it, from a stranger: then it comes again.
    world.advance(timedelta(hours=1))
    world.run()
    everybody = {alice.address(), bob.address(), carol.address()}
    for client in (alice, bob, carol):
        group = client.conversation(crew.address())
        assert group.is_joined() and {member.address for member in group.members() if member.joined} == everybody
    # Nobody was asked whether they want to talk with those who came, and all hear each other.
    assert not any(contact.accepted for contact in alice.contacts())
    carol.conversation(crew.address()).send("ahoy")
    world.run()
    assert [message.text for message in bob.conversation(crew.address()).messages() if message.text] == ["ahoy"]
    late = crew.create_invitation_link(1, timedelta(days=1))
    crew.revoke_invitation_link(late.id)
    dave = world.client(world.add_person())
    dave.join_by_link(late.uri)
    world.run()
    assert len(crew.members()) == 3 and len(dave.pending_joins()) == 1
    dave.cancel_join(alice.address())
    assert not dave.pending_joins()
    with pytest.raises(NotAnAdmin):
        bob.conversation(crew.address()).create_invitation_link(1, timedelta(days=1))
    with pytest.raises(InvalidContent):
        crew.create_invitation_link(1, timedelta(days=15))


def test_what_is_handed_over_shows_a_push_that_the_app_receives_later(tmp_path: Path) -> None:
    key = StoreKey.from_bytes(bytes(range(32)))
    with acquainted(tmp_path) as (alice, bob):
        for envelope in alice.send(bob.address(), "ahoy").envelopes:
            bob.receive(envelope.bytes)
        for envelope in bob.outbox():
            alice.receive(envelope.bytes)
        handed_over = alice.hand_over(key)
        pushed = bob.send(alice.address(), "land ho").envelopes[0].bytes
        opened = HandOver.open(handed_over, key)
        shown = set()
        for _ in range(2):
            seen = opened.peek(pushed)
            assert isinstance(seen, Peeked.MESSAGE) and seen.message.text == "land ho"
            shown.add(seen.message.id)
            assert seen.message.author == seen.message.conversation == bob.address()
            assert not seen.message.muted and not seen.message.in_group and seen.message.author_name is None
            assert "land ho" not in repr(seen) and seen.message.id in repr(seen.message)
        (came,) = (event for event in alice.receive(pushed) if isinstance(event, events.Message))
        assert came.message.text == "land ho" and {came.message.id} == shown
        assert isinstance(HandOver.open(alice.hand_over(key), key).peek(pushed), Peeked.QUIET)
        # The first message of a session is the client's.
        with Client.create(tmp_path / "c.wl", key=bytes(32)) as carol:
            carol.add_contact(alice.bundle())
            first = carol.send(alice.address(), "who is there").envelopes[0].bytes
            assert isinstance(opened.peek(first), Peeked.UNREADABLE)
        for bad in (handed_over[:-1], b"", bytes(100), handed_over[:-1] + bytes([handed_over[-1] ^ 1])):
            with pytest.raises(HandOverUnreadable):
                HandOver.open(bad, key)
        with pytest.raises(HandOverUnreadable):
            HandOver.open(handed_over, StoreKey.from_bytes(bytes(32)))
        with pytest.raises(HandOverNewer):
            HandOver.open(b"\x02" + handed_over[1:], key)
        with pytest.raises(KeyUnreadable):
            alice.hand_over(StoreKey.from_passphrase("correct horse"))

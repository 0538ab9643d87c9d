"""What an app needs beside messages: by author and id, settings of chats, receipts by member, who is writing."""

import asyncio
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from windlass_chat import (
    Body,
    ChatSettings,
    Client,
    Conversation,
    GroupPermission,
    InvalidContent,
    NotAnAdmin,
    Profile,
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


def test_a_loop_carries_mail_both_ways_and_tells_what_comes(tmp_path: Path) -> None:
    with (
        Client.create(tmp_path / "a.wl", key=bytes(32)) as alice,
        Client.create(tmp_path / "b.wl", key=bytes(32)) as bob,
    ):
        alice.add_contact(bob.bundle())
        bob.add_contact(alice.bundle())

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

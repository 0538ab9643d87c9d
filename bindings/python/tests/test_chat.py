"""What every chat has: reactions, edits, reading, groups, attachments, search."""

import asyncio
import resource
from datetime import timedelta
from pathlib import Path

import pytest

import windlass_chat
from windlass_chat import Attachment, Body, Client, Conversation, GroupChangeKind, Message, events
from windlass_chat.testing import Simulation


def people(count: int) -> tuple[Simulation, list[Client]]:
    """A world of people who know each other."""
    world = Simulation(seed=1)
    numbers = [world.add_person() for _ in range(count)]
    for a in numbers:
        for b in numbers[a + 1 :]:
            world.introduce(a, b)
    return world, [world.client(number) for number in numbers]


def texts(conversation: Conversation) -> list[str]:
    return [message.text for message in conversation.messages() if message.text is not None]


def last(conversation: Conversation) -> Message:
    return conversation.messages(limit=1)[0]


def test_signs_changes_and_deletions_reach_the_other_side() -> None:
    world, (alice, bob) = people(2)
    ours, theirs = alice.conversation(bob.address()), bob.conversation(alice.address())
    ours.send("Ahoi")
    world.run()
    ours.edit(last(ours), "Ahoy")
    theirs.react(last(theirs), "👍")
    theirs.react(last(theirs), "⚓")
    world.run()
    for conversation in (ours, theirs):
        message = last(conversation)
        assert message.text == "Ahoy" and message.edited
        assert [reaction.emoji for reaction in message.reactions] == ["👍", "⚓"]
    theirs.unreact(last(theirs), "👍")
    with pytest.raises(windlass_chat.NotTheAuthor):
        theirs.edit(last(theirs), "mine")
    with pytest.raises(windlass_chat.InvalidContent):
        theirs.react(last(theirs), "")
    ours.delete(last(ours))
    delivered = [event for delivery in world.run() for event in delivery.events]
    assert any(isinstance(event, events.Deleted) for event in delivered)
    assert last(ours).deleted and last(theirs).deleted and last(theirs).text is None and not last(theirs).reactions


def test_what_was_read_is_counted_and_told() -> None:
    world, (alice, bob) = people(2)
    ours, theirs = alice.conversation(bob.address()), bob.conversation(alice.address())
    for number in range(3):
        ours.send(str(number))
    world.run()
    assert (ours.unread(), theirs.unread()) == (0, 3)
    assert [summary.unread for summary in bob.conversations()] == [3]
    theirs.mark_read()
    assert theirs.unread() == 0
    assert events.Read(alice.address(), bob.address()) not in world.run()[0].events
    assert [message.read_by for message in ours.messages()] == [[bob.address()]] * 3
    ours.send("one more")
    world.run()
    assert last(ours).read_by == []
    theirs.mark_read(receipt=False)
    world.run()
    assert last(ours).read_by == []


def test_what_is_deleted_for_one_side_stays_on_the_other() -> None:
    world, (alice, bob) = people(2)
    ours, theirs = alice.conversation(bob.address()), bob.conversation(alice.address())
    for said in ("one", "two"):
        ours.send(said)
    world.run()
    assert bob.unread() == 2
    theirs.delete_for_me(theirs.messages()[0])
    assert texts(theirs) == ["two"] and bob.unread() == 1
    bob.delete_conversation(alice.address())
    bob.delete_conversation(alice.address())
    assert not texts(theirs) and not bob.conversations() and bob.unread() == 0
    ours.send("three")
    world.run()
    assert texts(theirs) == ["three"] and texts(ours) == ["one", "two", "three"]


def test_a_timer_counts_for_both_sides() -> None:
    world, (alice, bob) = people(2)
    ours, theirs = alice.conversation(bob.address()), bob.conversation(alice.address())
    ours.set_disappearing(timedelta(hours=1))
    world.run()
    assert theirs.disappearing() == timedelta(hours=1)
    theirs.send("gone soon")
    world.run()
    assert texts(ours) == texts(theirs) == ["gone soon"]
    world.advance(timedelta(hours=2))
    assert texts(ours) == texts(theirs) == []


def test_a_group_from_invitation_to_leaving() -> None:
    world, (alice, bob, carol) = people(3)
    group = alice.create_group("Harbour", [bob.address()])
    invited = [event for delivery in world.run() for event in delivery.events]
    assert events.GroupInvitation(group.address(), "Harbour", alice.address()) in invited
    group.send("before")
    world.run()
    theirs = bob.conversation(group.address())
    assert theirs.invited_by() == alice.address() and not theirs.is_joined()
    with pytest.raises(windlass_chat.NotAMember):
        theirs.send("not yet")
    theirs.join()
    world.run()
    group.add_members([carol.address()])
    world.run()
    late = carol.conversation(group.address())
    late.join()
    world.run()
    theirs.send("to all")
    world.run()
    assert texts(group) == texts(theirs) == ["before", "to all"]
    assert texts(late) == ["to all"]
    assert last(theirs).delivered_to == sorted([alice.address(), carol.address()], key=last(theirs).delivered_to.index)
    with pytest.raises(windlass_chat.NotAnAdmin):
        late.rename("Mine")
    group.add_admins([bob.address()])
    world.run()
    theirs.rename("Port")
    theirs.remove_members([carol.address()])
    world.run()
    for conversation in (group, theirs):
        assert conversation.name() == "Port"
        assert [(m.address, m.joined, m.admin) for m in conversation.members()] == [
            (alice.address(), True, True),
            (bob.address(), True, True),
        ]
    assert not late.is_joined()
    # The two may have come the other way round; then the second is told when it comes again.
    world.advance(timedelta(hours=2))
    world.run()
    change = last(group).body
    assert isinstance(change, Body.GROUP) and change.change.kind == GroupChangeKind.MEMBERS_REMOVED
    with pytest.raises(windlass_chat.NotAMember):
        late.send("still here?")
    group.leave()
    world.run()
    assert [member.address for member in theirs.members()] == [bob.address()]
    assert [summary.group_name for summary in bob.conversations() if summary.group_name] == ["Port"]


def test_iterating_goes_through_the_whole_history() -> None:
    world, (alice, bob) = people(2)
    ours = alice.conversation(bob.address())
    for number in range(250):
        ours.send(str(number))

    async def all_of_it() -> list[str | None]:
        return [message.text async for message in ours]

    expected = [str(number) for number in reversed(range(250))]
    assert [message.text for message in ours] == asyncio.run(all_of_it()) == expected


def test_search_finds_what_is_said_now_in_any_case() -> None:
    world, (alice, bob) = people(2)
    ours = alice.conversation(bob.address())
    for text in ("The Anchor", "a rope", "ANCHOR chain", "sail"):
        ours.send(text)
    ours.edit(last(ours), "anchors aweigh")
    assert [m.text for m in ours.search("anchor").messages] == ["anchors aweigh", "ANCHOR chain", "The Anchor"]
    first = ours.search("anchor", limit=1)
    assert [m.text for m in first.messages] == ["anchors aweigh"] and first.next is not None
    assert [m.text for m in ours.search("anchor", before=first.next).messages] == ["ANCHOR chain", "The Anchor"]
    assert ours.search("nothing").messages == []


def test_an_attachment_of_any_size_in_little_memory(tmp_path: Path) -> None:
    world, (alice, bob) = people(2)
    ours, theirs = alice.conversation(bob.address()), bob.conversation(alice.address())
    file, sealed, saved = tmp_path / "chart.bin", tmp_path / "sealed", tmp_path / "saved"
    block = bytes(range(256)) * 4096
    with file.open("wb") as stream:
        for _ in range(128):
            stream.write(block)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    attachment = Attachment.encrypt(str(file), str(sealed), "application/octet-stream")
    ours.send_attachment(attachment, "https://example.org/sealed")
    world.run()
    message = last(theirs)
    assert isinstance(message.body, Body.ATTACHMENT)
    info = message.body.attachment
    assert (info.name, info.size, info.location) == ("chart.bin", 128 << 20, "https://example.org/sealed")

    class Stop(windlass_chat.ProgressListener):
        def advance(self, done: int, total: int) -> None:
            if done > total // 2:
                raise windlass_chat.ProgressError.Stopped()

    with pytest.raises(windlass_chat.Cancelled):
        theirs.save_attachment(message, str(sealed), str(saved), Stop())
    (partial,) = tmp_path.glob("*.partial")
    assert not saved.exists() and partial.stat().st_size > 32 << 20
    theirs.save_attachment(message, str(sealed), str(saved))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    assert grown < 32, f"{grown} MiB more"
    with file.open("rb") as a, saved.open("rb") as b:
        assert all(a.read(1 << 20) == b.read(1 << 20) for _ in range(129))


def test_an_attachment_that_was_swapped_cut_or_changed_is_refused(tmp_path: Path) -> None:
    world, (alice, bob) = people(2)
    ours, theirs = alice.conversation(bob.address()), bob.conversation(alice.address())
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(name.encode() * 50_000)
        told: list[int] = []
        file, sealed = tmp_path / name, tmp_path / f"{name}.sealed"
        attachment = Attachment.encrypt(file, sealed, "text/plain", lambda done, total: told.append(done))
        assert told[-1] == 150_000
        ours.send_attachment(attachment, name)
    world.run()
    one = theirs.messages()[-2]
    good = (tmp_path / "one.sealed").read_bytes()
    changed = bytearray(good)
    changed[-1] ^= 1
    chunk = 65_536 + 16
    swapped = good[chunk : 2 * chunk] + good[:chunk] + good[2 * chunk :]
    for bad in ((tmp_path / "two.sealed").read_bytes(), good[:-1], good[:chunk], bytes(changed), swapped):
        (tmp_path / "bad").write_bytes(bad)
        with pytest.raises(windlass_chat.AttachmentDamaged):
            theirs.save_attachment(one, str(tmp_path / "bad"), str(tmp_path / "saved"))
        assert not (tmp_path / "saved").exists()
    theirs.save_attachment(one, str(tmp_path / "one.sealed"), str(tmp_path / "saved"))
    assert (tmp_path / "saved").read_bytes() == b"one" * 50_000

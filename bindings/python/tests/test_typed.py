"""What people type and paste, and what a telephone or a mail program makes of it."""

import asyncio
import unicodedata
import urllib.parse
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from people import User, new_bot, office
from test_conversation import KEY, exchange, pair, texts

import windlass_chat
from windlass_chat import (
    Attachment,
    Body,
    Bundle,
    Client,
    CodeReader,
    Identity,
    StoreKey,
    events,
    find_contact,
    fold_text,
    qr_frames,
    qr_svg,
    read_emoji,
)
from windlass_chat.bot import Message
from windlass_chat.bot.upkeep import invited
from windlass_chat.testing import Simulation
from windlass_chat.transport import transport_of

HALF = "half of \ud83d"


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def test_half_of_a_character_is_refused_where_it_is_said_and_loses_nothing(tmp_path: Path) -> None:
    alice, bob = pair(tmp_path)
    with alice, bob:
        alice.send(bob.address(), "ahoy")
        exchange(alice, bob)
        talk, session = alice.conversation(bob.address()), alice.session(bob.address())
        (said,) = talk.messages()
        (tmp_path / "file").write_bytes(b"x")
        attachment = Attachment.encrypt(tmp_path / "file", tmp_path / "sealed", "text/plain")
        calls: list[Callable[[], object]] = [
            lambda: alice.send(bob.address(), HALF),
            lambda: alice.send(HALF, "text"),
            lambda: alice.send_body(bob.address(), Body.TEXT(HALF)),
            lambda: alice.send_body(bob.address(), Body.DATA(HALF, b"")),
            lambda: alice.send_body(bob.address(), Body.TEXT("text"), HALF),
            lambda: alice.conversation(HALF),
            lambda: alice.session(HALF),
            lambda: alice.contact(HALF),
            lambda: alice.accept_contact(HALF),
            lambda: alice.block_contact(HALF),
            lambda: alice.remove_contact(HALF),
            lambda: alice.create_group(HALF),
            lambda: alice.create_group("crew", [HALF]),
            lambda: alice.meet(HALF),
            lambda: alice.link_device(HALF),
            lambda: alice.events_after(HALF),
            lambda: alice.handled(1, [windlass_chat.OutgoingMessage(to=HALF, body=Body.TEXT(""), reply_to=None)]),
            lambda: talk.send(HALF),
            lambda: talk.send_body(Body.TEXT(HALF)),
            lambda: talk.react(said, HALF),
            lambda: talk.unreact(said, HALF),
            lambda: talk.edit(said, HALF),
            lambda: talk.search(HALF),
            lambda: talk.send_attachment(attachment, HALF),
            lambda: Attachment.encrypt(tmp_path / "file", tmp_path / "again", HALF),
            lambda: session.verify(HALF),
            lambda: session.verify_code(HALF),
            lambda: StoreKey.from_passphrase(HALF),
            lambda: Identity.from_address(HALF),
            lambda: Bundle.from_uri(HALF),
            lambda: CodeReader().take(HALF),
            lambda: qr_svg(HALF),
            lambda: qr_frames(HALF),
            lambda: find_contact(HALF),
            lambda: fold_text(HALF),
            lambda: read_emoji(HALF),
        ]
        for call in calls:
            with pytest.raises(windlass_chat.InvalidContent, match="half of a character"):
                call()
        exchange(alice, bob)
        assert texts(alice, bob.address()) == texts(bob, alice.address()) == ["ahoy"]


def test_a_search_finds_what_looks_the_same(tmp_path: Path) -> None:
    alice, bob = pair(tmp_path)
    with alice, bob:
        talk = alice.conversation(bob.address())
        for written, sought in (
            ("Café at noon", "café"),
            (decomposed("Café at noon"), "café"),
            ("Café at noon", decomposed("CAFÉ")),
            ("Straße 4", "STRASSE"),
            ("STRASSE 4", "straße"),
            ("İstanbul", "istanbul"),
            ("ISTANBUL", "ıstanbul"),
            ("Ὀδυσσεύς", "ΟΔΥΣΣΕΎΣ"),
            ("Ὀδυσσεύς", "Ὀδυσσεύσ"),
            ("Café at noon", "cafe"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            (decomposed("감사"), "감사"),
            ("ＡＢＣ", "abc"),
            ("at ٢٣", "23"),
            ("👨‍👩‍👧 family", "👨‍👩‍👧"),
            ("a\x00b", "A\x00B"),
            ("ﬁsh", "fish"),
            ("re\u00adceipt", "receipt"),
            ("receipt", "re\u200bceipt"),
            ("❤\ufe0f", "❤"),
        ):
            sent = talk.send(written)
            found = [message.id for message in talk.search(sought).messages]
            assert found == [sent.message_id], (written, sought)
            talk.delete(next(message for message in talk.messages() if message.id == sent.message_id))


def test_a_reaction_is_one_emoji_in_one_form(tmp_path: Path) -> None:
    alice, bob = pair(tmp_path)
    with alice, bob:
        alice.send(bob.address(), "ahoy")
        exchange(alice, bob)
        bob.accept_contact(alice.address())
        ours, theirs = alice.conversation(bob.address()), bob.conversation(alice.address())
        for emoji in ("❤", "❤\ufe0f", "❤\ufe0e", " ❤\n", "👩🏽‍🚀", "🇸🇪", "1\u20e3"):
            theirs.react(theirs.messages()[0], emoji)
        exchange(alice, bob)
        shown = [reaction.emoji for reaction in ours.messages()[0].reactions]
        assert shown == ["❤\ufe0f", "👩🏽‍🚀", "🇸🇪", "1\ufe0f\u20e3"]
        theirs.unreact(theirs.messages()[0], "❤")
        exchange(alice, bob)
        assert [reaction.emoji for reaction in ours.messages()[0].reactions] == shown[1:]
        for none in ("", " ", "a", "+1", "👍👍", "👍 nice", "\u202e", "\x00", "\x1b[31m", "👍" * 65):
            with pytest.raises(windlass_chat.InvalidContent, match="one emoji"):
                theirs.react(theirs.messages()[0], none)


def test_commands_work_as_telephones_type_them(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)

        @bot.command("say")
        async def say(message: Message, what: str, times: int = 1) -> None:
            await message.reply("|".join([what] * times))

        @bot.command("half")
        async def half(message: Message, x: float) -> None:
            await message.reply(str(x / 2))

        @bot.command("café")
        async def coffee(message: Message, sugar: bool = False) -> None:
            await message.reply(f"coffee {sugar}")

        @bot.command("İPTAL")
        async def cancel(message: Message) -> None:
            await message.reply("cancelled")

        @bot.command("straße")
        async def street(message: Message) -> None:
            await message.reply("street")

        asked = {
            '/say "two words" 2': "two words|two words",
            "/say “two words” 2": "two words|two words",
            "/say „two words“ 2": "two words|two words",
            "/say «\u00a0two words\u00a0» 2": "two words|two words",
            "/say hello ٢": "hello|hello",
            "/say hello ۲": "hello|hello",
            "/say hello ２": "hello|hello",
            "/say\u00a0hello": "hello",
            "\u200e/say hello": "hello",
            "\ufeff／SAY hello": "hello",
            " /say hello": "hello",
            "/half ٨": "4.0",
            "/half 8": "4.0",
            "/half 8,5": "4.25",
            "/half −8": "-4.0",
            "/half 1,000": "x must be a number, not 1,000. Usage: /half x",
            "/Café": "coffee False",
            "/" + decomposed("CAFÉ") + " ＹＥＳ": "coffee True",
            "/iptal": "cancelled",
            "/IPTAL": "cancelled",
            "/ıptal": "cancelled",
            "/İptal": "cancelled",
            "/STRASSE": "street",
        }
        async with User(tmp_path, url) as user, bot:
            for question, answer in asked.items():
                assert await user.ask(bot, question) == answer, ascii(question)

    asyncio.run(talk())


def test_a_safety_number_is_read_in_every_script_and_a_mistyped_one_is_no_alarm(tmp_path: Path) -> None:
    alice, bob = pair(tmp_path)
    with alice, bob:
        session = alice.session(bob.address())
        number = session.safety_number()
        groups = [number[at : at + 5] for at in range(0, 60, 5)]
        for none in (number[:-1], number + "1", "", " ", "x" * 60, number[:-1] + "x", "½" * 60, "\u200b"):
            with pytest.raises(windlass_chat.SafetyNumberInvalid) as caught:
                session.verify(none)
            assert caught.value.code == "safety_number_invalid" and not caught.value.retry
        wrong = str((int(number[0]) + 1) % 10) + number[1:]
        with pytest.raises(windlass_chat.SafetyNumberMismatch):
            session.verify(wrong)
        assert not alice.contact(bob.address()).verified
        zeros = (0x660, 0x6F0, 0x966, 0xFF10, 0x1D7CE)
        typed = [number.translate({ord("0") + digit: zero + digit for digit in range(10)}) for zero in zeros]
        for right in (number, *typed, *(between.join(groups) for between in (" ", "-", ".", "\n", "\u200b", "\u00a0", " – "))):
            session.verify(right)
        assert alice.contact(bob.address()).verified


def test_an_invitation_is_read_as_it_arrives(tmp_path: Path) -> None:
    with Client.create(tmp_path / "a.wl", key=KEY) as client:
        address = client.address()
        for uri in (client.bundle().to_uri(), client.bundle().to_link("https://example.org/i").partition("#")[2]):
            cut = len(uri) // 2
            link = f"https://example.org/{address}#{uri}"
            for text in (
                uri,
                "\n".join(uri[at : at + 76] for at in range(0, len(uri), 76)),
                "\n".join("> " + uri[at : at + 70] for at in range(0, len(uri), 70)),
                f"{uri[:cut]}\u200b{uri[cut:]}",
                f"\u2068\ufeff{uri[:cut]}\u00ad{uri[cut:]}\u2069\u00a0",
                f"<{uri}>",
                f"“{uri}”",
                f"{uri}.",
                f"Write to me here: {uri} See you there",
                urllib.parse.quote(uri, safe=""),
                "=\r\n".join(uri[at : at + 75] for at in range(0, len(uri), 75)),
                link,
                f"look: {link}?fbclid=IwAR0x",
                link.replace("#", "%23").replace("WINDLASS:", "windlass%3A"),
                f"https://example.org/away?to={urllib.parse.quote(link, safe='')}",
                uri.replace("WINDLASS:", "windlass://"),
            ):
                assert Bundle.from_uri(text).identity().address() == address, text
                found = find_contact(text)
                assert found.address == address and found.bundle is not None
        for broken in (uri[:12] + uri[12:].replace("A", "\u0410", 1), uri[:-1], f"Here: {uri[:cut]}."):
            with pytest.raises(windlass_chat.UriDamaged):
                find_contact(broken)
        lasting = Identity.from_address(address).to_uri()
        for text in (address, address.upper(), lasting, lasting.lower(), f"I am {address}.", f"https://example.org/#{address}"):
            found = find_contact(text)
            assert found.address == address and found.bundle is None
        assert client.contacts() == [] and qr_frames(lasting) == [lasting]
        assert CodeReader().take(lasting).uri == lasting
        with pytest.raises(windlass_chat.UriNotWindlass):
            find_contact("write to me")
        for code in (client.in_person_code(),):
            assert Bundle.from_uri(f"<{code}>").identity().address() == address
            with pytest.raises(windlass_chat.UriNotWindlass, match="give this code alone"):
                Bundle.from_uri(f"Scan this: {code}")


def test_an_invitation_that_has_expired_leads_to_the_newer_bundle_of_the_same_identity() -> None:
    world = Simulation(seed=2)
    reader, owner, other = (world.add_person() for _ in range(3))
    poster = world.client(owner).bundle().to_uri()
    world.advance(timedelta(days=90))
    us, address = world.client(reader), world.client(owner).address()
    transport = transport_of(office())

    async def read() -> str:
        return await invited(us, transport, f"Write to us: {poster}")

    async def talk() -> None:
        with pytest.raises(windlass_chat.BundleExpired) as caught:
            await read()
        assert "transport" in caught.value.advice
        # What somebody else put there is not taken.
        await transport.publish_bundle(address, world.client(other).bundle().encode())
        with pytest.raises(windlass_chat.BundleExpired):
            await read()
        assert us.contacts() == []
        await transport.publish_bundle(address, world.client(owner).bundle().encode())
        assert await read() == address

    asyncio.run(talk())
    assert [contact.address for contact in us.contacts()] == [address]
    world.send(reader, 0, owner, "found you")
    came = [event for delivery in world.run() for event in delivery.events if isinstance(event, events.Message)]
    assert [event.message.text for event in came] == ["found you"]


def test_no_time_is_off_and_a_very_long_one_is_ten_years(tmp_path: Path) -> None:
    alice, bob = pair(tmp_path)
    with alice, bob:
        alice.send(bob.address(), "ahoy")
        exchange(alice, bob)
        bob.accept_contact(alice.address())
        ours, theirs = alice.conversation(bob.address()), bob.conversation(alice.address())
        for given, shown in (
            (timedelta(hours=1), timedelta(hours=1)),
            (timedelta(0), None),
            (timedelta.max, timedelta(days=3650)),
            (None, None),
        ):
            ours.set_disappearing(given)
            exchange(alice, bob)
            assert ours.disappearing() == theirs.disappearing() == shown
        for short in (timedelta(microseconds=1), timedelta(seconds=4)):
            with pytest.raises(windlass_chat.InvalidContent, match="five seconds"):
                ours.set_disappearing(short)
        ours.send("stays")
        exchange(alice, bob)
        assert "stays" in texts(bob, alice.address())


def test_who_was_blocked_draws_nobody_into_a_group() -> None:
    world = Simulation(seed=3)
    people = [world.add_person() for _ in range(3)]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        world.introduce(people[one], people[other])
    world.run()
    blocked, blocker, friend = (world.client(person) for person in people)
    blocker.block_contact(blocked.address())
    world.run()
    for members in ([blocker.address()], [blocker.address(), friend.address()]):
        group = blocked.create_group("trap", members)
        group.send("come in")
        world.run()
    assert [summary.group_name for summary in friend.conversations() if summary.group_name] == ["trap"]
    assert [summary.group_name for summary in blocker.conversations() if summary.group_name] == []


def test_what_is_for_others_and_goes_to_oneself_is_told_as_that(tmp_path: Path) -> None:
    with Client.create(tmp_path / "a.wl", key=KEY) as client:
        own = client.address()
        calls: list[Callable[[], object]] = [
            lambda: client.send(own, "note"),
            lambda: client.conversation(own).send("note"),
            lambda: client.contact(own),
            lambda: client.accept_contact(own),
            lambda: client.block_contact(own),
            lambda: client.remove_contact(own),
            lambda: client.create_group("notes", [own]),
        ]
        for call in calls:
            with pytest.raises(windlass_chat.OwnAddress) as caught:
                call()
            assert "group without members" in caught.value.advice
        assert client.conversations() == []
        notes = client.create_group("notes")
        notes.send("note")
        assert texts(client, notes.address())[-1] == "note"


def test_a_name_of_a_group_can_be_seen_and_turns_nothing_around(tmp_path: Path) -> None:
    with Client.create(tmp_path / "a.wl", key=KEY) as client:
        group = client.create_group("crew 👨‍👩‍👧")
        for name in ("", " ", "\n", "a\nb", "a\x00b", "\u200b", "\u202egpj", "a\u2066b", "\x1b[31m", "\x9b", "x" * 257):
            with pytest.raises(windlass_chat.GroupRefused):
                client.create_group(name)
            with pytest.raises(windlass_chat.GroupRefused):
                group.rename(name)
        assert group.name() == "crew 👨‍👩‍👧"

"""Whom bots talk to: strangers, contacts who are found by their address, contacts whose bundle has run out."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from people import PATIENCE, User, new_bot, office

import windlass_chat
from windlass_chat import TrustPolicy
from windlass_chat.bot import Bot, ContactRequest, Message
from windlass_chat.testing import Simulation
from windlass_chat.transport import transport_of


def test_strangers_wait_until_they_are_accepted_and_are_told_again_at_the_next_start(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        calls: list[str] = []

        def careful(decide: Callable[[ContactRequest], Awaitable[object]]) -> Bot:
            bot = new_bot(tmp_path, url, TrustPolicy.FIRST_USE)
            asked.clear()

            @bot.on_message
            async def echo(message: Message) -> None:
                calls.append(message.text)
                await message.reply(message.text)

            @bot.on_contact_request
            async def decided(request: ContactRequest) -> None:
                assert request.address in repr(request)
                await decide(request)
                asked.set()

            return bot

        asked = asyncio.Event()

        async def later(request: ContactRequest) -> None:
            pass

        async with User(tmp_path, url) as user:
            async with careful(later) as bot:
                await user.write(bot, "may I?")
                await asyncio.wait_for(asked.wait(), PATIENCE)
                # A person who adds the bot is not accepted by it; nobody was answered.
                assert not bot.client.contact(user.client.address()).accepted
            assert calls == [] and user.heard.empty()
            async with careful(ContactRequest.accept) as bot:
                assert await user.hear() == "may I?"
            async with careful(later) as bot:
                await bot.block(user.client.address())
                await user.write(bot, "and now?")
                assert await bot.flush(PATIENCE)
            assert calls == ["may I?"]

    asyncio.run(talk())


def test_somebody_unknown_is_found_by_the_address_and_only_by_their_own_bundle(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        with pytest.raises(RuntimeError):
            await bot.flush()
        async with User(tmp_path, url, "alice") as alice, User(tmp_path, url, "carol") as carol, bot:
            to_alice, to_carol = alice.client.address(), carol.client.address()
            with pytest.raises(windlass_chat.UnknownContact):
                await bot.send(to_alice, "nobody knows you")
            # Somebody else's under her address.
            await alice.transport.publish_bundle(to_alice, carol.client.bundle().encode())
            with pytest.raises(windlass_chat.UnknownContact):
                await bot.send(to_alice, "not to carol")
            await alice.transport.publish_bundle(to_alice, alice.client.bundle().encode())
            await bot.send(to_alice, "found")
            assert await alice.hear() == "found"

            # In a handler too, together with the reply.
            await carol.transport.publish_bundle(to_carol, carol.client.bundle().encode())

            @bot.on_message
            async def tell(message: Message) -> None:
                await message.reply("told")
                await bot.send(to_carol, message.text)

            assert await alice.ask(bot, "to carol") == "told"
            assert await carol.hear() == "to carol"

    asyncio.run(talk())


def test_a_bundle_that_has_run_out_is_renewed_from_the_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk() -> None:
        url = office()
        world = Simulation(seed=3)
        user, person = world.add_person(), world.add_person()
        world.introduce(user, person)
        user_client, client = world.client(user), world.client(person)
        address = user_client.address()
        before = client.contact(address).bundle_expires_at
        assert before is not None
        world.advance(timedelta(days=31))
        later = before.timestamp() + 24 * 3600
        monkeypatch.setattr("windlass_chat.bot.upkeep.time", SimpleNamespace(time=lambda: later))
        user_client.maintain()
        transport = transport_of(url)
        await transport.publish_bundle(address, user_client.bundle().encode())
        async with Bot(client=client, transport=url):
            while client.contact(address).bundle_expires_at == before:
                await asyncio.sleep(0.01)
        after = client.contact(address).bundle_expires_at
        assert after is not None and after > before

    asyncio.run(asyncio.wait_for(talk(), PATIENCE))

"""What bots do beside answering: reactions, groups, answers that change."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from people import PATIENCE, User, new_bot, office, told

import windlass_chat
from windlass_chat import Conversation, Event, TrustPolicy, events
from windlass_chat.bot import Bot, GroupInvitation, Message, Reaction, SentMessage


async def group_of(user: User, bot: Bot, *others: User) -> Conversation:
    """A group that a user makes, and everybody is invited to; the others join."""
    user.client.add_contact(bot.client.bundle())
    for other in others:
        user.client.add_contact(other.client.bundle())
        other.client.add_contact(user.client.bundle())
    group = user.client.create_group("Harbour", [bot.address, *(other.client.address() for other in others)])
    await user._post()
    for other in others:
        await other.learn(lambda event: isinstance(event, events.GroupInvitation))
        other.client.conversation(group.address()).join()
        await other._post()
        await user.learn(lambda event: isinstance(event, events.GroupChanged))
    return group


async def joined(user: User, group: Conversation, address: str) -> None:
    """Waits until somebody takes part."""
    while not any(member.joined for member in group.members() if member.address == address):
        await user.learn(lambda event: isinstance(event, events.GroupChanged))


async def say(user: User, group: str, text: str) -> None:
    user.client.conversation(group).send(text)
    await user._post()


def says(text: str) -> Callable[[Event], bool]:
    """A message was changed to this."""
    return lambda event: isinstance(event, events.Edited) and event.message.text == text


def test_a_bot_puts_signs_and_hears_of_signs(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        reactions: asyncio.Queue[tuple[str, bool, bool, str | None]] = asyncio.Queue()

        @bot.on_message
        async def answer(message: Message) -> None:
            await message.react("👀")
            await message.react("👀")
            await message.react("👍")
            await message.unreact("👀")
            with pytest.raises(windlass_chat.InvalidContent):
                await message.react("")
            await message.reply("noted")

        @bot.on_reaction
        async def reacted(reaction: Reaction) -> None:
            message = await reaction.message()
            assert reaction.by == user.client.address() and reaction.message_id in repr(reaction)
            await reactions.put((reaction.emoji, reaction.removed, reaction.to_us, message.text if message else None))
            if reaction.removed:
                await bot.send(reaction.conversation, "pity")

        async with User(tmp_path, url) as user, bot:
            assert await user.ask(bot, "please") == "noted"
            history = user.client.conversation(bot.address)
            mine, answered = history.messages()
            assert [(one.emoji, one.by) for one in mine.reactions] == [("👍", bot.address)]
            history.react(answered, "⚓")
            history.react(mine, "🙏")
            history.unreact(answered, "⚓")
            await user._post()
            assert await user.hear() == "pity"
            heard = [reactions.get_nowait() for _ in range(3)]
            assert heard == [("⚓", False, True, "noted"), ("🙏", False, False, "please"), ("⚓", True, True, "noted")]

    asyncio.run(talk())


def test_signs_of_strangers_are_not_told(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url, TrustPolicy.FIRST_USE)
        reactions: asyncio.Queue[str] = asyncio.Queue()

        @bot.on_reaction
        async def reacted(reaction: Reaction) -> None:
            await reactions.put(reaction.emoji)

        @bot.on_message
        async def answer(message: Message) -> None:
            await message.reply(message.text)

        @bot.on_event(events.Edited)
        async def changed(event: events.Edited) -> None:
            # Told after the reaction that came before it.
            edited.set()

        edited = asyncio.Event()
        async with User(tmp_path, url) as user, bot:
            await user.write(bot, "psst")
            history = user.client.conversation(bot.address)
            history.react(history.messages()[0], "1️⃣")
            history.edit(history.messages()[0], "hello")
            await user._post()
            await asyncio.wait_for(edited.wait(), PATIENCE)
            await bot.accept(user.client.address())
            assert await user.hear() in ("psst", "hello")
            history.react(history.messages()[0], "2️⃣")
            await user._post()
            assert await asyncio.wait_for(reactions.get(), PATIENCE) == "2️⃣"

    asyncio.run(talk())


def test_in_a_group_a_bot_answers_everybody_and_to_the_group(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url, join_groups="all", group_messages="all")

        @bot.on_message
        async def answer(message: Message) -> None:
            before = await message.replied_to()
            about = f" about {before.text}" if before is not None else ""
            assert message.in_group and message.conversation == group.address()
            await message.reply(f"{message.text}{about}")

        async with User(tmp_path, url, "alice") as alice, User(tmp_path, url, "carol") as carol, bot:
            group = await group_of(alice, bot, carol)
            await joined(alice, group, bot.address)
            await joined(carol, carol.client.conversation(group.address()), bot.address)
            await say(alice, group.address(), "one")
            assert [await alice.hear(), await carol.hear(), await carol.hear()] == ["one", "one", "one"]
            answered = carol.client.conversation(group.address()).messages()[-1]
            assert answered.author == bot.address and answered.reply_to is not None
            # From somebody whom the bot never met outside of the group.
            theirs = carol.client.conversation(group.address())
            theirs.send_body(windlass_chat.Body.TEXT("two"), answered.id)
            await carol._post()
            assert [await alice.hear(), await alice.hear(), await carol.hear()] == ["two", *2 * ["two about one"]]
            assert bot.client.conversation(carol.client.address()).messages() == []

    asyncio.run(talk())


def test_a_group_waits_until_whoever_invites_is_trusted(tmp_path: Path) -> None:
    """Of a stranger the core takes no invitation at all, so it is somebody known who is not verified yet."""

    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url, TrustPolicy.VERIFIED_ONLY, group_messages="all")
        invited: asyncio.Queue[str] = asyncio.Queue()

        @bot.on_group_invitation
        async def invitation(invitation: GroupInvitation) -> None:
            assert invitation.name == "Harbour" and invitation.group in repr(invitation)
            await invited.put(invitation.by)

        @bot.on_message
        async def answer(message: Message) -> None:
            await message.reply(f"{message.text}!")

        async with User(tmp_path, url) as user:
            who = user.client.address()
            async with bot:
                bot.client.add_contact(user.client.bundle())
                group = await group_of(user, bot)
                await say(user, group.address(), "anyone?")
                assert await asyncio.wait_for(invited.get(), PATIENCE) == who
            # It is not forgotten, and told once more.
            async with bot:
                assert await asyncio.wait_for(invited.get(), PATIENCE) == who
                assert not bot.client.conversation(group.address()).is_joined()
                bot.client.session(who).verify(user.client.session(bot.address).safety_number())
                await bot.accept(who)
                assert await user.hear() == "anyone?!"
                assert invited.empty()

    asyncio.run(talk())


def test_a_bot_may_decline_a_group_and_an_error_decides_nothing(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url, join_groups="all", group_messages="all")
        errors: asyncio.Queue[str] = asyncio.Queue()
        wanted = False

        @bot.on_group_invitation
        async def invitation(invitation: GroupInvitation) -> None:
            if not wanted:
                raise ValueError("not decided")
            await invitation.decline()

        @bot.on_error
        async def failed(error: BaseException, message: Message | None) -> None:
            await errors.put(str(error))

        @bot.on_message
        async def never(message: Message) -> None:
            await message.reply("never")

        async with User(tmp_path, url) as user:
            async with bot:
                group = await group_of(user, bot)
                await say(user, group.address(), "welcome")
                assert await asyncio.wait_for(errors.get(), PATIENCE) == "not decided"
                address = bot.address
            wanted = True
            async with bot:
                while any(member.address == address for member in group.members()):
                    await user.learn(lambda event: isinstance(event, events.GroupChanged))
                while bot.client.unhandled():
                    await asyncio.sleep(0)
            assert user.heard.empty() and errors.empty()

    asyncio.run(talk())


def test_an_answer_grows_once_it_is_durable(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        calls: list[str] = []
        later: list[asyncio.Task[None]] = []
        stays = asyncio.Event()

        @bot.on_message
        async def answer(message: Message) -> None:
            calls.append(message.text)
            sent = await message.reply("...")
            assert sent.id is None and sent.conversation == message.conversation
            if message.text == "in the handler":
                # Nothing has left yet: nobody ever sees the dots.
                await sent.edit("done")
            elif message.text == "in a task":
                later.append(asyncio.create_task(sent.edit("done later")))
            elif message.text == "after the commit":
                await message.commit()
                await message.commit()
                assert sent.id is not None
                for text in ("...one", "...one two"):
                    await sent.edit(text)
                another = await message.reply("and this")
                await another.edit("and that")
            elif message.text == "and stay":
                await message.commit()
                await stays.wait()

        async with User(tmp_path, url) as user:
            async with bot:
                assert await user.ask(bot, "in the handler") == "done"
                assert await user.ask(bot, "in a task") in ("...", "done later")
                await later[0]
                assert await user.ask(bot, "after the commit") == "..."
                await user.learn(says("...one"))
                await user.learn(says("and that"))
                assert await user.hear() == "and this"
                assert await user.ask(bot, "and stay") == "..."
                bot.settings.grace = 0.0
            # Committed is handled, though the handler was stopped.
            async with bot:
                assert await user.ask(bot, "in the handler") == "done"
                assert calls[-2:] == ["and stay", "in the handler"]
                address = bot.address
            answers = [one for one in user.client.conversation(address).messages() if not one.outgoing]
            assert [one.text for one in answers][:4] == ["done", "done later", "...one two", "and that"]
            assert [one.edited for one in answers][2:4] == [True, True]

    asyncio.run(talk())


def test_what_was_dropped_cannot_be_changed_and_what_was_committed_stays(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        kept: list[SentMessage] = []
        waits: list[asyncio.Task[None]] = []

        @bot.on_message
        async def answer(message: Message) -> None:
            kept.append(await message.reply("half"))
            if message.text == "late":
                await message.commit()
            if message.text == "nobody":
                await bot.send(windlass_chat.Identity.generate().address(), "who?")
                waits.append(asyncio.create_task(kept[-1].edit("whole")))
                with pytest.raises(windlass_chat.UnknownContact):
                    await message.commit()
                return
            raise ValueError(message.text)

        @bot.on_error
        async def failed(error: BaseException, message: Message | None) -> None:
            if message is not None and not isinstance(error, windlass_chat.UnknownContact):
                await message.reply("sorry")

        async with User(tmp_path, url) as user, bot:
            assert await user.ask(bot, "early") == "sorry"
            with pytest.raises(RuntimeError, match="not sent"):
                await kept[0].edit("whole")
            await user.write(bot, "late")
            assert [await user.hear(), await user.hear()] == ["half", "sorry"]
            await kept[1].edit("whole")
            await user.learn(says("whole"))
            await user.write(bot, "nobody", "early")
            assert await user.hear() == "sorry"
            await asyncio.gather(*waits, return_exceptions=True)
            with pytest.raises(RuntimeError, match="not sent"):
                await kept[2].edit("whole")
            # Elsewhere than in a handler: durable at once.
            sent = await bot.send(user.client.address(), "by the way")
            assert sent.id is not None and await user.hear() == "by the way"
            await sent.edit("on the way")
            await user.learn(says("on the way"))
            assert "whole" in told(user.client, bot.address)

    asyncio.run(talk())

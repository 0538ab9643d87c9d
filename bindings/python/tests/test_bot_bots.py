"""Two bots never talk to each other for ever."""

import asyncio
from pathlib import Path

from people import KEY, User, new_bot, office
from test_bot_chat import group_of, joined, say

from windlass_chat import Body, MessageOrigin
from windlass_chat.bot import Bot, Message
from windlass_chat.bot.groups import mentions


def echo(bot: Bot, seen: list[str]) -> None:
    @bot.on_message
    async def answer(message: Message) -> None:
        seen.append(message.text)
        sent = await message.reply(f"{message.text}!")
        await message.react("👍")
        await message.commit()
        await sent.edit(f"{message.text}?")


def another(folder: Path, url: str, **settings: object) -> Bot:
    return Bot(folder / "other.wl", key=KEY, transport=url, **settings)  # type: ignore[arg-type]


def test_two_public_bots_that_hear_of_each_other_stop_by_themselves(tmp_path: Path) -> None:
    """What a program writes is answered, and its answer is not."""

    async def talk() -> None:
        url = office()
        one, other = new_bot(tmp_path, url), another(tmp_path, url)
        by_one: list[str] = []
        by_other: list[str] = []
        echo(one, by_one)
        echo(other, by_other)
        async with User(tmp_path, url) as user, one, other:
            one.client.add_contact(other.client.bundle())
            await one.send(other.address, "hello")
            # A conversation goes in its order: after this everything of theirs was handled.
            while not by_one:
                await asyncio.sleep(0.01)
            assert await user.ask(one, "ping") == "ping!"
            assert await user.ask(other, "ping") == "ping!"
            history = one.client.conversation(other.address).messages()
            assert [(message.text, message.origin) for message in history] == [
                ("hello", MessageOrigin.BOT),
                ("hello?", MessageOrigin.BOT_ANSWER),
            ]
            assert by_one[0] in ("hello!", "hello?") and by_other[0] == "hello"
            person = user.client.conversation(one.address).messages()[0]
            assert person.origin == MessageOrigin.PERSON

    asyncio.run(asyncio.wait_for(talk(), 100))


def test_in_a_group_bots_hear_what_is_meant_for_them(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        one = new_bot(tmp_path, url, name="clerk", join_groups="all")
        other = another(tmp_path, url, join_groups="all")
        seen: list[str] = []
        by_other: list[str] = []

        @one.command("time")
        async def tell(message: Message) -> None:
            await message.reply("noon")

        echo(one, seen)
        echo(other, by_other)
        async with User(tmp_path, url) as user, one, other:
            for bot in (one, other):
                user.client.add_contact(bot.client.bundle())
                bot.client.add_contact(user.client.bundle())
            group = user.client.create_group("crew", [one.address, other.address])
            await user._post()
            await joined(user, group, one.address)
            await joined(user, group, other.address)
            await say(user, group.address(), "nobody is meant")
            await say(user, group.address(), "/nothing")
            await say(user, group.address(), "/time")
            assert await user.hear() == "noon"
            await say(user, group.address(), "well, @Clerk, what now?")
            assert await user.hear() == "well, @Clerk, what now?!"
            group.send_body(Body.TEXT("and then?"), group.messages()[-1].id)
            await user._post()
            assert await user.hear() == "and then?!"
            assert seen == ["well, @Clerk, what now?", "and then?"] and by_other == []
            assert len([message for message in group.messages() if message.text]) == 8

    asyncio.run(asyncio.wait_for(talk(), 100))


def test_groups_of_strangers_wait(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)

        @bot.on_message
        async def answer(message: Message) -> None:
            await message.reply("yes")

        async with User(tmp_path, url) as user, bot:
            # Answered, and so accepted; but nobody whom the bot's operator chose.
            assert await user.ask(bot, "there?") == "yes"
            group = await group_of(user, bot)
            assert await user.ask(bot, "joined?") == "yes"
            await bot._invited.answer()
            assert not bot.client.conversation(group.address()).is_joined()
            bot.client.session(user.client.address()).verify(user.client.session(bot.address).safety_number())
            await bot._invited.answer()
            assert bot.client.conversation(group.address()).is_joined()

    asyncio.run(asyncio.wait_for(talk(), 100))


def test_a_mention_is_a_whole_word() -> None:
    for text in ("@clerk", "hello @CLERK!", "(@Clerk)"):
        assert mentions(text, "clerk"), text
    for text in ("clerk", "@clerks", "mail@clerk.example@", "x@clerk", ""):
        assert not mentions(text, "clerk"), text
    assert not mentions("@", "") and mentions("@a.b", "a.b") and not mentions("@axb", "a.b")

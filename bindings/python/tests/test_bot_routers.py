"""Who may do what, which handler a message is for, and modules of bots."""

import asyncio
from pathlib import Path

import pytest
from people import User, new_bot, office

from windlass_chat import RichText, TextRun, TextStyle, events, join_runs
from windlass_chat.bot import Bot, Filter, Job, Message, Next, Proceed, Role, Router, SettingsError, TooManyRoles, filters
from windlass_chat.bot import roles as roles_module
from windlass_chat.testing import BotTestClient


def guarded(folder: Path, **settings: str) -> Bot:
    bot = Bot(folder / "never.wl", key=bytes(32), **settings)  # type: ignore[arg-type]

    @bot.command("grant", role=Role.ADMIN)
    async def grant(message: Message, address: str, role: str) -> None:
        """Gives a role."""
        await bot.roles.set(address, role if role != "none" else None)
        await message.reply(f"{bot.role_of(address)}")
        if role == "admin":
            raise ZeroDivisionError

    @bot.command("use", role="allowed", aliases=["u", "Benutze"])
    async def use(message: Message) -> None:
        """Uses it."""
        await message.reply("used")

    @bot.command("secret", hidden=True)
    async def secret(message: Message) -> None:
        await message.reply("found")

    @bot.on_error
    async def failed(error: BaseException, message: Message | None) -> None:
        assert message is not None
        await message.reply(type(error).__name__)

    return bot


def test_roles_are_kept_and_say_which_commands_there_are(tmp_path: Path) -> None:
    async def talk() -> None:
        bot = guarded(tmp_path)
        owner = BotTestClient(bot)
        mary = owner.friend()
        await bot.roles.set(owner.address, "admin")
        for text in ("/use", "/u", "/benutze", "/grant x admin"):
            assert await mary.say(text) == "That is not for you."
        assert await mary.say("/help") == "Nothing is for you." and await mary.say("/secret") == "found"
        assert await owner.say("/help") == "/grant address role - Gives a role.\n/use - Uses it."
        assert await owner.say(f"/grant {mary.address} allowed") == "Role.ALLOWED"
        owner.crash()
        assert await mary.say("/u") == "used" and await mary.say("/help") == "/use - Uses it."
        # A handler that fails gives nothing.
        assert await owner.say(f"/grant {mary.address} admin") == "ZeroDivisionError"
        assert bot.roles.all() == {owner.address: Role.ADMIN, mary.address: Role.ALLOWED}
        assert await owner.say(f"/grant {mary.address} captain") == "ValueError"
        assert await owner.say(f"/grant {mary.address} blocked") == "Role.BLOCKED"
        assert await mary.say("/secret") == "" and bot.client.unhandled() == []
        assert await owner.say(f"/grant {mary.address} none") == "None"
        assert await mary.say("/secret") == "found"

    asyncio.run(talk())


def test_a_bot_for_the_allowed_hears_nobody_else_and_admins_of_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def talk() -> None:
        owner = BotTestClient(guarded(tmp_path, access="allowed"))
        assert await owner.say("/secret") == ""
        owner.bot.settings.admins = f"{owner.bot.address} {owner.address}"
        assert await owner.say("/secret") == "found"
        friend = owner.friend()
        assert await owner.say(f"/grant {friend.address} allowed") == "Role.ALLOWED"
        assert await friend.say("/secret") == "found"
        monkeypatch.setattr(roles_module, "MAX_ROLES", 1)
        assert await owner.say(f"/grant {owner.address} allowed") == TooManyRoles.__name__

    asyncio.run(talk())
    for setting in ({"access": "some"}, {"admins": "me"}):
        with pytest.raises(SettingsError):
            guarded(tmp_path, **setting)


def test_who_is_mentioned_by_whatever_words_hears_it(tmp_path: Path) -> None:
    async def talk() -> None:
        bot = Bot(tmp_path / "never.wl", key=bytes(32))

        @bot.on_message
        async def answer(message: Message) -> None:
            await message.reply("aye")

        client = BotTestClient(bot)
        group = client.create_group("crew")
        called = join_runs([TextRun(text="Harbour master", styles=[TextStyle.MENTION(bot.address)])])
        assert await client.say(RichText(text="Harbour master"), to=group) == ""
        assert await client.say(called, to=group) == "aye"

    asyncio.run(talk())


def test_filters_say_which_messages_a_handler_is_for(tmp_path: Path) -> None:
    async def talk() -> None:
        bot = Bot(tmp_path / "never.wl", key=bytes(32), group_messages="all", name="bot")
        client = BotTestClient(bot)
        friend = client.friend()
        shown: dict[str, Filter] = {
            "text": filters.text("Ahoy", "hello"),
            "regex": filters.regex(r"order (\d+)"),
            "group": filters.in_group & ~filters.mentioned,
            "mentioned": filters.mentioned,
            "friend": filters.author(friend.address) & filters.has_text,
            "admin": filters.role("admin"),
            "file": filters.has_file | filters.conversation("nowhere"),
        }
        for name, one in shown.items():

            @bot.on_message(one)
            async def told(message: Message, name: str = name) -> None:
                await message.reply(f"{name} {message.match[1]}" if name == "regex" and message.match else name)

        group = client.create_group("crew", friend)
        assert await client.say("AHOY ") == "text"
        assert await client.say("an order 12, please") == "regex 12"
        assert await client.say("nothing") == ""
        # By whatever words.
        called = join_runs([TextRun(text="Harbour master", styles=[TextStyle.MENTION(bot.address)])])
        assert await client.say(called, to=group) == "mentioned"
        assert await client.say(RichText(text="Harbour master"), to=group) == "group"
        assert await client.say("?", to=group) == "group" and await client.say("@bot?", to=group) == "mentioned"
        assert await friend.say("hello") == "text\nfriend"
        await bot.roles.set(friend.address, Role.ADMIN)
        assert await friend.say("?") == "friend\nadmin"

    asyncio.run(talk())


def test_a_router_brings_what_it_registered_with_its_middleware(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot, router = new_bot(tmp_path, url), Router()
        seen: list[str] = []
        done = asyncio.Event()

        @router.middleware
        async def inner(message: Message, next: Next) -> None:
            await next(message)
            await message.reply("inner")

        @bot.middleware
        async def outer(message: Message, next: Next) -> None:
            await next(message)
            await message.reply("outer")

        @router.command("add", aliases=["plus"])
        async def add(message: Message, a: int, *rest: int) -> None:
            await message.ask(str(a + sum(rest)), then="more")

        @router.step("more")
        async def more(message: Message) -> None:
            await message.reply("step")

        @bot.on_message
        async def own(message: Message) -> None:
            await message.reply("own")

        @router.job("job")
        async def job(job: Job) -> None:
            done.set()

        @router.on_start
        async def start() -> None:
            seen.append(f"start {len(bot.client.contacts())}")

        @router.on_stop
        async def stop() -> None:
            seen.append(f"stop {len(bot.client.contacts())}")
            raise ZeroDivisionError

        @router.around
        async def around(subject: object, proceed: Proceed) -> None:
            seen.append(type(subject).__name__)
            await proceed()

        @router.on_event(events.Deleted)
        async def deleted(event: events.Deleted) -> None:
            done.set()

        bot.include(router)
        for again in (router, bot, object()):
            with pytest.raises((TypeError, ValueError)):
                bot.include(again)  # type: ignore[arg-type]
        async with User(tmp_path, url) as user, bot:

            async def said(text: str, *answers: str) -> None:
                assert [await user.ask(bot, text), *[await user.hear() for _ in answers[1:]]] == list(answers)

            await said("/plus 1 2 3", "6", "inner", "outer")
            await said("?", "step", "inner", "outer")
            await said("?", "own", "outer")
            await bot.jobs.at(bot.client.now(), "job")
            await done.wait()
            done.clear()
            conversation = user.client.conversation(bot.address)
            conversation.delete(conversation.messages()[0])
            await user._post()
            await done.wait()
        assert seen == ["start 0", "Message", "Message", "Message", "Job", "Event.DELETED", "stop 1"]

    asyncio.run(talk())


def test_a_bot_whose_start_fails_does_not_start(tmp_path: Path) -> None:
    async def talk() -> None:
        bot = new_bot(tmp_path, office())

        @bot.on_start
        async def start() -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await bot.start()
        # Its store is free.
        bot._starts.clear()
        async with bot:
            pass

    asyncio.run(talk())


def test_what_is_no_handler_is_refused_where_it_is_written(tmp_path: Path) -> None:
    bot = guarded(tmp_path)
    with pytest.raises(TypeError):
        bot.on_message(lambda message: True)  # type: ignore[type-var]
    with pytest.raises(TypeError):
        bot.command("a", aliases="bc")
    with pytest.raises(ValueError):
        bot.command("a", role="captain")
    with pytest.raises(ValueError, match="already"):

        @bot.command("new", aliases=["use"])
        async def use(message: Message) -> None: ...

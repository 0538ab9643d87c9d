"""What bots are told and what they answer: no message is passed over, and no answer stops the bot."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from people import User, new_bot, office, told

import windlass_chat
from windlass_chat import Attachment, Body, RichText, TextRun, TextStyle, events, join_runs
from windlass_chat.bot import Message

NO_TEXTS: list[Any] = [5, None, b"bytes", "half a character: \ud800"]
NO_MESSAGES: list[Any] = [
    *NO_TEXTS,
    *map(Body.TEXT, NO_TEXTS),
    *(Body.DATA(text, b"") for text in NO_TEXTS),
    Body.DATA("text/plain", NO_TEXTS[-1]),
    Body.OPAQUE(NO_TEXTS[0]),
]
WRONG = (TypeError, windlass_chat.InvalidContent)


def test_what_is_no_message_is_refused_where_it_was_to_be_said(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)

        @bot.on_message
        async def answer(message: Message) -> None:
            sent = await message.reply("half")
            for wrong in NO_MESSAGES:
                with pytest.raises(WRONG):
                    await message.reply(wrong)
                with pytest.raises(WRONG):
                    await bot.send(message.author, wrong)
            for wrong in NO_TEXTS:
                with pytest.raises(WRONG):
                    await sent.edit(wrong)
            with pytest.raises(WRONG):
                await bot.send(NO_TEXTS[0], "to nobody")
            await sent.edit("whole")

        async with User(tmp_path, url) as user, bot:
            assert await user.ask(bot, "?") == "whole"
            # Elsewhere than in a handler, where it would be durable at once.
            for wrong in NO_MESSAGES:
                with pytest.raises(WRONG):
                    await bot.send(user.client.address(), wrong)
            sent = await bot.send(user.client.address(), "by the way")
            for wrong in NO_TEXTS:
                with pytest.raises(WRONG):
                    await sent.edit(wrong)
            assert await user.hear() == "by the way"
            assert told(user.client, bot.address) == ["?", "whole", "by the way"]

    asyncio.run(talk())


def test_an_answer_may_suggest_what_to_say_next_and_mention_people(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)

        @bot.on_message
        async def answer(message: Message) -> None:
            text = join_runs([TextRun(text="Well, "), TextRun(text="you?", styles=[TextStyle.MENTION(message.author)])])
            text.suggestions = ["yes", "no"]
            sent = await message.reply(text, quote=False)
            if message.text == "spoilt":
                text.spans[0].length = 99
            elif message.text == "plainly":
                await sent.edit("Well?")

        @bot.on_error
        async def sorry(error: BaseException, message: Message | None) -> None:
            assert message is not None
            await message.reply(type(error).__name__)

        async with User(tmp_path, url) as user, bot:
            await user.write(bot, "ahoy")
            heard = await user.heard.get()
            assert heard.text == "Well, you?" and heard.mentions_me
            assert heard.rich_text is not None and heard.rich_text.suggestions == ["yes", "no"]
            assert await user.ask(bot, "plainly") == "Well?"
            assert await user.ask(bot, "spoilt") == "InvalidContent"
            # Elsewhere than in a handler, and changed when it is there already.
            sent = await bot.send(user.client.address(), RichText(text="by the way", suggestions=["what?"]))
            assert await user.hear() == "by the way"
            await sent.edit(RichText(text="by the by", suggestions=["so?"]))
            changed: list[RichText | None] = []

            def is_changed(event: windlass_chat.Event) -> bool:
                if isinstance(event, events.Edited):
                    changed.append(event.message.rich_text)
                return bool(changed)

            await user.learn(is_changed)
            assert changed[0] is not None and changed[0].suggestions == ["so?"]

    asyncio.run(talk())


def test_error_handlers_may_answer_in_place_of_what_cannot_be_sent(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        errors: list[str] = []

        @bot.on_message
        async def answer(message: Message) -> None:
            await message.reply("goes with the other answer")
            body = Body.TEXT("x" * (1 if message.text == "short" else 300_000))
            await message.reply(body)
            if message.text == "spoilt":
                setattr(body, "text", None)

        @bot.on_error
        async def failed(error: BaseException, message: Message | None) -> None:
            assert message is not None and message.answers == []
            errors.append(type(error).__name__)
            if message.text == "stubborn":
                await message.reply("x" * 300_000)
                return
            await message.reply(f"sorry: {message.text}")
            await bot.send(message.author, "and that")
            assert len(message.answers) == 2
            if message.text == "commits":
                await message.commit()

        async with User(tmp_path, url) as user, bot:
            await user.write(bot, "long", "spoilt", "commits", "stubborn", "short")
            for text in ("long", "spoilt", "commits"):
                assert [await user.hear(), await user.hear()] == [f"sorry: {text}", "and that"]
            assert [await user.hear(), await user.hear()] == ["goes with the other answer", "x"]
            assert errors == ["ContentTooLarge", "TypeError", "ContentTooLarge", "ContentTooLarge"]
            assert bot.client.unhandled() == []

    asyncio.run(talk())


def test_data_and_attachments_are_messages(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)
        file, sealed = tmp_path / "chart.txt", tmp_path / "sealed"
        file.write_text("here be dragons")

        @bot.on_message
        async def answer(message: Message) -> None:
            assert message.text == ""
            match message.body:
                case Body.ATTACHMENT(attachment=attachment):
                    saved = tmp_path / "saved"
                    conversation = bot.client.conversation(message.conversation)
                    # It was fetched from there.
                    conversation.save_attachment(message.stored, attachment.location, saved)
                    await message.reply(f"{attachment.name}: {saved.read_text()}")
                case Body.DATA(media_type=media_type, data=data):
                    await message.reply(f"{media_type}: {data!r}")

        async with User(tmp_path, url) as user, bot:
            user.client.add_contact(bot.client.bundle())
            conversation = user.client.conversation(bot.address)
            conversation.send_attachment(Attachment.encrypt(file, sealed, "text/plain"), str(sealed))
            conversation.send_body(Body.DATA("image/x-chart", b"dragons"))
            await user._post()
            assert await user.hear() == "chart.txt: here be dragons"
            assert await user.hear() == "image/x-chart: b'dragons'"

    asyncio.run(talk())

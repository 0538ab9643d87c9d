"""Commands: a word and its arguments."""

import asyncio
import enum
from pathlib import Path
from typing import Literal

import pytest
from people import User, new_bot, office

from windlass_chat.bot import Message, UsageError


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


def test_commands_get_what_their_annotations_say_and_answer_with_a_sentence_otherwise(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url)

        @bot.command("add")
        async def add(message: Message, a: int, b: float = 0.5) -> None:
            """Adds two numbers."""
            await message.reply(str(a + b))

        @bot.command("paint")
        async def paint(m: Message, colour: Colour, how: Literal["thick", "thin"], twice: bool | None = None) -> None:
            await m.reply(f"{colour.name} {how} {twice}")

        @bot.command("say")
        async def say(message: Message, times: int, *words: str) -> None:
            if times > 9:
                raise UsageError("That is too often.")
            await message.reply("|".join(words * times))

        asked = {
            "/add 1 2": "3.0",
            "/ADD  -3": "-2.5",
            "/add": "a is missing. Usage: /add a [b]",
            "/add one": "a must be a whole number, not one. Usage: /add a [b]",
            "/add 1 nan": "b must be a number, not nan. Usage: /add a [b]",
            "/add " + "9" * 5000: f"a must be a whole number, not {'9' * 40}.... Usage: /add a [b]",
            "/add 1 2 3": "That is too much. Usage: /add a [b]",
            "/paint Green thin yes": "GREEN thin True",
            "/paint red thick": "RED thick None",
            "/paint blue thick": "colour must be red or green, not blue. Usage: /paint colour how [twice]",
            "/paint red wide": "how must be thick or thin, not wide. Usage: /paint colour how [twice]",
            "/paint red thin maybe": "twice must be yes or no, not maybe. Usage: /paint colour how [twice]",
            '/say 1 don\'t "two \\"words\\"" ""': 'don\'t|two "words"|',
            "/say 10 a": "That is too often.",
            "/say 2\na\nb": "a|b|a|b",
            "/nothing": "There is no such command. /help lists them.",
            "/help": "/add a [b] - Adds two numbers.\n/paint colour how [twice]\n/say times [words...]",
        }
        async with User(tmp_path, url) as user, bot:
            for question, answer in asked.items():
                assert await user.ask(bot, question) == answer, question

    asyncio.run(talk())


def test_a_command_that_cannot_be_read_is_refused_when_it_is_written(tmp_path: Path) -> None:
    bot = new_bot(tmp_path, office())

    async def wrong(message: Message, when: bytes) -> None: ...

    async def named(message: Message, *, by: str) -> None: ...

    def blocking(message: Message) -> None: ...

    async def good(message: Message) -> None: ...

    for handler in (wrong, named):
        with pytest.raises(TypeError):
            bot.command("x")(handler)
    with pytest.raises(TypeError):
        bot.on_message(blocking)  # type: ignore[type-var]
    with pytest.raises(ValueError):
        bot.command("two words")(good)
    bot.command("once")(good)
    with pytest.raises(ValueError):
        bot.command("Once")(good)

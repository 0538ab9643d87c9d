"""A reply that grows while it is written, as those of language models do.

    export BOT_KEY=... WINDLASS_TRANSPORT=mqtt://localhost
    python streaming_reply.py

The first words are the answer; with `commit` it is durable and on its way. What comes after are changes of it, a few
words at a time: each is a message of its own, so not one for every word. Put your model in the place of `model`.
"""

import asyncio
from collections.abc import AsyncIterator

from windlass_chat.bot import Bot, Message

WORDS_PER_EDIT = 8
"""How many words make a change."""

bot = Bot("streaming.wl", key_env="BOT_KEY", transport="mqtt://localhost")


async def model(question: str) -> AsyncIterator[str]:
    """Word by word, as if it thought."""
    for word in f"You asked: {question} Let me think about it. The wind decides, and the sea agrees with it.".split():
        await asyncio.sleep(0.02)
        yield word


@bot.on_message
async def answer(message: Message) -> None:
    await message.react("👀")
    said: list[str] = []
    reply = await message.reply("...")
    async for word in model(message.text):
        said.append(word)
        if len(said) % WORDS_PER_EDIT == 0:
            await reply.edit(" ".join(said) + " ...")
            # The first time: from here on it is sent, and each change after it.
            await message.commit()
    await reply.edit(" ".join(said))
    await message.unreact("👀")


@bot.on_error
async def failed(error: BaseException, message: Message | None) -> None:
    if message is not None:
        await message.reply("I lost the thread. Please ask again.")


print(bot.invite(), flush=True)
bot.run()

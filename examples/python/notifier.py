"""Posts a line to somebody, from a cron job or any script.

    export NOTIFIER_KEY=... WINDLASS_TRANSPORT=mqtt://localhost
    python notifier.py                                   # shows the invitation; scan it, and write something
    python notifier.py                                   # shows who wrote
    df -h / | python notifier.py wl1...                  # posts what comes in

    0 7 * * *  df -h / | python notifier.py wl1...       # every morning

The line is durable before it leaves: a broker that is away gets it the next time.
"""

import asyncio
import sys

from windlass_chat.bot import Bot

bot = Bot("notifier.wl", key_env="NOTIFIER_KEY", transport="mqtt://localhost")


async def post(address: str, text: str) -> bool:
    """Whether the transport has it."""
    async with bot:
        await bot.send(address, text)
        return await bot.flush(timeout=30)


async def collect() -> None:
    """Takes in what has come for us."""
    async with bot:
        await asyncio.sleep(3)
        for contact in bot.client.contacts():
            print(contact.address)


if len(sys.argv) > 1:
    if not asyncio.run(post(sys.argv[1], sys.stdin.read().strip())):
        sys.exit("not delivered yet; it goes out the next time")
else:
    print(bot.invite(), flush=True)
    asyncio.run(collect())

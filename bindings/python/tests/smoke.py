"""A bot answers and a command runs, with nothing but the installed package: what each Python that the package promises is asked to do."""

import asyncio
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import windlass_chat
from windlass_chat.bot import Bot, Message

URL = "memory://smoke"


async def talk(folder: Path) -> None:
    """One bot writes to another, which answers."""
    echo, asker = (Bot(folder / f"{name}.wl", key=bytes(32), transport=URL) for name in ("echo", "asker"))
    heard: asyncio.Queue[str] = asyncio.Queue()

    @echo.on_message
    async def answer(message: Message) -> None:
        await message.reply(f"{message.text}!")

    @asker.on_message
    async def hear(message: Message) -> None:
        heard.put_nowait(message.text or "")

    async with echo, asker:
        asker.client.add_contact(echo.client.single_use_bundle())
        await asker.send(echo.address, "ahoy")
        assert await asyncio.wait_for(heard.get(), 60) == "ahoy!"


def main() -> None:
    """Fails where this Python will not do."""
    assert Path(windlass_chat.__file__).is_relative_to(sys.prefix), windlass_chat.__file__
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(talk(Path(folder)))
    command = Path(sysconfig.get_path("scripts")) / "windlass"
    subprocess.run([command, "--version"], check=True, stdout=subprocess.DEVNULL)
    print("a bot answered, a command ran: Python", sys.version.split()[0])


if __name__ == "__main__":
    main()

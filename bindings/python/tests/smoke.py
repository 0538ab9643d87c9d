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


async def talk(folder: Path, eager: bool) -> None:
    """One bot writes to another, which answers; where there are eager tasks, also with these, which the tests of other Pythons cannot ask."""
    if eager:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined, unused-ignore]
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
        for text in ("ahoy", "ahoy again"):
            await asker.send(echo.address, text)
            assert await asyncio.wait_for(heard.get(), 60) == f"{text}!"


def main() -> None:
    """Fails where this Python will not do."""
    assert Path(windlass_chat.__file__).is_relative_to(sys.prefix), windlass_chat.__file__
    for eager in (False, True) if hasattr(asyncio, "eager_task_factory") else (False,):
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(talk(Path(folder), eager))
    command = Path(sysconfig.get_path("scripts")) / "windlass"
    subprocess.run([command, "--version"], check=True, stdout=subprocess.DEVNULL)
    print("a bot answered, a command ran: Python", sys.version.split()[0])


if __name__ == "__main__":
    main()

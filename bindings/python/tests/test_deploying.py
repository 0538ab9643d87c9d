"""The service and the container of the guide: as hardened as they say, and a bot lives in them."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mosquitto import Broker, tool
from people import KEY, PATIENCE, User

from windlass_chat import Bundle, alive
from windlass_chat.transport import NoMailbox

REPOSITORY = Path(__file__).parents[3]
DEPLOY = REPOSITORY / "examples/deploy"
UNIT, CONTAINER = DEPLOY / "windlass-bot.service", DEPLOY / "Containerfile"
GUIDE = (REPOSITORY / "docs/guide/deploying.md").read_text()
EXPOSURE = 2.0
"""What `systemd-analyze security` may say at most; without any of it a service has 9.6."""


def quoted(language: str, containing: str) -> str:
    """The block of the guide."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if containing in block]
    return str(found)


def settings(name: str) -> list[str]:
    """What a setting of the unit has, in the order of its lines."""
    return [line.removeprefix(f"{name}=") for line in UNIT.read_text().splitlines() if line.startswith(f"{name}=")]


def test_the_guide_quotes_the_files() -> None:
    assert quoted("ini", "[Service]") == UNIT.read_text()
    assert quoted("dockerfile", "FROM") == CONTAINER.read_text()


def test_the_service_is_hardened() -> None:
    analyze = [tool("systemd-analyze"), "security", "--offline=true", "--no-pager", str(UNIT)]
    said = subprocess.run(analyze, capture_output=True, text=True, check=True).stdout
    exposure = re.search(r"Overall exposure level for windlass-bot.service: ([0-9.]+)", said)
    assert exposure is not None, said
    print("exposure:", exposure[1])
    assert float(exposure[1]) < EXPOSURE, said


def test_the_service_knows_all_its_settings() -> None:
    ran = subprocess.run([tool("systemd-analyze"), "verify", str(UNIT)], capture_output=True, text=True, check=False)
    # The program is not installed here.
    others = [line for line in ran.stderr.splitlines() if "/opt/bot/venv/bin/python is not executable" not in line]
    assert others == []


# --- a bot under what they say ---------------------------------------------------------------------------------------


BOT = """
from windlass_chat.bot import Bot, Message
bot = Bot()

@bot.on_message
async def echo(message: Message) -> None:
    await message.reply(message.text)

print(bot.invite(), flush=True)
bot.run()
"""


def refused_calls() -> list[str]:
    """The system calls that the unit's filter refuses, of all that systemd knows."""

    def calls(*groups: str) -> set[str]:
        said = subprocess.run(
            [tool("systemd-analyze"), "syscall-filter", "--no-pager", *groups], capture_output=True, text=True, check=True
        ).stdout
        lines = [line.strip() for line in said.splitlines() if line.startswith(" ") and "#" not in line]
        nested = [line for line in lines if line.startswith("@")]
        named = {line for line in lines if not line.startswith("@")}
        return named | calls(*nested) if nested else named

    allowed, *taken = settings("SystemCallFilter")
    permitted = calls(*allowed.split())
    for line in taken:
        permitted -= calls(*line.removeprefix("~").split())
    return sorted(calls("@known") - permitted)



def confined(folder: Path) -> list[str]:
    """What comes before a command that runs as in the unit: one folder to write to, nobody's rights, no unusual calls."""
    writable = ["--bind", str(folder), str(folder)]
    seen = ["--ro-bind", "/", "/", *writable, "--proc", "/proc", "--dev", "/dev"]
    alone = ["--unshare-user", "--uid", "10001", "--gid", "10001", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    without = ["--cap-drop", "ALL", "--new-session", "--die-with-parent"]
    launcher = [sys.executable, str(Path(__file__).with_name("confined.py")), ",".join(refused_calls())]
    return [tool("bwrap"), *seen, *alone, *without, "--", *launcher]


class Manager:
    """Where a service says how it is."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.settimeout(PATIENCE)

    def hears(self, what: str) -> None:
        """Waits until it says so."""
        while what not in self.socket.recv(1000).decode().splitlines():
            pass

    def __enter__(self) -> Manager:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


async def ask(folder: Path, broker: Broker, uri: str) -> str:
    """What a bot answers to somebody new."""
    bundle = Bundle.from_uri(uri)
    async with User(folder, broker.url) as user:
        user.client.add_contact(bundle)
        user.client.send(bundle.identity().address(), "ahoy")
        while True:
            try:
                await user._post()
                return await user.hear()
            except NoMailbox:
                # The bot has not come to open its mailbox yet.
                await asyncio.sleep(0.1)


def test_a_bot_lives_in_the_service(tmp_path: Path) -> None:
    """System calls, memory, files, rights as the unit says; it tells systemd and the health check that it lives."""
    state, program = tmp_path / "state", tmp_path / "bot.py"
    state.mkdir()
    program.write_text(BOT)
    (tmp_path / "store-key").write_text(KEY.hex())
    said = " ".join(settings("Environment")).split()
    assert any(setting.startswith("WINDLASS_STORE=%S/") for setting in said)
    environment = os.environ | dict(setting.split("=", 1) for setting in said)
    environment |= {
        "WINDLASS_STORE": str(state / "bot.wl"),
        "WINDLASS_KEY_FILE": str(tmp_path / "store-key"),
        "WINDLASS_ALIVE": str(state / "alive"),
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": "400000",
    }
    command = [*confined(state), sys.executable, str(program)]
    shown = tmp_path / "shown"
    with Broker(tmp_path) as broker, Manager(tmp_path) as manager, shown.open("w") as out:
        environment["WINDLASS_TRANSPORT"] = broker.url
        with subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True, env=environment) as bot:
            try:
                manager.hears("READY=1")
                answer = asyncio.run(ask(tmp_path, broker, shown.read_text().splitlines()[-1]))
                manager.hears("WATCHDOG=1")
                health = subprocess.run([sys.executable, "-m", "windlass_chat.alive", str(state / "alive")], check=False)
                # It is the only child, and bwrap takes no signals for it.
                (child,) = children(children(bot.pid)[0])
                os.kill(child, signal.SIGTERM)
                manager.hears("STOPPING=1")
            except BaseException:
                bot.kill()
                raise
            assert bot.stderr is not None
            log = bot.stderr.read()
    assert (answer, health.returncode, bot.returncode) == ("ahoy", 0, 0), log
    assert "cannot deny memory" not in log


def test_what_a_bot_has_no_use_for_is_refused(tmp_path: Path) -> None:
    """The harness refuses what the unit refuses, or the test above would say nothing."""
    tries = """
import ctypes, errno, mmap, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
def refused(result):
    return result == -1 and ctypes.get_errno() in (errno.EPERM, errno.EACCES)
anywhere = ctypes.c_void_p(-1).value
memory = libc.mmap(None, 4096, 7, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
print(memory == anywhere, refused(libc.setpriority(0, 0, 5)), refused(libc.mount(b"x", b"/", b"tmpfs", 0, None)))
try:
    open("/etc/windlass-was-here", "w")
except OSError as error:
    print(error.errno == errno.EROFS)
"""
    program = tmp_path / "tries.py"
    program.write_text(tries)
    ran = subprocess.run([*confined(tmp_path), sys.executable, str(program)], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["True"] * 4, ran.stdout + ran.stderr
    assert len(refused_calls()) > 100 and "execve" not in refused_calls()


def children(process: int) -> list[int]:
    """The processes that a process started."""
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


# --- the container ---------------------------------------------------------------------------------------------------


def test_the_container_is_hardened() -> None:
    lines = CONTAINER.read_text().replace("\\\n", " ").splitlines()
    instructions = [(line.split()[0], line.partition(" ")[2]) for line in lines if line and not line.startswith("#")]
    said = dict(instructions)
    assert said["USER"].split(":")[0].isdecimal() and said["USER"].split(":")[0] != "0"
    environment = dict(setting.split("=", 1) for setting in said["ENV"].split())
    assert environment["WINDLASS_STORE"].startswith(said["VOLUME"] + "/")
    assert environment["WINDLASS_ALIVE"] in said["HEALTHCHECK"] and "windlass_chat.alive" in said["HEALTHCHECK"]
    started = quoted("sh", "run -d").replace("\\\n", " ").split()
    for flag in ("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--tmpfs=/tmp"):
        assert any(word.startswith(flag) for word in started), flag


def test_who_says_nothing_is_not_alive(tmp_path: Path) -> None:
    file, now = tmp_path / "alive", time.monotonic()
    assert alive.main([str(file)]) == 1
    for said, code in [(f"{now:020.3f}\n", 0), (f"{now - 61:020.3f}\n", 1), (f"{now + 1e6:020.3f}\n", 1), ("", 1), ("x", 1)]:
        file.write_text(said)
        assert alive.main([str(file)]) == code, said
    file.write_text(f"{now - 61:020.3f}\n")
    assert alive.main([str(file), "--within", "10000"]) == 0


def test_a_bot_whose_store_does_not_answer_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alive, "EVERY", 0)
    file = tmp_path / "alive"
    said: list[str] = []

    def store() -> None:
        said.append(file.read_text() if file.exists() else "")
        if 2 <= len(said) <= 4:
            raise OSError("the disk is gone")

    async def live() -> None:
        heart = asyncio.create_task(alive.beat(store, str(file)))
        while len(said) < 6:
            await asyncio.sleep(0)
        heart.cancel()
        await asyncio.gather(heart, return_exceptions=True)

    asyncio.run(live())
    assert said[0] == "" and said[1] != "" and len(set(said[1:5])) == 1 and said[5] != said[4]

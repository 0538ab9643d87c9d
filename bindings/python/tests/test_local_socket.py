"""A running bot is asked through the socket beside its store: by `windlass` as a process, and by what should not get through."""

import json
import os
import shlex
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command import BACKUP_KEY, ENVIRONMENT, KEY, WINDLASS, WITH_KEY, run
from mosquitto import PATIENCE
from test_cli_chat import until

from windlass_chat import Bundle, Client
from windlass_chat._local import MOST_BYTES, folder_of, may_ask, peer_user, reachable

BOT = """
import sys
from windlass_chat.bot import Bot
bot = Bot(sys.argv[1], key_env="STORE_KEY", transport="memory://socket")
@bot.on_message
async def echo(message): await message.reply(message.text)
bot.run()
"""


@contextmanager
def running(store: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """A bot as a process."""
    log = store.parent / "bot.log"
    with log.open("w") as err:
        command = [sys.executable, "-c", BOT, str(store)]
        bot = subprocess.Popen(command, stderr=err, env=ENVIRONMENT | settings, text=True)

    def started() -> bool:
        assert bot.poll() is None, log.read_text()
        return "started as" in log.read_text()

    until(started)
    try:
        yield bot
    finally:
        bot.terminate()
        assert bot.wait(PATIENCE) == 0, log.read_text()
        assert "Traceback" not in log.read_text()


def asked(*arguments: object, typed: str = "") -> dict[str, object]:
    """What a command answers as JSON, without anything that opens the store."""
    ran = run(*arguments, "--json", typed=typed)
    assert ran.returncode == 0, ran.stderr
    return dict(json.loads(ran.stdout))


def test_a_running_bot_is_asked_instead_of_its_store(store: Path, tmp_path: Path) -> None:
    with Client.open(store, key=KEY) as me, Client.create(tmp_path / "other.wl", key=KEY) as other:
        address, theirs = me.address(), other.address()
        me.add_contact(other.bundle())
        other.add_contact(me.bundle())
        number = other.session(address).safety_number()
        me.create_group("Ha\ufeffrbour", [])
    elsewhere = tmp_path / "link.wl"
    elsewhere.symlink_to(store)
    with running(store):
        ran = run("invite", store)
        assert ran.returncode == 0 and ran.stderr == "The store is open in a running bot, which was asked.\n"
        assert Bundle.from_uri(ran.stdout.splitlines()[-1]).identity().address() == address
        assert Bundle.from_uri(str(asked("invite", elsewhere, "--single-use")["uri"])).single_use()
        assert asked("address", store)["address"] == address
        assert run("verify", store, theirs, "1" * 60).returncode == 1
        assert asked("verify", store, theirs, number)["verified"] is True
        assert f"{theirs}  verified" in run("contacts", store).stdout
        assert "members  Ha\ufffdrbour\n" in run("groups", store).stdout
        assert asked("conversations", store)["conversations"]
        (device,) = json.loads(run("devices", store, "--json").stdout)["devices"]
        assert device["this_device"]
        assert run("devices", store, "--remove", 7, "--yes").stderr.count("(unknown_device)") == 1
        assert asked("inspect", store)["opened_by"] == "key" and set(asked("shred", store)) == {"buckets", "rows"}
        assert asked("backlog", store)["unhandled"] == []
        written = asked("backup", store, tmp_path / "a.backup", *BACKUP_KEY)
        assert written["file"] == str(tmp_path / "a.backup")
        assert stat.S_IMODE((tmp_path / "a.backup").stat().st_mode) == 0o600
        assert [path.name for path in folder_of(store).iterdir()] == ["socket"]
        again = run("backup", store, tmp_path / "a.backup", *BACKUP_KEY)
        assert again.returncode == 1 and "(file_exists)" in again.stderr
        locked = run("chat", store, theirs, "--transport", "memory", *WITH_KEY)
        assert locked.returncode == 1 and "(store_locked)" in locked.stderr
    assert not (folder_of(store) / "socket").exists()
    run("restore", tmp_path / "a.backup", tmp_path / "b.wl", *WITH_KEY, *BACKUP_KEY)
    with Client.open(tmp_path / "b.wl", key=KEY) as restored, Client.open(store, key=KEY) as me:
        assert restored.address() == address and me.contact(theirs).verified


def test_a_device_is_linked_to_a_running_bot(store: Path, tmp_path: Path) -> None:
    pipe = subprocess.PIPE
    with running(store):
        command = [*WINDLASS, "init", str(tmp_path / "tablet.wl"), "--link", "--json", *WITH_KEY]
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=ENVIRONMENT) as new:
            assert new.stdout is not None and new.stdin is not None
            code = json.loads(new.stdout.readline())["code"]
            command = [*WINDLASS, "devices", str(store), "--link", code, "--json", "--yes"]
            with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=ENVIRONMENT) as old:
                assert old.stdout is not None and old.stdin is not None
                print(json.loads(old.stdout.readline())["answer"], file=new.stdin, flush=True)
                shown = json.loads(new.stdout.readline())
                print(shown.pop("reply"), file=old.stdin, flush=True)
                assert json.loads(old.stdout.readline()) == shown
                print(json.loads(old.stdout.readline())["transfer"], file=new.stdin, flush=True)
            made = json.loads(new.stdout.readline())
        assert old.returncode == new.returncode == 0 and made["address"] == asked("address", store)["address"]


def test_a_bot_that_was_killed_leaves_a_socket_that_nobody_minds(store: Path) -> None:
    with pytest.raises(AssertionError), running(store) as bot:
        bot.kill()
        bot.wait()
    assert (folder_of(store) / "socket").exists()
    left = folder_of(store) / "backup-half"
    left.touch()
    assert run("invite", store, *WITH_KEY).returncode == 0
    with running(store):
        assert asked("address", store) and not left.exists()


def test_nobody_is_asked_where_the_setting_or_the_disk_says_no(store: Path) -> None:
    with running(store, WINDLASS_LOCAL_SOCKET="false"):
        ran = run("invite", store, *WITH_KEY)
        assert ran.returncode == 1 and "(store_locked)" in ran.stderr
    # Not a folder of ours: the bot runs, and says why it cannot be asked.
    folder_of(store).rmdir() if folder_of(store).exists() else None
    folder_of(store).symlink_to(store.parent)
    with running(store):
        assert "(store_locked)" in run("invite", store, *WITH_KEY).stderr
    assert "cannot be asked" in (store.parent / "bot.log").read_text()


def test_a_bot_without_standard_streams_writes_none_of_its_words_into_the_store(store: Path) -> None:
    """Logs at every level, to a standard error that has no number of its own."""
    python = " ".join(shlex.quote(word) for word in (sys.executable, "-c", BOT, str(store)))
    settings = {"WINDLASS_LOG_LEVEL": "DEBUG"}
    bot = subprocess.Popen(["bash", "-c", f"exec {python} <&- >&- 2>&-"], env=ENVIRONMENT | settings)
    try:
        until(lambda: (folder_of(store) / "socket").exists() or bot.poll() is not None)
        assert asked("address", store)
        if sys.platform.startswith("linux"):
            streams = [os.readlink(f"/proc/{bot.pid}/fd/{number}") for number in range(3)]
            assert streams == ["/dev/null"] * 3
    finally:
        bot.terminate()
        assert bot.wait(PATIENCE) == 0
    with Client.open(store, key=KEY) as unhurt:
        assert unhurt.address()


def test_a_program_may_go_elsewhere_before_its_bot_runs(store: Path) -> None:
    gone = 'import os, sys\nfrom windlass_chat.bot import Bot\nbot = Bot("me.wl", key_env="STORE_KEY", transport="memory://x")\n'
    gone += 'print(bot.address, flush=True)\nos.chdir("/")\nbot.run()\n'
    command = [sys.executable, "-c", gone]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=store.parent, env=ENVIRONMENT, stdout=pipe, text=True) as bot:
        assert bot.stdout is not None
        address = bot.stdout.readline().strip()
        until(lambda: (folder_of(store) / "socket").exists() or bot.poll() is not None)
        try:
            assert asked("address", store)["address"] == address
        finally:
            bot.terminate()
        assert bot.wait(PATIENCE) == 0


def test_a_store_with_a_long_path_has_a_socket_as_well(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    Client.create(deep / "bot.wl", key=KEY).close()
    with running(deep / "bot.wl"):
        assert asked("address", deep / "bot.wl")


def told(store: Path, line: bytes) -> bytes:
    """What the socket answers to a line."""
    with socket.socket(socket.AF_UNIX) as connection, reachable(folder_of(store)) as path:
        connection.connect(path)
        assert peer_user(connection) == os.geteuid()
        connection.sendall(line)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as lines:
            return lines.read()


def test_what_is_no_question_is_answered_and_changes_nothing(store: Path) -> None:
    deep = b'{"question":' + b"[" * 50_000
    wrong = [b"", b"\n", b"\xff\n", b"[]\n", b"null\n", b'{"question": 1}\n', b'{"question": "open"}\n', deep + b"\n"]
    wrong += [b'{"question": "invite", "arguments": []}\n', b'{"question": "invite", "arguments": {"kind": 5}}\n']
    wrong += [b'{"question": "invite", "arguments": {"kind": "x"}}\n', b'{"question": "backup", "arguments": {"file": "x"}}\n']
    wrong += [b'{"question": "remove_device", "arguments": {"device_id": -1}}\n', b"x" * (2 * MOST_BYTES) + b"\n"]
    with running(store):
        half = told(store, b'{"question": "verify", "arguments": {"address": "\\ud800"}}\n')
        assert json.loads(half)["error"]["error"] == "invalid_content"
        for line in wrong:
            assert json.loads(told(store, line))["error"]["error"] == "bad_question", line[:80]
        outside = b'{"question": "backup", "arguments": {"file": "/tmp/outside", "key_text": "battery staple"}}\n'
        name = json.loads(told(store, outside).splitlines()[-1])["answer"]["file"]
        assert "/" not in name and (folder_of(store) / name).exists()
        # The key of a backup is in no log.
        assert "battery" not in (store.parent / "bot.log").read_text()
        mode = folder_of(store).stat().st_mode, (folder_of(store) / "socket").stat().st_mode
        assert tuple(map(stat.S_IMODE, mode)) == (0o700, 0o600)
        # Many who say nothing hold up nobody else for longer than they are there.
        idle = [socket.socket(socket.AF_UNIX) for _ in range(40)]
        for one in idle:
            with reachable(folder_of(store)) as path:
                one.connect(path)
        for one in idle:
            one.close()
        until(lambda: b'"answer"' in told(store, b'{"question": "address"}\n'))


def test_another_user_is_refused_whatever_the_rights_of_the_file_say(store: Path) -> None:
    assert may_ask(os.geteuid()) and may_ask(0) and not may_ask(None) and not may_ask(os.geteuid() + 1)
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    ask = """
import os, socket, sys
place = socket.socket(socket.AF_UNIX)
os.chdir(sys.argv[1])
os.setgid(65534); os.setuid(65534)
place.connect("socket")
place.sendall(b'{"question": "address"}\\n')
print(place.makefile().read())
"""
    with running(store):
        command = [sys.executable, "-c", ask, str(folder_of(store))]
        shut = subprocess.run(command, capture_output=True, text=True)
        assert "PermissionError" in shut.stderr
        # As if somebody had opened both.
        folder_of(store).chmod(0o777)
        (folder_of(store) / "socket").chmod(0o777)
        refused = subprocess.run(command, capture_output=True, text=True)
        assert "wl1" not in refused.stdout and "PermissionError" not in refused.stderr
    assert "somebody else may not ask: user 65534" in (store.parent / "bot.log").read_text()


def test_who_answers_for_a_store_of_somebody_else_is_told_nothing(store: Path) -> None:
    """An impostor has made the folder first: a key of a backup is not for them."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    folder_of(store).mkdir()
    os.chown(folder_of(store), 65534, 65534)
    listen = """
import os, socket, sys
place = socket.socket(socket.AF_UNIX)
os.chdir(sys.argv[1])
os.setgid(65534); os.setuid(65534)
place.bind("socket"); place.listen(); print("listens", flush=True)
while True: print(place.accept()[0].makefile().read(), flush=True)
"""
    command = [sys.executable, "-c", listen, str(folder_of(store))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as impostor:
        assert impostor.stdout is not None and impostor.stdout.readline() == "listens\n"
        done = run("backup", store, store.parent / "a.backup", *WITH_KEY, *BACKUP_KEY)
        assert done.returncode == 0 and "running bot" not in done.stderr
        impostor.terminate()
        assert impostor.stdout.read().strip() == ""



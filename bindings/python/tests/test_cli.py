"""The command `windlass`, each time as a process: piped, as JSON, on a terminal."""

import importlib.metadata
import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mosquitto import PATIENCE, Broker, tool

import windlass
from windlass import Bundle, Client, StoreKey, qr_read
from windlass.cli import main

KEY = bytes(range(32))
WINDLASS = [sys.executable, "-m", "windlass"]
REPOSITORY = Path(__file__).parents[3]
ECHO = REPOSITORY / "examples/python/echo_bot.py"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("WINDLASS_")} | {
    "STORE_KEY": KEY.hex(),
    "BACKUP_KEY": "battery staple",
    # What is written to a pipe or a file does not depend on where the tests run.
    "PYTHONUTF8": "1",
}
WITH_KEY = ("--passphrase-env", "STORE_KEY")
BACKUP_KEY = ("--backup-passphrase-env", "BACKUP_KEY")


def run(*arguments: object, typed: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """A command without a terminal."""
    command = [*WINDLASS, *map(str, arguments)]
    ran = subprocess.run(
        command, input=typed, env=ENVIRONMENT | variables, capture_output=True, text=True, timeout=PATIENCE
    )
    # Whatever happens: no colour in a pipe, no trace of Python, and no secret.
    both = ran.stdout + ran.stderr
    assert "\x1b" not in both and "Traceback" not in both, both
    assert KEY.hex() not in both and "battery staple" not in both
    return ran


def result(*arguments: object, typed: str = "") -> Any:
    """What a command that goes well prints with `--json`."""
    ran = run(*arguments, "--json", *WITH_KEY, typed=typed)
    assert ran.returncode == 0 and ran.stderr == "", ran.stderr
    return json.loads(ran.stdout)


def text(*arguments: object, typed: str = "") -> list[str]:
    """The lines that a command prints for people."""
    ran = run(*arguments, *WITH_KEY, typed=typed)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with an identity."""
    Client.create(tmp_path / "me.wl", key=KEY).close()
    return tmp_path / "me.wl"


def test_the_command_is_installed_with_the_package() -> None:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="windlass")
    assert script.load() is main
    assert f'windlass = "{script.value}"' in (REPOSITORY / "pyproject.toml").read_text()


def test_init_makes_an_identity_once(tmp_path: Path) -> None:
    (address,) = text("init", tmp_path / "a.wl")
    with Client.open(tmp_path / "a.wl", key=KEY) as client:
        assert client.address() == address
    made = result("init", tmp_path / "b.wl")
    assert made["path"] == str(tmp_path / "b.wl") and made["address"].startswith("wl1") and made["address"] != address
    again = run("init", tmp_path / "a.wl", *WITH_KEY)
    assert again.returncode == 1 and again.stdout == ""
    sentence, advice = again.stderr.splitlines()
    assert re.fullmatch(r"error: .+ \(store_exists\)", sentence) and advice
    told = run("init", tmp_path / "a.wl", "--json", *WITH_KEY)
    assert told.returncode == 1 and told.stdout == ""
    assert json.loads(told.stderr) == {
        "error": "store_exists",
        "message": sentence.removeprefix("error: ").removesuffix(" (store_exists)"),
        "advice": advice,
        "retry": False,
    }


def test_wrong_usage_is_told_apart_from_what_failed(store: Path, tmp_path: Path) -> None:
    wrong: list[tuple[object, ...]] = [
        (),
        ("dance", store),
        ("inspect",),
        ("inspect", store),
        ("inspect", store, "--passphrase", "correct horse"),
        ("inspect", store, "--passphrase-env", "NOT_SET"),
        ("inspect", store, *WITH_KEY, "--key-file", store),
        ("invite", store, *WITH_KEY, "--single-use", "--in-person"),
        ("chat", store, "wl1", *WITH_KEY, "--transport", "pigeon://coop"),
    ]
    for arguments in wrong:
        ran = run(*arguments)
        assert ran.returncode == 2, arguments
        assert re.search(r"^error: .+ \(usage\)\n.+", ran.stderr, re.MULTILINE), ran.stderr
    told = run("inspect", "--json")
    assert told.returncode == 2 and json.loads(told.stderr.splitlines()[-1])["error"] == "usage"
    (*_, uri) = text("invite", store)
    failed: list[tuple[str, tuple[object, ...]]] = [
        ("store_not_found", ("inspect", tmp_path / "nothing.wl", *WITH_KEY)),
        ("wrong_key", ("inspect", store, "--passphrase-env", "BACKUP_KEY")),
        ("file_system", ("inspect", store, "--key-file", tmp_path / "nothing")),
        ("invalid_address", ("verify", store, "wl1nobody", *WITH_KEY)),
        ("unknown_contact", ("verify", store, windlass.Identity.generate().address(), *WITH_KEY)),
        ("uri_damaged", ("chat", store, uri[:-4], *WITH_KEY, "--transport", "memory")),
        ("unknown_device", ("devices", store, "--remove", 7, *WITH_KEY)),
    ]
    for code, arguments in failed:
        ran = run(*arguments)
        assert ran.returncode == 1 and f"({code})\n" in ran.stderr, (code, ran.stderr)


def test_a_key_comes_from_a_file_raw_or_in_digits(store: Path, tmp_path: Path) -> None:
    for content in (KEY, KEY.hex().encode(), KEY.hex().upper().encode() + b"\n"):
        (tmp_path / "key").write_bytes(content)
        assert run("inspect", store, "--key-file", tmp_path / "key").returncode == 0
    (tmp_path / "key").write_bytes(b"correct horse")
    assert run("inspect", store, "--key-file", tmp_path / "key").returncode == 2


def test_an_invitation_is_a_uri_and_a_code_that_others_read(store: Path, tmp_path: Path) -> None:
    *code, uri = text("invite", store)
    assert len(code) > 20 and code == windlass.qr_terminal(uri).splitlines()
    invited = result("invite", store)
    assert invited == {"address": Bundle.from_uri(uri).identity().address(), "uri": uri, "kind": "reusable"}
    assert Bundle.from_uri(result("invite", store, "--single-use")["uri"]).single_use()
    png, svg = tmp_path / "code.png", tmp_path / "code.svg"
    (shown,) = text("invite", store, "--png", png, "--svg", svg, "--in-person")
    assert qr_read(png.read_bytes()) == [shown] and svg.read_text().startswith("<")
    read = subprocess.run(
        [tool("zbarimg"), "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", png], capture_output=True, text=True
    )
    assert read.stdout.strip() == shown
    with Client.create(tmp_path / "other.wl", key=KEY) as other:
        assert other.meet(shown).verified


def test_a_safety_number_is_shown_in_fives_and_marks_the_contact(store: Path, tmp_path: Path) -> None:
    with Client.open(store, key=KEY) as me, Client.create(tmp_path / "other.wl", key=KEY) as other:
        address = me.add_contact(other.bundle()).address
        other.add_contact(me.bundle())
        theirs = other.session(me.address())
        number, code, pictures = theirs.safety_number(), theirs.safety_code(), theirs.safety_emoji()
    *shown, last = text("verify", store, address)
    assert last == "not verified" and shown[:3] == [
        " ".join(number[at + five : at + five + 5] for five in range(0, 20, 5)) for at in range(0, 60, 20)
    ]
    assert " ".join(shown[3:]).split() == [picture.picture for picture in pictures]
    wrong = run("verify", store, address, "1" * 60, *WITH_KEY)
    assert wrong.returncode == 1 and "(safety_number_mismatch)" in wrong.stderr
    assert result("verify", store, address)["verified"] is False
    # As it stands on their screen, in groups.
    assert text("verify", store, address, *" ".join(shown[:3]).split())[-1] == "verified"
    scanned = result("verify", store, address)["code"]
    told = result("verify", tmp_path / "other.wl", result("invite", store)["address"], scanned)
    assert told["verified"] and told["safety_number"] == number and told["code"] == code
    assert [one["name"] for one in told["pictures"]] == [picture.name for picture in pictures]


def test_a_device_is_linked_listed_and_removed(store: Path, tmp_path: Path) -> None:
    command = [*WINDLASS, "init", str(tmp_path / "tablet.wl"), "--link", "--json", *WITH_KEY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as new:
        assert new.stdout is not None and new.stdin is not None
        code = json.loads(new.stdout.readline())["code"]
        (transfer,) = text("devices", store, "--link", code)
        new.stdin.write(f"{transfer}\n")
        new.stdin.close()
        made = json.loads(new.stdout.readline())
    assert new.returncode == 0 and made["address"] == result("invite", store)["address"]
    # The first mail of the new device says that it is there.
    with Client.open(store, key=KEY) as me, Client.open(tmp_path / "tablet.wl", key=KEY) as other:
        for envelope in other.outbox():
            me.receive(envelope.bytes)
    ours, tablet = result("devices", store)["devices"]
    assert ours["this_device"] and not tablet["this_device"] and tablet["device_id"] == made["device_id"]
    assert len(text("devices", store)) == 2
    assert len(result("devices", store, "--remove", made["device_id"])["devices"]) == 1
    # What is no transfer leaves nothing behind, so that it can be tried again.
    failed = run("init", tmp_path / "third.wl", "--link", *WITH_KEY, typed="nonsense\n")
    assert failed.returncode == 1 and not list(tmp_path.glob("third*"))


def test_a_backup_comes_back_as_another_device(store: Path, tmp_path: Path) -> None:
    with Client.open(store, key=KEY) as me, Client.create(tmp_path / "other.wl", key=KEY) as other:
        me.add_contact(other.bundle())
        me.send(other.address(), "kept")
        address, device = me.address(), me.device_id()
    inspected = result("inspect", store)
    assert inspected["rows"]["messages"] == 1 and inspected["opened_by"] == "key"
    assert any(line.endswith("  messages") for line in text("inspect", store))
    assert set(result("shred", store)) == {"buckets", "rows"}
    assert "shredded" in text("shred", store)[0]

    backup, new = tmp_path / "me.backup", tmp_path / "new.wl"
    written = result("backup", store, backup, *BACKUP_KEY)
    assert written["file"] == str(backup) and written["records"] > 1
    again = run("backup", store, backup, *WITH_KEY, *BACKUP_KEY)
    assert again.returncode == 1 and "(store_exists)" in again.stderr
    wrong = run("restore", backup, new, *WITH_KEY, "--backup-passphrase-env", "STORE_KEY")
    assert wrong.returncode == 1 and "(wrong_key)" in wrong.stderr and not new.exists()
    restored = result("restore", backup, new, *BACKUP_KEY)
    assert restored["address"] == address and restored["device_id"] != device and restored["contacts"] == 1


# --- on a terminal ---------------------------------------------------------------------------------------------------


def on_a_terminal(arguments: list[object], answers: dict[str, str], **variables: str) -> tuple[int, str]:
    """Runs a command on a terminal of its own; gives each answer when its question stands there."""
    command = [*WINDLASS, *map(str, arguments)]
    process, end = pty.fork()
    if process == 0:
        os.execvpe(command[0], command, ENVIRONMENT | {"TERM": "xterm"} | variables)
    shown, waiting, deadline = "", dict(answers), time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < deadline, shown
        if not select.select([end], [], [], 1.0)[0]:
            continue
        try:
            block = os.read(end, 65_536)
        except OSError:  # Linux says so that nobody has the terminal any more.
            block = b""
        if not block:
            break
        shown += block.decode(errors="replace")
        for question in [question for question in waiting if question in shown]:
            os.write(end, waiting.pop(question).encode())
    os.close(end)
    assert not waiting and "Traceback" not in shown, shown
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), shown


def test_a_passphrase_is_typed_unseen_and_a_new_one_twice(tmp_path: Path) -> None:
    path = tmp_path / "typed.wl"
    typed = {"of the store:": "correct horse\n", "Once more:": "correct horse\n"}
    status, shown = on_a_terminal(["init", path], typed)
    assert status == 0 and "correct horse" not in shown and "wl1" in shown
    with Client.open(path, passphrase="correct horse") as client:
        assert client.address() in shown
    status, shown = on_a_terminal(["init", tmp_path / "other.wl"], typed | {"Once more:": "correct house\n"})
    assert status == 2 and "differ" in shown and not (tmp_path / "other.wl").exists()


def test_ctrl_c_ends_without_a_trace(store: Path) -> None:
    status, shown = on_a_terminal(["inspect", store], {"of the store:": "\x03"})
    assert status == 130 and "error" not in shown


def test_bars_and_colours_are_for_terminals(store: Path, tmp_path: Path) -> None:
    status, shown = on_a_terminal(["backup", store, tmp_path / "a.backup", *WITH_KEY, *BACKUP_KEY], {})
    assert status == 0 and re.search(r"backup  \[#{24}\] (\d+) of \1 records", shown)
    status, shown = on_a_terminal(["restore", tmp_path / "a.backup", tmp_path / "a.wl", *WITH_KEY, *BACKUP_KEY], {})
    assert status == 0 and re.search(r"restore \[#{24}\] (\d+) of \1 records", shown)
    status, shown = on_a_terminal(["init", store, *WITH_KEY], {})
    assert status == 1 and "\x1b[31merror:\x1b[0m" in shown
    status, shown = on_a_terminal(["init", store, *WITH_KEY], {}, NO_COLOR="1")
    assert status == 1 and "error: " in shown and "\x1b" not in shown


# --- chat ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    (tmp_path / "broker").mkdir()
    with Broker(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def invitation(tmp_path: Path, broker: Broker) -> Iterator[str]:
    """The echo bot of the examples, as a process; its invitation."""
    shown, log = tmp_path / "bot.txt", tmp_path / "bot.log"
    settings = {"WINDLASS_STORE": str(tmp_path / "bot.wl"), "WINDLASS_TRANSPORT": broker.url, "BOT_KEY": KEY.hex()}
    with shown.open("w") as out, log.open("w") as err:
        bot = subprocess.Popen([sys.executable, ECHO], stdout=out, stderr=err, env=ENVIRONMENT | settings)

    def started() -> bool:
        assert bot.poll() is None, log.read_text()
        return "started as" in log.read_text() and shown.read_text(errors="replace").endswith("\n")

    until(started)
    yield shown.read_text().splitlines()[-1]
    bot.terminate()
    assert bot.wait(PATIENCE) == 0, log.read_text()


def until(condition: Callable[[], bool]) -> None:
    """Waits for what has to come."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it does not come any more"


class Piped:
    """A chat whose input and output are pipes."""

    def __init__(self, *arguments: object) -> None:
        command = [*WINDLASS, "chat", *map(str, arguments), *WITH_KEY]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
        )
        self.lines: list[str] = []

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def see(self, wanted: Callable[[str], bool]) -> str:
        """Reads on to the line that is waited for."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if wanted(self.lines[-1]):
                return self.lines[-1]
        assert self.process.stderr is not None
        raise AssertionError((self.lines, self.process.stderr.read()))

    def quit(self) -> None:
        self.type("/quit")
        assert self.process.stdout is not None and self.process.stderr is not None
        self.lines += [line.rstrip("\n") for line in self.process.stdout]
        errors = self.process.stderr.read()
        self.process.wait(PATIENCE)
        assert self.process.returncode == 0 and errors == "" and "\x1b" not in "".join(self.lines)


def test_a_piped_chat_with_the_echo_bot(store: Path, invitation: str, broker: Broker) -> None:
    chat = Piped(store, invitation, "--transport", broker.url)
    chat.type("Ahoy!")
    chat.see("they: Ahoy!".__eq__)
    chat.type("/react ⚓")
    chat.see("  you reacted: Ahoy!".__eq__)
    chat.type("/edit Ahoy there")
    chat.see("  you edited: Ahoy there".__eq__)
    chat.type("//quit")
    chat.see("they: /quit".__eq__)
    chat.type("/delete")
    chat.see(lambda line: line.startswith("  you deleted"))
    chat.type("/edit")
    chat.see(lambda line: line.endswith("(usage)"))
    chat.type("/verify")
    digits = chat.see(lambda line: re.fullmatch(r"(\d{5} ){3}\d{5}", line) is not None)
    chat.quit()
    address = Bundle.from_uri(invitation).identity().address()
    assert chat.lines[0] == f"{address} (not verified: /verify)" and "  ✓ Ahoy!" in chat.lines
    # The next time by the address alone, with what was said.
    chat = Piped(store, address, "--transport", broker.url)
    chat.see("they: Ahoy!".__eq__)
    chat.quit()
    assert "you: Ahoy there (edited) ✓" in chat.lines and "you: (deleted) ✓" in chat.lines
    with Client.open(store, key=KEY) as client:
        assert client.session(address).safety_number().startswith(digits.replace(" ", ""))
        history = client.conversation(address).messages()
        assert [reaction.emoji for message in history for reaction in message.reactions] == ["⚓"]


def test_a_chat_as_json_with_somebody_who_is_found_by_address(store: Path, invitation: str, broker: Broker) -> None:
    address = Bundle.from_uri(invitation).identity().address()
    chat = Piped(store, address, "--transport", broker.url, "--json")
    chat.type("one\ntwo")
    chat.see(lambda line: json.loads(line)["event"] == "message" and json.loads(line)["text"] == "two")
    chat.quit()
    told = [json.loads(line) for line in chat.lines]
    assert told[0] == {"event": "started", "address": address, "verified": False}
    sent = [one["id"] for one in told if one["event"] == "sent"]
    assert sorted(number for one in told if one["event"] == "delivered" for number in one["ids"]) == sorted(sent)
    assert [one["reply_to"] for one in told if one["event"] == "message"] == sent
    nobody = run("chat", store, windlass.Identity.generate().address(), "--transport", broker.url, *WITH_KEY)
    assert nobody.returncode == 1 and "(unknown_contact)" in nobody.stderr


def test_what_others_write_cannot_steer_the_terminal(store: Path, tmp_path: Path) -> None:
    with Client.open(store, key=KEY) as me, Client.create(tmp_path / "other.wl", key=KEY) as other:
        other.add_contact(me.bundle())
        for envelope in other.send(me.address(), "\x1b[2Jhi\x07\u202e\nyou: forged").envelopes:
            me.receive(envelope.bytes)
        address = other.address()
    ran = run("chat", store, address, "--transport", "memory", *WITH_KEY)
    assert ran.returncode == 0, ran.stderr
    assert "they: \ufffd[2Jhi\ufffd\ufffd\n    you: forged\n" in ran.stdout


class Screen:
    """A command in a terminal that tmux draws."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        self.tmux = [tool("tmux"), "-S", str(folder / "tmux"), "-f", "/dev/null"]
        command = shlex.join([*WINDLASS, *map(str, arguments)])
        # The terminal stays when the command has ended, so that its end can be seen.
        shell = f"{command}; echo ended with $?; read -r _"
        size = ["-x", "100", "-y", "40"]
        environment = ENVIRONMENT | {"LC_ALL": "C.UTF-8"}
        subprocess.run([*self.tmux, "-u", "new-session", "-d", *size, shell], check=True, env=environment)

    def keys(self, *keys: str) -> None:
        subprocess.run([*self.tmux, "send-keys", *keys], check=True)

    def type(self, line: str) -> None:
        subprocess.run([*self.tmux, "send-keys", "-l", line], check=True)
        self.keys("Enter")

    def shown(self) -> list[str]:
        """The screen, line by line, without the column of times, which differ."""
        captured = subprocess.run([*self.tmux, "capture-pane", "-p"], check=True, capture_output=True, text=True)
        return [re.sub(r"^\d\d:\d\d +(?=\w+: )", "", line.rstrip()) for line in captured.stdout.splitlines()]

    def see(self, *lines: str) -> None:
        """Waits until these lines stand there."""
        deadline = time.monotonic() + PATIENCE
        while not set(lines) <= set(self.shown()):
            assert time.monotonic() < deadline, "\n".join(self.shown())

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run([*self.tmux, "kill-server"], check=False, capture_output=True)


def test_a_chat_in_a_terminal(store: Path, invitation: str, broker: Broker, tmp_path: Path) -> None:
    with Screen(tmp_path, "chat", store, invitation, "--transport", broker.url, *WITH_KEY) as screen:
        screen.see(">")
        screen.type("Ahoy!")
        screen.see("> Ahoy!", "  ✓ Ahoy!", "they: Ahoy!", ">")
        screen.type("/react 👍")
        screen.see("  you reacted: Ahoy!")
        screen.type("/edit Ahoy there")
        screen.see("  you edited: Ahoy there")
        screen.type("/verify")
        screen.see("not verified: compare with them, then /verify NUMBER")
        assert sum(re.fullmatch(r"(\d{5} ){3}\d{5}", line) is not None for line in screen.shown()) == 3
        screen.type("/quit")
        screen.see("ended with 0")
    with Screen(tmp_path, "chat", store, invitation, "--transport", broker.url, *WITH_KEY) as screen:
        screen.see("you: Ahoy there (edited) ✓", "they: Ahoy!", ">")
        # What does not fit is not left to the terminal, which would let it look like a line of its own.
        screen.type("word " * 30 + "end")
        screen.see("they: " + "word " * 15 + "word", "    " + "word " * 14 + "end")
        # What is being typed stands there again under what came meanwhile.
        screen.type("first")
        screen.keys("-l", "second")
        screen.see("they: first", "> second")
        screen.keys("C-c")
        screen.see("ended with 0")

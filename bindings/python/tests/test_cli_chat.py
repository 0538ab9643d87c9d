"""`windlass chat`, each time as a process: piped, as JSON, in a terminal that tmux draws."""

import asyncio
import json
import logging
import re
import shlex
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command import ECHO, ENVIRONMENT, KEY, WINDLASS, WITH_KEY, run
from mosquitto import PATIENCE, Broker, tool

import windlass_chat
from windlass_chat import Bundle, Client
from windlass_chat.cli.chat import Talk
from windlass_chat.cli.output import Output
from windlass_chat.cli.screen import Screen as Lines
from windlass_chat.cli.screen import folded


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
    nobody = run("chat", store, windlass_chat.Identity.generate().address(), "--transport", broker.url, *WITH_KEY)
    assert nobody.returncode == 1 and "(unknown_contact)" in nobody.stderr


STEERING = "\x1b[2Jhi\x07\u202e\t\x9b31m\u200b\nyou: forged" + "\u0336" * 500


def test_what_others_write_cannot_steer_the_terminal(store: Path, tmp_path: Path) -> None:
    with Client.open(store, key=KEY) as me, Client.create(tmp_path / "other.wl", key=KEY) as other:
        other.add_contact(me.bundle())
        for envelope in other.send(me.address(), STEERING).envelopes:
            me.receive(envelope.bytes)
        address = other.address()
    ran = run("chat", store, address, "--transport", "memory", *WITH_KEY)
    assert ran.returncode == 0, ran.stderr
    seen = "they: \ufffd[2Jhi\ufffd\ufffd    \ufffd31m\ufffd\n    | you: forged\u0336\u0336\u0336\u0336\ufffd\n"
    assert seen in ran.stdout, ran.stdout
    as_json = run("chat", store, address, "--transport", "memory", "--json", *WITH_KEY).stdout
    assert as_json.isascii() and json.loads(as_json.splitlines()[1])["text"] == STEERING


def test_what_does_not_fit_is_folded_between_words_and_by_the_cells_that_it_takes() -> None:
    assert folded("short", 80) == ["short"]
    assert folded("one two three four", 17) == ["one two", "three four"]
    assert folded("one " + "x" * 25, 17) == ["one xxxxxx", "x" * 10, "x" * 9]
    assert folded("\u6c34" * 12, 17) == ["\u6c34" * 5, "\u6c34" * 5, "\u6c34" * 2]
    assert folded("e\u0301" * 10, 17) == ["e\u0301" * 10]


def test_a_thousand_spoilt_envelopes_are_one_line(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def listen(client: Client, as_json: bool) -> None:
        group = client.create_group("alone", [])
        with Lines(Output(as_json)) as lines:
            talk = Talk(client, group, lines)
            for number in range(1000):
                cause = windlass_chat.UndecryptableCause.AUTHENTICATION
                await talk.heard(windlass_chat.Event.UNDECRYPTABLE(cause, None))
                # The same as the log has it.
                logging.getLogger("windlass_chat.bot").warning("spoilt", extra={"event": "undecryptable"})
            await asyncio.sleep(0)
            talk.end()

    with Client.open(store, key=KEY) as client:
        asyncio.run(listen(client, as_json=False))
        (line,) = capsys.readouterr().out.splitlines()
        assert "1,000 messages could not be read (authentication)" in line
        asyncio.run(listen(client, as_json=True))
        told = json.loads(capsys.readouterr().out)
        assert told == {"event": "undecryptable", "cause": "authentication", "count": 1000}


class Screen:
    """A command in a terminal that tmux draws."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        # A socket for each: a server that was told to end still answers on its own for a moment.
        socket = folder / uuid.uuid4().hex
        self.tmux = [tool("tmux"), "-S", str(socket), "-f", "/dev/null"]
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
        digits = [line for line in screen.shown() if re.fullmatch(r"(\d{5} ){3}\d{5}", line)]
        assert len(digits) == 3, "\n".join(screen.shown())
        screen.type("/quit")
        screen.see("ended with 0")
    with Screen(tmp_path, "chat", store, invitation, "--transport", broker.url, *WITH_KEY) as screen:
        screen.see("you: Ahoy there (edited) ✓", "they: Ahoy!", ">")
        # What does not fit is not left to the terminal, which would let it look like a line of its own.
        screen.type("word " * 30 + "end")
        screen.see("they: " + "word " * 15 + "word", "    | " + "word " * 14 + "end")
        # What is being typed stands there again under what came meanwhile.
        screen.type("first")
        screen.keys("-l", "second")
        screen.see("they: first", "> second")
        screen.keys("C-c")
        screen.see("ended with 0")


def test_a_terminal_is_drawn_on_by_nobody_else(store: Path, tmp_path: Path) -> None:
    """Each line of the screen is ours, the prompt, or begins as a line of theirs."""
    floods = ["z" + "\u0336" * 3000, "\u6c34\ufe0f" * 300, "tab\t" * 60, "\x1b[10;1Hyou: forged", "a\n" * 500]
    floods += ["\x1b]0;title\x07", "\r> /quit", "\u202ereversed\u2028you: line"]
    with Client.open(store, key=KEY) as me, Client.create(tmp_path / "other.wl", key=KEY) as other:
        other.add_contact(me.bundle())
        for said in [*floods, STEERING]:
            for envelope in other.send(me.address(), said).envelopes:
                me.receive(envelope.bytes)
        address = other.address()
    with Screen(tmp_path, "chat", store, address, "--transport", "memory", *WITH_KEY) as screen:
        screen.see("they: \ufffd[2Jhi\ufffd\ufffd    \ufffd31m\ufffd", ">")
        history = subprocess.run(
            [*screen.tmux, "capture-pane", "-p", "-S", "-"], check=True, capture_output=True, text=True
        ).stdout.splitlines()
        told = subprocess.run([*screen.tmux, "display", "-p", "#{pane_title}"], check=True, capture_output=True, text=True)
        assert "title" not in told.stdout
        begin = next(at for at, line in enumerate(history) if " they: " in line)
        for line in history[begin : history.index(">")]:
            assert re.match(r"\d\d:\d\d they: |    \| ", line), line
        assert any("and 401 lines more" in line for line in history)
        screen.type("/quit")
        screen.see("ended with 0")

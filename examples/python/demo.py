"""Two processes meet by an invitation and talk; both are killed in the middle; nothing is lost and nothing repeated.

    python demo.py

Each party is a process of its own with its own encrypted store. They know nothing of each other but the invitation. A small relay
carries their envelopes over a loopback socket: it keeps what was not acknowledged and delivers it again, as a broker would.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, TextIO

from windlass_chat import Bundle, Client, EncryptedStore, StoreKey, events

LINES = {
    "alice": [
        "Ahoy! Is this the harbour office?",
        "Two berths for tonight, please.",
        "Twelve metres, and nine.",
        "We draw two metres at most.",
        "Round about eight, if the wind holds.",
        "What is the code of the gate?",
        "Written down where nobody sees it.",
        "Thank you. See you at eight!",
    ],
    "bob": [
        "It is. What can I do for you?",
        "How long are the boats?",
        "And how deep?",
        "Berths 14 and 15. When do you come in?",
        "Then the office is closed, you will need the gate.",
        "4711, and only until tomorrow.",
        "Good. Nobody reads it on the way, either.",
        "Fair winds!",
    ],
}
EACH = len(LINES["alice"])
TIMEOUT = 120.0
"""Seconds without any news after which the demo gives up, so that a fault ends it instead of hanging."""

# What the relay does to whom. After so many envelopes from a party have come, it is killed before it hears that the last one was
# taken; after so many were handed to a party, it is killed before it can say that it has the last one.
KILL_SENDER = {"bob": 9}
KILL_RECEIVER = {"alice": 13}


# --- one party ---------------------------------------------------------------------------------------------------------------


def party(name: str, path: str, port: int, invitation: str | None) -> None:
    """One side of the conversation. After a restart it goes on from what its store says."""
    secret = os.environ["DEMO_PASSPHRASE"]
    if Path(path).exists():
        client = Client.open(path, passphrase=secret)
    else:
        client = Client.create(path, passphrase=secret)
    with client:
        relay = Relay(port, client.address())
        if client.contacts():
            pass  # We met before this process began.
        elif invitation is not None:
            client.add_contact(Bundle.from_uri(invitation))
        else:
            print(json.dumps({"invitation": client.single_use_bundle().to_uri()}), flush=True)

        take_turn(client, name)
        flush(client, relay)
        for number, envelope in relay.deliveries():
            for event in client.receive(envelope):
                match event:
                    case events.Message(message=message):
                        print(json.dumps({"heard": message.text}), flush=True)
                    case events.Duplicate():
                        print(json.dumps({"again": True}), flush=True)
                    case events.Undecryptable(cause=cause):
                        print(json.dumps({"undecryptable": cause.name}), flush=True)
            relay.acknowledge(number)
            take_turn(client, name)
            flush(client, relay)


def take_turn(client: Client, name: str) -> None:
    """Says the next line if it is ours to say. Whose turn it is follows from the history, so a line is said once, whenever
    the process died."""
    for contact in client.contacts():
        history = client.conversation(contact.address).messages(limit=1000)
        said = sum(message.outgoing for message in history)
        heard = len(history) - said
        due = heard if name == "bob" else heard + 1
        if said < min(due, EACH):
            client.send(contact.address, LINES[name][said])


def flush(client: Client, relay: Relay) -> None:
    """Hands the outbox to the relay. What the relay has not confirmed stays in it."""
    for envelope in client.outbox():
        relay.deliver(envelope.to, envelope.bytes)
        client.mark_sent([envelope.id])


class Relay:
    """A party's end of the line to the relay: one JSON object a line."""

    def __init__(self, port: int, address: str) -> None:
        # Two files: one for both directions would drop what it has read ahead whenever it writes.
        connection = socket.create_connection(("127.0.0.1", port))
        self._in = connection.makefile("r", encoding="ascii")
        self._out = connection.makefile("w", encoding="ascii")
        self._waiting: list[tuple[int, bytes]] = []
        self._write({"hello": address})

    def _write(self, message: dict[str, Any]) -> None:
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()

    def deliver(self, to: str, envelope: bytes) -> None:
        """Returns when the relay has taken the envelope."""
        self._write({"deliver": envelope.hex(), "to": to})
        for line in self._in:
            message = json.loads(line)
            if "taken" in message:
                return
            self._waiting.append((message["number"], bytes.fromhex(message["envelope"])))
        raise ConnectionError("the relay has gone")

    def deliveries(self) -> Any:
        """What the relay brings, until it closes the line."""
        while True:
            while self._waiting:
                yield self._waiting.pop(0)
            line = self._in.readline()
            if not line:
                return
            message = json.loads(line)
            self._waiting.append((message["number"], bytes.fromhex(message["envelope"])))

    def acknowledge(self, number: int) -> None:
        """Tells the relay that the envelope need not come again."""
        self._write({"have": number})


# --- the relay and the director ------------------------------------------------------------------------------------------------


class Director:
    """Starts the parties, carries their envelopes, kills them, and shows what happens."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.news: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self.lock = threading.Lock()
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self.killed: set[str] = set()
        self.invitation: str | None = None
        self.name_of: dict[str, str] = {}
        self.lines: dict[str, TextIO] = {}
        self.connections: list[socket.socket] = []
        self.mail: dict[str, dict[int, str]] = {}
        self.numbers = 0
        self.seen: set[str] = set()
        self.sent = dict.fromkeys(LINES, 0)
        self.handed = dict.fromkeys(LINES, 0)
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    def start(self, name: str) -> None:
        """Starts a party, or starts it again."""
        command = [sys.executable, __file__, "party", name, str(self.folder / f"{name}.wl")]
        command.append(str(self.listener.getsockname()[1]))
        if name == "alice" and self.invitation is not None:
            command.append(self.invitation)
        environment = os.environ | {"DEMO_PASSPHRASE": f"the passphrase of {name}"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        self.processes[name] = process
        threading.Thread(target=self._listen, args=(name, process), daemon=True).start()

    def _listen(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            # A kill may cut the last line short.
            if line.endswith("\n"):
                self.news.put((name, json.loads(line)))
        self.news.put((name, {"ended": process.wait()}))

    def _accept(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        incoming = connection.makefile("r", encoding="ascii")
        outgoing = connection.makefile("w", encoding="ascii")
        address = json.loads(incoming.readline())["hello"]
        with self.lock:
            # Alice comes with an invitation, so the first to say hello is Bob.
            name = self.name_of.setdefault(address, "alice" if self.name_of else "bob")
            self.lines[address] = outgoing
            for number, envelope in sorted(self.mail.setdefault(address, {}).items()):
                self._hand(address, number, envelope)
        try:
            for line in incoming:
                message = json.loads(line)
                with self.lock:
                    if "have" in message:
                        self.mail[address].pop(message["have"], None)
                        self.news.put((name, {"acknowledged": message["have"]}))
                    elif self._take(name, message):
                        outgoing.write('{"taken": true}\n')
                        outgoing.flush()
        except (OSError, ValueError):
            pass  # The process at the other end was killed.

    def _take(self, name: str, message: dict[str, Any]) -> bool:
        self.numbers += 1
        self.seen.add(message["deliver"])
        self.mail.setdefault(message["to"], {})[self.numbers] = message["deliver"]
        self._hand(message["to"], self.numbers, message["deliver"])
        self.sent[name] += 1
        if self.sent[name] == KILL_SENDER.get(name):
            self.kill(name, "after it sent, before it knows that it sent")
            return False
        return True

    def _hand(self, address: str, number: int, envelope: str) -> None:
        line = self.lines.get(address)
        if line is None:
            return
        name = self.name_of[address]
        try:
            line.write(json.dumps({"number": number, "envelope": envelope}) + "\n")
            line.flush()
        except (OSError, ValueError):
            return  # It will be handed over when the process is back.
        self.handed[name] += 1
        if self.handed[name] == KILL_RECEIVER.get(name):
            self.kill(name, "while it takes a message in")

    def kill(self, name: str, when: str) -> None:
        """SIGKILL: nothing is saved, nothing is closed."""
        self.killed.add(name)
        self.processes[name].kill()
        self.news.put((name, {"killed": when}))

    def run(self) -> int:
        """The whole demo; how many messages were lost or repeated."""
        began = time.monotonic()
        self.start("bob")
        kills = 0
        while not self._all_told():
            name, news = self.news.get(timeout=TIMEOUT)
            other = "alice" if name == "bob" else "bob"
            if "invitation" in news:
                self.invitation = news["invitation"]
                print(f"\n--- {name} shows an invitation; it is all that alice gets\n")
                print(Bundle.from_uri(news["invitation"]).qr_terminal())
                print(f"\n{news['invitation']}\n\n--- they talk\n")
                self.start("alice")
            elif "heard" in news:
                print(f"{other:>7} > {news['heard']}")
            elif "again" in news:
                print(f"        ({name} got an envelope again, and knows it)")
            elif "undecryptable" in news:
                print(f"        ({name} cannot read an envelope: {news['undecryptable']})")
            elif "killed" in news:
                kills += 1
                print(f"        *** SIGKILL to {name}, {news['killed']}")
            elif "ended" in news:
                if name not in self.killed:
                    print(f"        {name} ended by itself, with status {news['ended']}")
                    self.stop()
                    return 1
                self.killed.remove(name)
                print(f"        *** {name} starts again and opens its store")
                with self.lock:
                    self._hang_up(name)
                self.start(name)
        self.stop()
        verdict = self.compare()
        print(f"\n{kills} kills, {time.monotonic() - began:.1f} seconds")
        return verdict

    def _hang_up(self, name: str) -> None:
        for address, known in self.name_of.items():
            if known == name:
                self.lines.pop(address, None)

    def _all_told(self) -> bool:
        """True when each message and its receipt has come to the relay, and nothing is on the way any more."""
        with self.lock:
            return len(self.seen) == 4 * EACH and not any(self.mail.values())

    def stop(self) -> None:
        """Closes the lines; the parties end by themselves and close their stores."""
        with self.lock:
            for connection in self.connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for process in self.processes.values():
            process.wait(timeout=TIMEOUT)

    def compare(self) -> int:
        """Reads both histories from the stores and compares them with what was to be said."""
        wanted = [LINES[name][i] for i in range(EACH) for name in ("alice", "bob")]
        lost = repeated = 0
        for name in LINES:
            store = self.folder / f"{name}.wl"
            with Client.open(store, passphrase=f"the passphrase of {name}") as client:
                (contact,) = client.contacts()
                history = client.conversation(contact.address).messages(limit=1000)
            told = [message.text for message in history]
            lost += sum(line not in told for line in wanted)
            repeated += sum(told.count(line) - 1 for line in wanted if line in told)
            in_order = "in order" if told == wanted else "NOT in order"
            print(f"--- {name}'s history: {len(told)} messages, {in_order}")
            lost += told != wanted and not lost and not repeated
        lost += self.back_up(wanted)
        print(f"\n{lost} lost, {repeated} repeated")
        return lost + repeated

    def back_up(self, wanted: list[str]) -> int:
        """Takes alice's history to a new device by a backup; how many messages did not come along."""
        passphrase, backup = "the passphrase of alice", self.folder / "alice.backup"
        key, backup_key = StoreKey.from_passphrase(passphrase), StoreKey.from_passphrase("another")
        with contextlib.closing(EncryptedStore.open(str(self.folder / "alice.wl"), key)) as store:
            store.export_backup(backup, backup_key, progress_bar("--- backup  "))
        new = self.folder / "alice-2.wl"
        EncryptedStore.import_backup(backup, backup_key, new, key, progress_bar("--- restore ")).close()
        with Client.open(new, passphrase=passphrase) as client:
            (contact,) = client.contacts()
            told = [message.text for message in client.conversation(contact.address).messages(limit=1000)]
        return sum(line not in told for line in wanted)


def progress_bar(title: str) -> Any:
    """Draws how far a long work has come: on one line of a terminal, else once at the end."""

    def draw(done: int, total: int) -> None:
        finished = done == total
        if sys.stdout.isatty() or finished:
            bar = ("#" * (24 * done // total)).ljust(24, ".")
            print(f"\r{title}[{bar}] {done} of {total} records", end="\n" if finished else "", flush=True)

    return draw


def main() -> int:
    """The director, or one party."""
    if sys.argv[1:2] == ["party"]:
        name, path, port, *invitation = sys.argv[2:]
        party(name, path, int(port), invitation[0] if invitation else None)
        return 0
    with tempfile.TemporaryDirectory(prefix="windlass-demo-") as folder:
        return 1 if Director(Path(folder)).run() else 0


if __name__ == "__main__":
    sys.exit(main())

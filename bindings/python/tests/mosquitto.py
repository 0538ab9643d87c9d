"""A real broker on loopback, for tests."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import paho.mqtt.publish
import pytest

PATIENCE = 600.0
"""Seconds after which what was waited for will not come any more."""


ANSWERS = {
    "bwrap": ("--version", "bubblewrap "),
    "chromium": ("--version", "Chromium "),
    "mosquitto": ("-h", "mosquitto version"),
    "mosquitto_passwd": ("-h", "mosquitto_passwd is a tool"),
    "openssl": ("version", "OpenSSL "),
    "qrencode": ("--version", "qrencode version"),
    "systemd-analyze": ("--version", "systemd "),
    "tmux": ("-V", "tmux "),
    "zbarimg": ("--help", "decode bar codes"),
}
"""With what a program is asked what it is, and what is in its answer: another one may have its name."""


def tool(name: str) -> str:
    """The program, or a skip; with CI set a missing one is a failure."""
    # Debian puts servers where a user's path does not lead.
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    argument, answer = ANSWERS[name]
    if found is not None:
        asked = subprocess.run([found, argument], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if answer in asked.stdout + asked.stderr:
            return found
    reason = f"{name} is not installed" if found is None else f"{found} is another program"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


class Broker:
    """Keeps its sessions on disk, so that it can be restarted. A context manager."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.program = tool("mosquitto")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.config = folder / "mosquitto.conf"
        lines = [
            f"listener {self.port} 127.0.0.1",
            "persistence true",
            f"persistence_location {folder}/",
            "max_queued_messages 0",
            "set_tcp_nodelay true",
            # Started by root it would become somebody who may not write here.
            f"user {getpass.getuser()}",
            *(settings or ("allow_anonymous true",)),
        ]
        self.config.write_text("\n".join(lines) + "\n")
        self.log = folder / "mosquitto.log"

    @property
    def url(self) -> str:
        """Where it is."""
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it listens."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen([self.program, "-c", self.config], stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()

    def stop(self) -> None:
        """It saves its sessions and ends."""
        self.process.terminate()
        self.process.wait(PATIENCE)

    def kill(self) -> None:
        """SIGKILL: what it has not saved is lost."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Broker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def publish(broker: Broker, topic: str, *payloads: bytes, qos: int = 0, retain: bool = False) -> None:
    """By a client that is not ours; returns once the broker has them, with a quality of service."""
    paho.mqtt.publish.multiple([(topic, payload, qos, retain) for payload in payloads], "127.0.0.1", broker.port)

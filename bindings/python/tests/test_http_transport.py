"""The example of a transport over HTTP: a conversation, and attacks on its server."""

import asyncio
import importlib.util
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from people import KEY, PATIENCE

from windlass_chat import Identity
from windlass_chat.bot import Bot, Message
from windlass_chat.transport import NoMailbox, TooLarge, TransportError, transport_of

PROGRAM = Path(__file__).parents[3] / "examples/python/http_transport.py"


def load() -> Any:
    spec = importlib.util.spec_from_file_location("http_transport", PROGRAM)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    setattr(module, "POLL_SECONDS", 0.05)
    return module


example = load()


def test_the_http_transport_carries_a_conversation_over_a_restart_of_its_server(tmp_path: Path) -> None:
    def serve(port: int = 0) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, str(PROGRAM), str(tmp_path / "mail.db"), str(port)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    async def talk() -> None:
        server, url = serve()
        bot = Bot(tmp_path / "bot.wl", key=KEY, transport=url)
        user = Bot(tmp_path / "user.wl", key=KEY, transport=url)
        heard: asyncio.Queue[str] = asyncio.Queue()

        @bot.on_message
        async def echo(message: Message) -> None:
            await message.reply(message.text)

        @user.on_message
        async def hear(message: Message) -> None:
            await heard.put(message.text)

        with pytest.raises(NoMailbox):
            await transport_of(url).deliver("nobody", b"?")
        async with bot, user:
            user.client.add_contact(bot.client.bundle())
            await user.send(bot.address, "one")
            assert await asyncio.wait_for(heard.get(), PATIENCE) == "one"
            assert await transport_of(url).fetch_bundle(bot.address) is not None
            assert await transport_of(url).fetch_bundle("nobody") is None
            server.kill()
            server.wait()
            await user.send(bot.address, "two")
            server, again = serve(urlsplit(url).port or 0)
            # Its account is shown once.
            assert url.startswith(f"{again}/") and len(url) > len(again) + 20
            assert await asyncio.wait_for(heard.get(), PATIENCE) == "two"
            assert not any(party._running is None or party._running.broken.done() for party in (bot, user))
        server.kill()
        server.wait()

    asyncio.run(talk())


class Post:
    """A server in this process, and requests to it as anybody may make them."""

    def __init__(self, path: Path) -> None:
        self.mail = example.Mail(str(path))
        self.server = example.Server(self.mail, 0)
        self.port: int = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def ask(self, token: str, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        request = Request(f"http://127.0.0.1:{self.port}/{token}/{path}", data=body, method=method)
        try:
            with urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            with error:
                return error.code, b""

    def say(self, text: str) -> bytes:
        """What is answered to these bytes, and that it is answered."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            connection.sendall(text.encode())
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while more := connection.recv(4_096):
                answer += more
            return answer.partition(b"\r\n")[0]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    post = Post(tmp_path / "mail.db")
    yield post
    post.server.shutdown()
    post.server.server_close()


def address() -> str:
    return Identity.generate().address()


def test_nobody_without_an_account_gets_anything(post: Post) -> None:
    token, somebody = post.mail.new_account(), address()
    assert post.ask(token, "PUT", f"inbox/{somebody}/1", b"") == (200, b"")
    for wrong in ("", "x", token[:-1], token + "x", "%00", "../" + token):
        for method, path in (
            ("PUT", f"inbox/{address()}/1"),
            ("PUT", f"bundle/{somebody}"),
            ("POST", f"inbox/{somebody}"),
            ("GET", f"inbox/{somebody}/1"),
            ("GET", f"bundle/{somebody}"),
        ):
            assert post.ask(wrong, method, path, b"x")[0] == 401, (wrong, path)
    # Whoever finds the file finds no account.
    assert post.mail.run("SELECT 1 FROM account WHERE instr(hash, ?)", token.encode()) == []


def test_what_one_account_registered_no_other_reads_empties_or_replaces(post: Post) -> None:
    ours, theirs, somebody = post.mail.new_account(), post.mail.new_account(), address()
    assert post.ask(ours, "PUT", f"inbox/{somebody}/1", b"")[0] == 200
    assert post.ask(ours, "PUT", f"bundle/{somebody}", b"bundle")[0] == 200
    # Writing and looking is for everybody with an account.
    assert post.ask(theirs, "POST", f"inbox/{somebody}", b"letter")[0] == 200
    assert post.ask(theirs, "GET", f"bundle/{somebody}") == (200, b"bundle")
    (number,) = json.loads(post.ask(ours, "GET", f"inbox/{somebody}/1")[1])
    for method, path in (
        ("PUT", f"inbox/{somebody}/1"),
        ("PUT", f"inbox/{somebody}/2"),
        ("PUT", f"bundle/{somebody}"),
        ("GET", f"inbox/{somebody}/1"),
        ("GET", f"inbox/{somebody}/1/{number}"),
        ("DELETE", f"inbox/{somebody}/1/{number}"),
    ):
        assert post.ask(theirs, method, path, b"x" if method == "PUT" else None)[0] == 403, path
    # Nor by the way over an address of theirs.
    other = address()
    assert post.ask(theirs, "PUT", f"inbox/{other}/1", b"")[0] == 200
    assert post.ask(theirs, "GET", f"inbox/{other}/1/{number}")[0] == 404
    assert post.ask(theirs, "DELETE", f"inbox/{other}/1/{number}")[0] == 200
    assert post.ask(ours, "GET", f"inbox/{somebody}/1/{number}") == (200, b"letter")
    assert post.ask(ours, "DELETE", f"inbox/{somebody}/1/{number}")[0] == 200
    assert post.ask(ours, "GET", f"inbox/{somebody}/1/{number}")[0] == 404
    assert post.mail.run("SELECT count(*) FROM mail") == [(0,)]


def test_a_letter_is_kept_once_however_many_devices_there_are(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """And there are not three hundred of them, nor addresses without end, nor mail."""
    token, somebody = post.mail.new_account(), address()
    answers = [post.ask(token, "PUT", f"inbox/{somebody}/{device}", b"")[0] for device in range(300)]
    assert answers == [200] * example.DEVICES + [409] * (300 - example.DEVICES)
    assert post.ask(token, "POST", f"inbox/{somebody}", bytes(1_000_000))[0] == 200
    assert post.mail.run("SELECT count(*), sum(length(bytes)) FROM mail") == [(1, 1_000_000)]
    registered = [post.ask(token, "PUT", f"inbox/{address()}/1", b"")[0] for _ in range(example.ADDRESSES)]
    assert registered == [200] * (example.ADDRESSES - 1) + [403]
    monkeypatch.setattr(example, "LETTERS_BYTES", 2_500_000)
    assert [post.ask(token, "POST", f"inbox/{somebody}", bytes(1_000_000))[0] for _ in range(3)] == [200, 507, 507]
    monkeypatch.setattr(example, "LETTERS", 3)
    assert [post.ask(token, "POST", f"inbox/{somebody}", b"x")[0] for _ in range(3)] == [200, 507, 507]
    # The last of the devices that has it lets go of it.
    for device in range(example.DEVICES):
        for number in json.loads(post.ask(token, "GET", f"inbox/{somebody}/{device}")[1]):
            assert post.mail.run("SELECT count(*) FROM mail WHERE number = ?", number) == [(1,)]
            post.ask(token, "DELETE", f"inbox/{somebody}/{device}/{number}")
    assert post.mail.run("SELECT count(*) FROM mail") == [(0,)]


def test_what_nobody_fetched_in_a_month_is_gone(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    token, somebody = post.mail.new_account(), address()
    post.ask(token, "PUT", f"inbox/{somebody}/1", b"")
    post.ask(token, "POST", f"inbox/{somebody}", b"letter")
    monkeypatch.setattr(example, "KEPT_SECONDS", -1)
    post.ask(token, "PUT", f"inbox/{somebody}/1", b"")
    assert post.ask(token, "GET", f"inbox/{somebody}/1") == (200, b"[]")
    assert post.mail.run("SELECT count(*) FROM waiting") == [(0,)]


LENGTHS = {
    "Content-Length: -1": b"400",
    "Content-Length: +3": b"400",
    "Content-Length: 3.0": b"400",
    "Content-Length: 0x3": b"400",
    "Content-Length: three": b"400",
    "Content-Length: \u0663": b"400",
    "Content-Length:": b"400",
    "Content-Length: 3, 3": b"400",
    "Content-Length: 3\r\nContent-Length: 3": b"400",
    "Content-Length: 9": b"400",
    "Content-Length: 16777217": b"413",
    "Content-Length: 999999999999999999": b"413",
    "Content-Length: 99999999999999999999999999": b"400",
    "Transfer-Encoding: chunked": b"411",
    "Content-Length: 3\r\nTransfer-Encoding: chunked": b"411",
    "Content-Length: 3": b"200",
}


def test_a_length_that_is_none_is_refused(post: Post) -> None:
    token, somebody = post.mail.new_account(), address()
    post.ask(token, "PUT", f"inbox/{somebody}/1", b"")
    for length, code in LENGTHS.items():
        answer = post.say(f"POST /{token}/inbox/{somebody} HTTP/1.1\r\n{length}\r\n\r\nabc")
        assert answer.split(b" ")[1] == code, length
    assert post.mail.run("SELECT bytes FROM mail") == [(b"abc",)]


NO_PATHS = """
inbox
inbox/
inbox/nobody/1
inbox/ADDRESS/
inbox/ADDRESS/-1
inbox/ADDRESS/4294967296
inbox/ADDRESS/%31
inbox/ADDRESS/x
inbox/ADDRESS/1/9223372036854775808
inbox/ADDRESS/1/1/1
bundle/ADDRESS/1
bundle/../account
bundle/'+OR+1
"""


def test_a_path_that_is_none_is_refused(post: Post) -> None:
    token, somebody = post.mail.new_account(), address()
    post.ask(token, "PUT", f"inbox/{somebody}/1", b"")
    for path in NO_PATHS.replace("ADDRESS", somebody).split("\n"):
        for method in ("GET", "PUT", "DELETE", "POST"):
            said = post.say(f"{method} /{token}/{path} HTTP/1.0\r\n\r\n")
            assert said.split(b" ")[1] in (b"400", b"403", b"404"), (method, path, said)


def test_the_transport_speaks_in_clear_text_with_this_machine_alone_and_says_no_token(tmp_path: Path, post: Post) -> None:
    for wrong in ("http://broker.example/secret", "http://10.0.0.1:8080/secret"):
        with pytest.raises(ValueError, match="not encrypted") as told:
            transport_of(wrong)
        assert "secret" not in str(told.value)
    transport_of("http://10.0.0.1/secret?cleartext=yes")
    transport_of("https://broker.example/secret")

    async def talk(url: str) -> None:
        transport, somebody = transport_of(url), address()
        await transport.start(somebody, 1)
        await transport.publish_bundle(somebody, b"bundle")
        assert await transport.fetch_bundle(somebody) == b"bundle"
        with pytest.raises(TooLarge):
            await transport.deliver(somebody, bytes(example.LARGEST + 1))
        with pytest.raises(TransportError) as told:
            await transport_of(f"http://127.0.0.1:{post.port}/guessed").deliver(somebody, b"x")
        assert str(told.value) == "the server says 401"

    (tmp_path / "token").write_text(post.mail.new_account() + "\n")
    asyncio.run(talk(f"http://127.0.0.1:{post.port}?token_file={tmp_path}/token"))

"""Files that a bot sends and saves: encrypted, by a folder or a server, and from nowhere else."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from windlass_chat import Attachment, Body
from windlass_chat.bot import Bot, DirectoryFiles, Files, FilesError, HttpFiles, Job, Message, SettingsError
from windlass_chat.testing import BotTestClient

TOKEN = "a token"


class Server(BaseHTTPRequestHandler):
    """Keeps what is put, and breaks each answer off halfway until somebody asks for the rest."""

    kept: dict[str, bytes] = {}
    seen: list[str] = []

    def do_PUT(self) -> None:
        allowed = self.headers["Authorization"] == f"Bearer {TOKEN}"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if allowed:
            self.kept[self.path] = body
        self.send_response(201 if allowed else 403)
        self.end_headers()

    def do_GET(self) -> None:
        wanted = self.headers["Range"]
        self.seen.append(f"{wanted}")
        if self.path not in self.kept:
            self.send_response(302 if self.path.endswith("elsewhere") else 404)
            self.send_header("Location", "http://localhost:1/")
            self.end_headers()
            return
        body = self.kept[self.path]
        begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body) - begin))
        self.end_headers()
        self.wfile.write(body[begin:] if wanted else body[: len(body) // 2])

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def server() -> Iterator[str]:
    Server.kept, Server.seen = {}, []
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}/files"
        serving.shutdown()
        thread.join()


def librarian(files: Files | str | None, folder: Path) -> Bot:
    """Saves what it is sent, and sends it back."""
    bot = Bot(folder / "never.wl", key=bytes(32), files=files)

    @bot.command("job")
    async def plan(message: Message) -> None:
        await bot.jobs.at(bot.client.now(), "chart", {"to": message.conversation})

    @bot.job("chart")
    async def chart(job: Job) -> None:
        await job.send_file(job.data["to"], folder / "chart.txt", "text/x-chart")

    @bot.on_message
    async def back(message: Message) -> None:
        saved = folder / "saved"
        saved.mkdir(exist_ok=True)
        path = await message.save(saved)
        await message.reply(path.read_text()[:20])
        await message.reply_file(path)
        path.unlink()

    return bot


async def send_file(client: BotTestClient, place: Files, path: Path, location: str | None = None) -> list[object]:
    """Sends the bot a file; what the bot answers."""
    await client.heard()
    encrypted = path.with_suffix(".encrypted")
    encrypted.unlink(missing_ok=True)
    attachment = Attachment.encrypt(path, encrypted, "text/plain")
    where = location or await place.put(encrypted, "0123456789abcdef")
    client.client.conversation(client.bot.address).send_attachment(attachment, where)
    await client.settle()
    said: list[object] = []
    for message in await client.heard():
        if isinstance(message.body, Body.ATTACHMENT):
            info = message.body.attachment
            fetched, plain = path.with_suffix(".fetched"), path.with_suffix(".plain")
            fetched.unlink(missing_ok=True)
            plain.unlink(missing_ok=True)
            await place.get(info.location, fetched, 1_000_000)
            client.client.conversation(client.bot.address).save_attachment(message, fetched, plain)
            said.append((info.name, info.media_type, plain.read_text()))
        else:
            said.append(message.text)
    return said


@pytest.mark.parametrize("by_http", [False, True])
def test_a_file_is_saved_and_sent_back(tmp_path: Path, by_http: bool) -> None:
    async def talk(url: str) -> None:
        place: Files = HttpFiles(url, TOKEN) if by_http else DirectoryFiles(tmp_path / "place", "https://files.example")
        client = BotTestClient(librarian(place, tmp_path))
        chart = tmp_path / "chart.txt"
        text = "here be dragons\n" * 10_000
        chart.write_text(text)
        assert await send_file(client, place, chart) == [text[:20], ("chart.txt", "text/plain", text)]
        assert await client.say("/job") == ""
        bodies = [one.body for one in client.client.conversation(client.bot.address).messages()]
        kinds = [body.attachment.media_type for body in bodies if isinstance(body, Body.ATTACHMENT)]
        assert kinds == ["text/plain", "text/plain", "text/x-chart"]
        if by_http:
            # It went on where it broke off.
            assert [wanted.startswith("bytes=") for wanted in Server.seen] == [False, True] * 2
            with pytest.raises(FilesError, match="403"):
                await HttpFiles(url, "another").put(chart, "name")
        else:
            assert not list((tmp_path / "place").glob("*.part"))

    with server() as url:
        asyncio.run(talk(url))


def test_nothing_is_fetched_from_elsewhere_or_without_end(tmp_path: Path) -> None:
    async def talk(url: str) -> None:
        place = HttpFiles(url, TOKEN)
        client = BotTestClient(librarian(place, tmp_path))
        chart = tmp_path / "chart.txt"
        chart.write_text("here be dragons")
        for location in ("http://127.0.0.1:1/x", f"{url}/../secret", f"{url}/a?b", f"{url}/", url, f"{url}/missing", f"{url}/elsewhere"):
            with pytest.raises(FilesError):
                await send_file(client, place, chart, location)
        here = DirectoryFiles(tmp_path)
        for location in ("file:///etc/passwd", f"{tmp_path.as_uri()}/../x", f"{tmp_path.as_uri()}/nothing"):
            with pytest.raises(FilesError):
                await here.get(location, tmp_path / "got", 100)
        Server.kept["/files/large"] = bytes(1_000)
        with pytest.raises(FilesError, match="too large"):
            await place.get(f"{url}/large", tmp_path / "got", 100)
        with pytest.raises(ValueError, match="no file"):
            await client.say("a text")

    with server() as url:
        asyncio.run(talk(url))


def test_a_handler_that_fails_sends_no_file(tmp_path: Path) -> None:
    async def talk() -> None:
        bot = Bot(tmp_path / "never.wl", key=bytes(32), files=(tmp_path / "place").as_uri())
        (tmp_path / "chart.txt").write_text("here be dragons")

        @bot.on_message
        async def answer(message: Message) -> None:
            await message.reply_file(tmp_path / "chart.txt", quote=False)
            await message.reply("with it")
            if message.text == "fail":
                raise ZeroDivisionError

        client = BotTestClient(bot)
        with pytest.raises(ZeroDivisionError):
            await client.say("fail")
        assert await client.heard() == []
        assert await client.say("well") == "\nwith it"

    asyncio.run(talk())
    for place in ("ftp://files.example", "http://files.example"):
        with pytest.raises(ValueError):
            Bot(tmp_path / "never.wl", key=bytes(32), files=place).files
    with pytest.raises(SettingsError, match="WINDLASS_FILES"):
        Bot(tmp_path / "never.wl", key=bytes(32)).files


class Breaking(BaseHTTPRequestHandler):
    """Breaks the first upload of each file off halfway. What it does with the rest its path says: takes, refuses, or does not know what a rest is."""

    kept: dict[str, bytes] = {}
    seen: list[str] = []

    def do_PUT(self) -> None:
        length, span = int(self.headers["Content-Length"]), self.headers["Content-Range"]
        self.seen.append(f"PUT {span}")
        if self.path not in self.kept:
            self.kept[self.path] = self.rfile.read(length // 2)
            self.connection.close()
            return
        body = self.rfile.read(length)
        if span and "refuses" in self.path:
            self.send_response(501)
        else:
            rest = span and "takes" in self.path
            self.kept[self.path] = (self.kept[self.path] if rest else b"") + body
            self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.kept.get(self.path, b""))))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("kind, puts", [("takes", 2), ("refuses", 3), ("ignores", 3)])
def test_an_upload_that_broke_off_goes_on_or_begins_anew(kind: str, puts: int, tmp_path: Path) -> None:
    Breaking.kept, Breaking.seen = {}, []
    content = bytes(range(256)) * 4_000
    (tmp_path / "file").write_bytes(content)
    with ThreadingHTTPServer(("127.0.0.1", 0), Breaking) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        try:
            files = HttpFiles(f"http://127.0.0.1:{serving.server_port}/{kind}")
            asyncio.run(files.put(tmp_path / "file", "name"))
        finally:
            serving.shutdown()
            thread.join()
    assert Breaking.kept == {f"/{kind}/name": content}
    half = len(content) // 2
    assert Breaking.seen[:2] == ["PUT None", f"PUT bytes {half}-{len(content) - 1}/{len(content)}"]
    assert len(Breaking.seen) == puts

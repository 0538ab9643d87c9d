"""One more transport: a mailbox server over HTTP, and the class that speaks with it. The standard library is enough.

    python http_transport.py mail.db 8080                # the server

    import http_transport                                # a bot that uses it
    bot = Bot("bot.wl", key_env="BOT_KEY", transport="http://localhost:8080")

The server sees addresses and sizes, nothing else. It asks nobody who they are; put something in front of it that does.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from windlass.transport import Incoming, NoMailbox, Transport, TransportError, register

POLL_SECONDS = 1.0
LARGEST = 16 * 1024 * 1024
TABLES = """
CREATE TABLE IF NOT EXISTS bundle (address TEXT PRIMARY KEY, bytes BLOB);
CREATE TABLE IF NOT EXISTS device (address TEXT, device INTEGER, PRIMARY KEY (address, device));
CREATE TABLE IF NOT EXISTS mail (number INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT, device INTEGER, bytes BLOB);
"""


class HttpTransport(Transport):
    """Asks the server every second. What it was not told to delete it brings again."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._box = ""

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        def ask() -> bytes:
            request = urllib.request.Request(f"{self._url}/{path}", data=body, method=method)
            with urllib.request.urlopen(request, timeout=30) as answer:
                content: bytes = answer.read()
                return content

        try:
            return await asyncio.to_thread(ask)
        except urllib.error.HTTPError as error:
            error.close()
            raise (NoMailbox if error.code == 404 else TransportError)(f"the server says {error.code}") from None
        except OSError as error:
            raise TransportError("the server cannot be reached") from error

    async def start(self, address: str, device: int) -> None:
        self._box = f"inbox/{address}/{device}"
        self._closed = asyncio.Event()

    async def publish_bundle(self, address: str, bundle: bytes) -> None:
        await self._ask("PUT", f"bundle/{address}", bundle)

    async def fetch_bundle(self, address: str) -> bytes | None:
        try:
            return await self._ask("GET", f"bundle/{address}")
        except NoMailbox:
            return None

    async def deliver(self, address: str, envelope: bytes) -> None:
        await self._ask("POST", f"inbox/{address}", envelope)

    async def receive(self) -> AsyncIterator[Incoming]:
        await self._ask("PUT", self._box, b"")
        handed: set[int] = set()
        while not self._closed.is_set():
            waiting: list[int] = json.loads(await self._ask("GET", self._box))
            handed &= set(waiting)
            for number in waiting:
                if number not in handed:
                    handed.add(number)
                    mail = f"{self._box}/{number}"

                    async def acknowledge(mail: str = mail) -> None:
                        await self._ask("DELETE", mail)

                    yield Incoming(await self._ask("GET", mail), acknowledge)
            try:
                await asyncio.wait_for(self._closed.wait(), POLL_SECONDS)
            except asyncio.TimeoutError:
                pass

    async def close(self) -> None:
        self._closed.set()


register("http", HttpTransport)
register("https", HttpTransport)


class Server(ThreadingHTTPServer):
    """Keeps the mail in one SQLite file: when it says yes, the mail is on the disk."""

    def __init__(self, path: str, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.lock = threading.Lock()
        self.mail = sqlite3.connect(path, check_same_thread=False)
        self.mail.executescript(TABLES)

    def run(self, statement: str, *values: object) -> list[tuple[bytes | int, ...]]:
        with self.lock, self.mail:
            return self.mail.execute(statement, values).fetchall()


class Handler(BaseHTTPRequestHandler):
    """bundle/A: PUT, GET. inbox/A: POST. inbox/A/DEVICE: PUT opens, GET lists. inbox/A/DEVICE/NUMBER: GET, DELETE."""

    server: Server

    def serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST:
            return self.answer(413)
        body = self.rfile.read(length)
        run = self.server.run
        match self.command, self.path.strip("/").split("/"):
            case "PUT", ["bundle", address]:
                run("REPLACE INTO bundle VALUES (?, ?)", address, body)
            case "GET", ["bundle", address]:
                return self.found(run("SELECT bytes FROM bundle WHERE address = ?", address))
            case "POST", ["inbox", address]:
                everybody = "SELECT address, device, ? FROM device WHERE address = ?"
                if not run(f"INSERT INTO mail (address, device, bytes) {everybody} RETURNING 1", body, address):
                    return self.answer(404)
            case "PUT", ["inbox", address, device]:
                run("INSERT OR IGNORE INTO device VALUES (?, ?)", address, int(device))
            case "GET", ["inbox", address, device]:
                rows = run("SELECT number FROM mail WHERE address = ? AND device = ? LIMIT 100", address, int(device))
                return self.answer(200, json.dumps([number for (number,) in rows]).encode())
            case "GET", ["inbox", address, device, number]:
                where = "number = ? AND address = ? AND device = ?"
                return self.found(run(f"SELECT bytes FROM mail WHERE {where}", int(number), address, int(device)))
            case "DELETE", ["inbox", address, device, number]:
                where = "number = ? AND address = ? AND device = ?"
                run(f"DELETE FROM mail WHERE {where}", int(number), address, int(device))
            case _:
                return self.answer(400)
        self.answer(200)

    do_GET = do_PUT = do_POST = do_DELETE = serve

    def found(self, rows: list[tuple[bytes | int, ...]]) -> None:
        if rows and isinstance(rows[0][0], bytes):
            self.answer(200, rows[0][0])
        else:
            self.answer(404)

    def answer(self, code: int, body: bytes = b"") -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:
        """Who writes to whom is nobody's business."""


if __name__ == "__main__":
    with Server(sys.argv[1], int(sys.argv[2])) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()

"""Where the encrypted files of a bot are, so that others can fetch them: a folder, an HTTP server, or a class of your own."""

from __future__ import annotations

import os
import shutil
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, unquote, urlsplit

from windlass_chat._threads import in_thread
from windlass_chat.transport.urls import is_loopback

PIECE = 64 * 1024
TRIES = 5
"""How often a transfer is taken up again that broke off."""
PATIENCE = 60.0
"""Seconds within which a server says anything."""


class FilesError(OSError):
    """A file cannot be put there, or fetched from there."""


class Files(ABC):
    """A place for files that are encrypted already: it learns their sizes, and nothing of what they say."""

    @abstractmethod
    async def put(self, encrypted: Path, name: str) -> str:
        """Puts a file there under a name that nobody guesses; its location, by which others fetch it."""

    @abstractmethod
    async def get(self, location: str, to: Path, limit: int) -> None:
        """Fetches a file of at most so many bytes to a new file.

        Raises `FilesError` for one that is larger, and for a location anywhere else: whoever writes to a bot does not choose what it connects to.
        """


class DirectoryFiles(Files):
    """A folder, which some server shows under a URL; without one, for those who have the same disk."""

    def __init__(self, folder: str | os.PathLike[str], url: str | None = None) -> None:
        self._folder = Path(folder).absolute()
        self._url = (url or self._folder.as_uri()).rstrip("/") + "/"

    async def put(self, encrypted: Path, name: str) -> str:
        """Copies it there. It has its name only when it is whole."""

        def copy() -> None:
            self._folder.mkdir(parents=True, exist_ok=True)
            part = self._folder / f"{name}.part"
            shutil.copyfile(encrypted, part)
            os.replace(part, self._folder / name)

        await in_thread(copy)
        return self._url + name

    async def get(self, location: str, to: Path, limit: int) -> None:
        """Copies it from there."""
        path = self._folder / _name_in(self._url, location)

        def copy() -> None:
            if not path.is_file() or path.is_symlink() or path.stat().st_size > limit:
                raise FilesError("there is no such file, or it is too large")
            shutil.copyfile(path, to)

        await in_thread(copy)


class HttpFiles(Files):
    """A server that takes files by PUT and gives them by GET, and goes on where a transfer broke off if it knows ranges: of GET, and of PUT."""

    def __init__(self, url: str, token: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise ValueError("files go by https, or by http on this machine alone")
        self._url = url.rstrip("/") + "/"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def put(self, encrypted: Path, name: str) -> str:
        """Puts it there."""
        location = self._url + name
        await in_thread(_insisting, _Upload(self, encrypted, location).go_on)
        return location

    async def get(self, location: str, to: Path, limit: int) -> None:
        """Fetches it from there."""
        where = self._url + _name_in(self._url, location)

        def get() -> None:
            with to.open("ab") as file:
                there = file.tell()
                with self._open("GET", where, {"Range": f"bytes={there}-"} if there else {}) as answer:
                    if there and answer.status != 206:
                        file.truncate(0)
                    while piece := answer.read(PIECE):
                        if file.tell() + len(piece) > limit:
                            raise _Refused("the file is too large")
                        file.write(piece)
                    length = answer.headers.get("Content-Length")
                    if length is not None and file.tell() < int(length):
                        raise FilesError("the file broke off")

        await in_thread(_insisting, get)

    def _length(self, location: str) -> int:
        """How many bytes are there."""
        try:
            with self._open("HEAD", location, {}) as answer:
                return int(answer.headers.get("Content-Length") or 0)
        except (urllib.error.HTTPError, ValueError):
            return 0

    def _open(self, method: str, url: str, headers: dict[str, str], body: IO[bytes] | None = None) -> HTTPResponse:
        request = urllib.request.Request(url, data=body, method=method, headers=self._headers | headers)
        opened: HTTPResponse = _OPENER.open(request, timeout=PATIENCE)
        return opened


class _Upload:
    """A file on its way. When it broke off, the rest goes where a server has kept the beginning and takes the rest; else all of it again.

    A server that does not know `Content-Range` of a PUT would keep the rest as if it were the file: so it is asked how much it has then.
    """

    def __init__(self, files: HttpFiles, encrypted: Path, location: str) -> None:
        self._files, self._encrypted, self._location = files, encrypted, location
        self._length = encrypted.stat().st_size
        self._goes_on = False
        """Whether something was sent already, and the rest of it may be taken alone."""
        self._takes_parts = True

    def go_on(self) -> None:
        """Sends what is not there yet."""
        there = self._files._length(self._location) if self._goes_on and self._takes_parts else 0
        self._goes_on = True
        if there == self._length:
            return  # Its answer was lost.
        if 0 < there < self._length:
            self._send_rest(there)
        else:
            self._send(0, {})

    def _send_rest(self, there: int) -> None:
        try:
            self._send(there, {"Content-Range": f"bytes {there}-{self._length - 1}/{self._length}"})
        except urllib.error.HTTPError:
            self._takes_parts = False
            raise FilesError("the server takes whole files alone") from None
        if self._files._length(self._location) != self._length:
            self._takes_parts = False
            raise FilesError("the server took the rest for all of it")

    def _send(self, begin: int, headers: dict[str, str]) -> None:
        about = {"Content-Length": str(self._length - begin), "Content-Type": "application/octet-stream"}
        with self._encrypted.open("rb") as body:
            body.seek(begin)
            with self._files._open("PUT", self._location, about | headers, body):
                pass


class _Refused(FilesError):
    """It would be the same again."""


class _NowhereElse(urllib.request.HTTPRedirectHandler):
    """A server does not send us to others."""

    def redirect_request(self, *_: object) -> None:
        """Nothing is followed."""


_OPENER = urllib.request.build_opener(_NowhereElse)


def _insisting(transfer: Callable[[], None]) -> None:
    for left in reversed(range(TRIES)):
        try:
            return transfer()
        except _Refused:
            raise
        except urllib.error.HTTPError as error:
            if error.code < 500 or not left:
                raise FilesError(f"the server answers {error.code}") from None
        except (OSError, HTTPException) as error:
            if not left:
                raise FilesError(f"cannot reach the server: {type(error).__name__}") from None


def _name_in(url: str, location: str) -> str:
    """The name of a file whose location is ours."""
    name = location.removeprefix(url)
    if not location.startswith(url) or not name or not name.isascii() or not name.replace("-", "").isalnum():
        raise FilesError("this file is not at the place where our files are")
    return name


def files_of(url: str) -> Files:
    """The place that a URL means: `file:///srv/files`, `https://files.example/bot?token_file=/run/secrets/files`."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return DirectoryFiles(unquote(parts.path))
    token_file = parse_qs(parts.query).get("token_file")
    token = Path(token_file[0]).read_text(encoding="utf-8").strip() if token_file else None
    return HttpFiles(parts._replace(query="").geturl(), token)

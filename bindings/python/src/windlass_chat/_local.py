"""The socket by which a running bot can be asked: where it is, and who may be at the other end."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDER, NAME = ".bot", "socket"
"""The socket is `STORE.bot/socket`."""
LONGEST_PATH = 100
"""How many bytes of a path any system takes for a socket."""
MOST_BYTES = 64 * 1024
"""How long a question may be."""
MOST_BYTES_OF_ANSWER = 64 * 1024 * 1024
HEARTBEAT_SECONDS = 1.0
"""How often a bot that works on an answer says how far it is."""

# What BSD and macOS call a credential of a socket: a version, the user, and groups.
_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED = 0, 1, struct.Struct("=II")
_UCRED = struct.Struct("=iII")


def folder_of(store: str | os.PathLike[str]) -> Path:
    """The folder of the socket, whichever name leads to the store."""
    return Path(os.path.realpath(store) + FOLDER)


def make_folder(store: str | os.PathLike[str]) -> Path:
    """Makes it, for nobody but us. Raises an `OSError` if it cannot be ours."""
    folder = folder_of(store)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{folder} is not a folder of ours")
    folder.chmod(0o700)
    return folder


@contextlib.contextmanager
def reachable(folder: Path) -> Iterator[str]:
    """The path of the socket, in a form that is short enough for one."""
    path = str(folder / NAME)
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield path
        return
    if not sys.platform.startswith("linux"):
        raise OSError("the path of the store is too long for a socket")
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{opened}/{NAME}"
    finally:
        os.close(opened)


def peer_user(connection: socket.socket) -> int | None:
    """Which user is at the other end; nothing where the system does not say."""
    try:
        if hasattr(socket, "SO_PEERCRED"):
            _, user, _ = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
            return int(user)
        # The groups behind it have to find room.
        _, user = _XUCRED.unpack_from(connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, 128))
        return int(user)
    except (OSError, struct.error):
        return None


def may_ask(user: int | None) -> bool:
    """Whether somebody has the rights of this process anyway: its own user, and the system's administrator."""
    return user is not None and user in (os.geteuid(), 0)

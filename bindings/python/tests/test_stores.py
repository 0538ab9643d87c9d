"""Stores and files as systems have them: without locks, under several names, with names that are no text."""

import ctypes
import os
import platform
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from command import KEY

import windlass_chat
from windlass_chat import Attachment, Client, EncryptedStore, StoreKey

NUMBERS = {"x86_64": (72, 73), "aarch64": (25, 32)}
"""Of the system calls `fcntl` and `flock`."""

WITHOUT_LOCKS = """
import sys, test_stores
test_stores.without_locks(int(sys.argv[1]))
from windlass_chat import Client, WindlassError
for step, path in ((Client.open, sys.argv[2]), (Client.create, sys.argv[3])):
    try:
        step(path, key=bytes(32))
        print("opened")
    except WindlassError as error:
        print(error.code, error.retry, error)
"""


def without_locks(error: int) -> None:
    """From here on every lock of this process fails with this error, as on a file system that has none."""
    fcntl, flock = NUMBERS[platform.machine()]
    load_number, load_argument, equal, give = 0x20, 0x20, 0x15, 0x06
    refuse, allow = 0x00050000 | error, 0x7FFF0000
    program = [
        (load_number, 0, 0, 0),
        (equal, 6, 0, flock),
        (equal, 0, 4, fcntl),
        (load_argument, 0, 0, 24),
        # F_OFD_SETLK, F_OFD_SETLKW, F_SETLK.
        (equal, 3, 0, 37),
        (equal, 2, 0, 38),
        (equal, 1, 0, 6),
        (give, 0, 0, allow),
        (give, 0, 0, refuse),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    filter = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    for call in ((38, 1, 0, 0, 0), (22, 2, filter)):
        if libc.prctl(*call):
            raise OSError(ctypes.get_errno(), "prctl")


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in NUMBERS, reason="only Linux takes locks away from a process"
)
@pytest.mark.parametrize("error", ["ENOLCK", "EOPNOTSUPP", "EINVAL", "ENOSYS"])
def test_a_file_system_without_locks_is_refused_with_its_reason(tmp_path: Path, error: str) -> None:
    import errno

    store, new = tmp_path / "store.wl", tmp_path / "new.wl"
    Client.create(store, key=bytes(32)).close()
    before = store.read_bytes()
    number = getattr(errno, error)
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_LOCKS, str(number), store, new],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])},
    )
    lines = ran.stdout.splitlines()
    assert len(lines) == 2, ran.stderr
    for line in lines:
        assert line.startswith("locks_unsupported False ") and str(tmp_path) in line, line
    assert store.read_bytes() == before and not new.exists()
    # With locks it is as it was, and what the other began is no store.
    Client.open(store, key=bytes(32)).close()
    Client.create(new, key=bytes(32)).close()


def test_a_store_is_one_under_all_its_names(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    real, link, hard = tmp_path / "disk" / "bot.wl", tmp_path / "bot.wl", tmp_path / "hard.wl"
    with Client.create(real, key=KEY) as made:
        address = made.address()
    link.symlink_to(real)
    with Client.open(link, key=KEY) as opened:
        assert opened.address() == address
        with pytest.raises(windlass_chat.StoreLocked):
            Client.open(real, key=KEY)
    os.link(real, hard)
    with Client.open(hard, key=KEY) as opened:
        assert opened.address() == address
    far = tmp_path / "a" / "b" / "far.wl"
    far.parent.mkdir(parents=True)
    os.link(real, far)
    with pytest.raises(windlass_chat.HardLink, match=r"far\.wl"):
        Client.open(far, key=KEY)
    nowhere = tmp_path / "new.wl"
    nowhere.symlink_to(tmp_path / "disk" / "new.wl")
    for step in (Client.create, Client.open):
        with pytest.raises(windlass_chat.DanglingLink, match=r"new\.wl"):
            step(nowhere, key=KEY)
    assert nowhere.is_symlink()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every name of a file is text")
def test_a_name_that_is_no_text_is_a_name(tmp_path: Path) -> None:
    clear = tmp_path / os.fsdecode(b"caf\xe9.txt")
    clear.write_bytes(b"hello")
    store = tmp_path / os.fsdecode(b"b\xf6t.wl")
    with Client.create(store, key=KEY) as alice, Client.create(tmp_path / "bob.wl", key=KEY) as bob:
        alice.add_contact(bob.bundle())
        talk = alice.conversation(bob.address())
        for path in (clear, os.fsencode(clear), os.fspath(clear)):
            sealed, saved = clear.with_suffix(".sealed"), clear.with_suffix(".saved")
            attachment = Attachment.encrypt(path, sealed, "text/plain")
            assert attachment.info().name == "caf\N{REPLACEMENT CHARACTER}.txt"
            talk.send_attachment(attachment, "")
            talk.save_attachment(talk.messages()[-1], sealed, saved)
            assert saved.read_bytes() == b"hello"
            sealed.unlink()
            saved.unlink()
    EncryptedStore.open(store, StoreKey.from_bytes(KEY)).close()
    with pytest.raises(windlass_chat.FileNotFound, match="nowhere"):
        Attachment.encrypt(tmp_path / "nowhere", tmp_path / "sealed", "text/plain")

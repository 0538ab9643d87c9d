"""The secret by which a transport names a mailbox: whose it is, how long, and that it is nobody else's."""

import logging
import os
import shutil
from pathlib import Path

import pytest
from people import KEY

from windlass_chat import Client, DeviceLink, EncryptedStore, StoreKey
from windlass_chat._mailbox import transport_secret
from windlass_chat.testing import Simulation

OTHER = bytes(range(1, 33))


def opened(path: Path, key: bytes = KEY) -> bytes:
    with Client.open(path, key=key) as client:
        return transport_secret(client)


def test_a_store_has_one_mailbox_for_its_life(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.wl"
    with Client.create(path, key=KEY) as client:
        first = transport_secret(client)
        assert len(first) == 32
        client.change_key(StoreKey.from_bytes(OTHER))
        client.shred()
        backup = StoreKey.from_bytes(KEY)
        client.export_backup(tmp_path / "backup", backup)
        assert transport_secret(client) == first
    assert opened(path, OTHER) == first
    # By another name too, and from another folder.
    (tmp_path / "link.wl").symlink_to(path)
    (tmp_path / "link.wl.keys").symlink_to(f"{path}.keys")
    assert opened(tmp_path / "link.wl", OTHER) == first
    before = os.getcwd()
    os.chdir(tmp_path)
    try:
        with Client.open(EncryptedStore.open("a.wl", StoreKey.from_bytes(OTHER))) as client:
            os.chdir(before)
            assert transport_secret(client) == first
    finally:
        os.chdir(before)
    # A copy is the same store, and a backup another one.
    for end in ("", ".keys"):
        shutil.copy(f"{path}{end}", tmp_path / f"copy.wl{end}")
    assert opened(tmp_path / "copy.wl", OTHER) == first
    EncryptedStore.import_backup(tmp_path / "backup", backup, tmp_path / "back.wl", StoreKey.from_bytes(KEY)).close()
    assert opened(tmp_path / "back.wl") != first
    assert not caplog.records


def test_the_devices_of_an_identity_have_a_mailbox_each(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    old = Client.create(tmp_path / "old.wl", key=KEY)
    link = DeviceLink(tmp_path / "new.wl", key=KEY)
    reply = (link.take_answer(old.link_device(link.to_uri())), link.reply())[1]
    old.check_link(reply)
    new = link.finish(old.confirm_link())
    assert new.address() == old.address() and transport_secret(new) != transport_secret(old)
    secret = transport_secret(new)
    for client in (old, new):
        client.close()
    assert opened(tmp_path / "new.wl") == secret
    assert not caplog.records


def test_a_client_without_a_file_has_one_as_long_as_the_process_lives(caplog: pytest.LogCaptureFixture) -> None:
    world = Simulation(seed=1)
    clients = [world.client(world.add_person()) for _ in range(2)]
    first, second = (transport_secret(client) for client in clients)
    assert first != second and transport_secret(clients[0]) == first
    assert not caplog.records


def test_key_slots_that_cannot_be_read_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with Client.create(tmp_path / "a.wl", key=KEY) as client:
        first = transport_secret(client)
        (tmp_path / "a.wl.keys").rename(tmp_path / "away")
        assert transport_secret(client) != first
        assert "cannot be read" in caplog.text
        (tmp_path / "away").rename(tmp_path / "a.wl.keys")
        # One of the two slots may be torn.
        slots = bytearray((tmp_path / "a.wl.keys").read_bytes())
        for torn in (slice(0, 512), slice(512, 1024)):
            half = bytearray(slots)
            half[torn] = bytes(512)
            (tmp_path / "a.wl.keys").write_bytes(half)
            read = transport_secret(client)
            (tmp_path / "a.wl.keys").write_bytes(slots)
            assert read == first

"""The secret by which a transport names a mailbox: whose it is, how long, and that it is nobody else's."""

import os
import shutil
from pathlib import Path

import pytest
from people import KEY

from windlass_chat import Client, DeviceLink, EncryptedStore, StoreKey
from windlass_chat.testing import Simulation

OTHER = bytes(range(1, 33))


def opened(path: Path, key: bytes = KEY) -> bytes:
    with Client.open(path, key=key) as client:
        return client.transport_secret()


def test_a_store_has_one_mailbox_for_its_life(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.wl"
    with Client.create(path, key=KEY) as client:
        first = client.transport_secret()
        assert len(first) == 32
        client.change_key(StoreKey.from_bytes(OTHER))
        client.shred()
        backup = StoreKey.from_bytes(KEY)
        client.export_backup(tmp_path / "backup", backup)
        assert client.transport_secret() == first
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
            assert client.transport_secret() == first
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
    assert new.address() == old.address() and new.transport_secret() != old.transport_secret()
    secret = new.transport_secret()
    for client in (old, new):
        client.close()
    assert opened(tmp_path / "new.wl") == secret
    assert not caplog.records


def test_a_client_without_a_file_has_one_as_long_as_the_process_lives(caplog: pytest.LogCaptureFixture) -> None:
    world = Simulation(seed=1)
    clients = [world.client(world.add_person()) for _ in range(2)]
    first, second = (client.transport_secret() for client in clients)
    assert first != second and clients[0].transport_secret() == first
    assert not caplog.records


def test_key_slots_that_cannot_be_read_change_nothing(tmp_path: Path) -> None:
    with Client.create(tmp_path / "a.wl", key=KEY) as client:
        first = client.transport_secret()
        (tmp_path / "a.wl.keys").rename(tmp_path / "away")
        assert client.transport_secret() == first
        (tmp_path / "away").rename(tmp_path / "a.wl.keys")
        # One of the two slots may be torn.
        slots = bytearray((tmp_path / "a.wl.keys").read_bytes())
        for torn in (slice(0, 512), slice(512, 1024)):
            half = bytearray(slots)
            half[torn] = bytes(512)
            (tmp_path / "a.wl.keys").write_bytes(half)
            read = client.transport_secret()
            (tmp_path / "a.wl.keys").write_bytes(slots)
            assert read == first

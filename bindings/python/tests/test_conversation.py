"""The promises of the package, over real files."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

import windlass_chat
from windlass_chat import AsyncClient, Bundle, Client, Identity, PostQuantum, SessionState, StoreKey, events

KEY = bytes(range(32))
REPOSITORY = Path(__file__).parents[3]


def pair(folder: Path) -> tuple[Client, Client]:
    """Two clients; the first has an invitation of the second."""
    alice = Client.create(folder / "alice.wl", key=KEY)
    bob = Client.create(folder / "bob.wl", key=KEY)
    alice.add_contact(bob.single_use_bundle())
    return alice, bob


def exchange(a: Client, b: Client) -> None:
    """Carries everything that waits, until nothing waits any more."""
    while waiting := [(a, b, e) for e in a.outbox()] + [(b, a, e) for e in b.outbox()]:
        for sender, receiver, envelope in waiting:
            receiver.receive(envelope.bytes)
            sender.mark_sent([envelope.id])


def texts(client: Client, address: str) -> list[str | None]:
    return [message.text for message in client.conversation(address).messages()]


def test_a_conversation_goes_on_after_both_stores_were_closed_and_opened(tmp_path: Path) -> None:
    alice, bob = pair(tmp_path)
    with alice, bob:
        alice.send(bob.address(), "ahoy")
        exchange(alice, bob)
        names = alice.address(), bob.address()
    with Client.open(tmp_path / "alice.wl", key=KEY) as a, Client.open(tmp_path / "bob.wl", key=KEY) as b:
        assert (a.address(), b.address()) == names
        b.send(a.address(), "and back")
        exchange(a, b)
        assert texts(a, b.address()) == texts(b, a.address()) == ["ahoy", "and back"]
        assert a.conversation(b.address()).messages()[0].delivered_at is not None


def test_the_example_of_the_readme_runs_anywhere_and_stands_in_it(tmp_path: Path) -> None:
    example = REPOSITORY / "examples/python/first_conversation.py"
    assert example.read_text().strip() in (REPOSITORY / "README.md").read_text()
    assert len([line for line in example.read_text().splitlines() if line]) <= 12
    ran = subprocess.run(
        [sys.executable, str(example)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "Ahoy!" in ran.stdout


@pytest.mark.parametrize("language", ["kotlin/FirstConversation.kt", "swift/FirstConversation.swift"])
def test_the_other_examples_stand_in_the_readme_too(language: str) -> None:
    readme = (REPOSITORY / "README.md").read_text()
    lines = (REPOSITORY / "examples" / language).read_text().splitlines()
    inner = [line.strip() for line in lines if line.startswith("    ")]
    assert inner and all(line in readme for line in inner)


def test_each_event_is_a_class_to_match(tmp_path: Path) -> None:
    alice, bob = pair(tmp_path)
    sent = alice.send(bob.address(), "ahoy")
    request, established, message = bob.receive(sent.envelopes[0].bytes)
    match request, established, message:
        case (
            events.ContactRequest(address=address),
            events.SessionEstablished(),
            events.Message(message=got),
        ):
            assert address == got.author == alice.address()
            assert got.text == "ahoy" and got.id == sent.message_id
        case _:
            pytest.fail("other events")
    (again,) = bob.receive(sent.envelopes[0].bytes)
    assert isinstance(again, events.Duplicate) and again.message_id == sent.message_id


def test_each_failure_is_an_exception_and_the_next_call_works(tmp_path: Path) -> None:
    Client.create(tmp_path / "locked.wl", passphrase="right").close()
    with pytest.raises(windlass_chat.WrongKey) as caught:
        Client.open(tmp_path / "locked.wl", passphrase="wrong")
    assert (caught.value.code, caught.value.retry) == ("wrong_key", False)
    assert caught.value.advice and "wrong" in str(caught.value)
    Client.open(tmp_path / "locked.wl", passphrase="right").close()

    (tmp_path / "text").write_text("not a store")
    with pytest.raises(windlass_chat.NotAStore):
        Client.open(tmp_path / "text", key=KEY)
    with pytest.raises(windlass_chat.StoreNotFound):
        Client.open(tmp_path / "none", key=KEY)
    alice, bob = pair(tmp_path)
    with pytest.raises(windlass_chat.StoreLocked):
        Client.open(tmp_path / "alice.wl", key=KEY)
    with pytest.raises(windlass_chat.UnknownContact):
        alice.send(Identity.generate().address(), "?")
    with pytest.raises(windlass_chat.EnvelopeMalformed):
        alice.receive(b"\x01\x02")
    changed = bytearray(bob.bundle().encode())
    # In the signature; behind it is the ML-KEM key.
    changed[150] ^= 1
    with pytest.raises(windlass_chat.BundleSignature):
        Bundle.decode(bytes(changed))
    with pytest.raises(TypeError):
        Client.create(tmp_path / "both.wl", passphrase="x", key=KEY)
    alice.send(bob.address(), "still here")
    exchange(alice, bob)
    assert texts(bob, alice.address()) == ["still here"]


def test_every_code_has_its_exception() -> None:
    from windlass_chat._native import errors as table

    codes = {info.code for info in table()}
    found = {windlass_chat.errors._code(getattr(windlass_chat, name)("")) for name in windlass_chat.errors.__all__}
    assert found - {"windlass_error"} == codes


def test_an_invitation_travels_as_uri_and_as_picture(tmp_path: Path) -> None:
    _, bob = pair(tmp_path)
    bundle = bob.single_use_bundle()
    assert bundle.single_use() and len(bundle.to_uri()) <= 483
    # A code has all but the ML-KEM key, which the whole has.
    code = Bundle.from_uri(bundle.to_uri().lower())
    assert code.to_uri() == bundle.to_uri() and len(code.encode()) < 300 < 1_400 < len(bundle.encode())
    assert Bundle.from_qr_image(bundle.qr_png()).encode() == code.encode()
    assert Bundle.decode(bundle.encode()).encode() == bundle.encode()
    assert bundle.identity().address() == bob.address()
    assert bundle.issued_at() < bundle.expires_at()


def test_everything_that_is_like_bytes_goes_in(tmp_path: Path) -> None:
    alice, bob = pair(tmp_path)
    first, second = (alice.send(bob.address(), text).envelopes[0].bytes for text in "12")
    bob.receive(bytearray(first))
    bob.receive_many([memoryview(second)])
    assert texts(bob, alice.address()) == ["1", "2"]


def test_a_bare_session_carries_the_applications_own_bytes(tmp_path: Path) -> None:
    alice, bob = pair(tmp_path)
    session = alice.session(bob.address())
    envelope = session.encrypt(b"\x00\xff").envelopes[0].bytes
    theirs = bob.session(alice.address())
    assert theirs.decrypt(envelope) == theirs.decrypt(envelope) == b"\x00\xff"
    assert session.state() == SessionState.PENDING
    assert session.post_quantum() == PostQuantum.KEM
    session.verify(theirs.safety_number())
    assert alice.contact(bob.address()).verified


def test_what_the_user_says_waits_for_a_session_that_withstands_a_quantum_computer(tmp_path: Path) -> None:
    alice, bob = Client.create(tmp_path / "a.wl", key=KEY), Client.create(tmp_path / "b.wl", key=KEY)
    alice.add_contact(Bundle.from_uri(bob.bundle().to_uri()))
    session = alice.session(bob.address())
    assert session.post_quantum() == PostQuantum.NONE and not alice.requires_post_quantum()
    alice.set_requires_post_quantum(True)
    assert alice.send(bob.address(), "waits").envelopes == []
    # From a link comes what a code has no room for.
    alice.add_contact(Bundle.from_uri(bob.bundle().to_link("https://example.org/bob")))
    assert session.post_quantum() == PostQuantum.KEM
    [sent] = alice.send(bob.address(), "goes").envelopes
    bob.receive(sent.bytes)
    assert texts(bob, alice.address()) == ["goes"]


def test_who_accepts_people_first_gets_what_waited_with_the_acceptance(tmp_path: Path) -> None:
    alice, bob = Client.create(tmp_path / "a.wl", key=KEY), Client.create(tmp_path / "b.wl", key=KEY)
    alice.set_requires_post_quantum(True)
    alice.add_contact(Bundle.from_uri(bob.bundle().to_uri()))
    alice.send(bob.address(), "for Bob alone")
    exchange(alice, bob)
    assert not bob.contact(alice.address()).accepted
    assert texts(bob, alice.address()) == []
    bob.accept_contact(alice.address())
    exchange(alice, bob)
    assert texts(bob, alice.address()) == ["for Bob alone"]


def test_the_event_loop_is_free_while_the_disk_syncs(tmp_path: Path) -> None:
    async def talk() -> list[str | None]:
        alice, bob = pair(tmp_path)
        async with AsyncClient(alice) as a, AsyncClient(bob) as b:
            sent = await asyncio.gather(*(a.send(bob.address(), str(i)) for i in range(10)))
            await b.receive_many([one.envelopes[0].bytes for one in sent])
            # What has no form of its own goes the same way.
            assert await b.run(threading.current_thread) is not threading.current_thread()
            assert await b.run(bob.contact, address=alice.address()) == bob.contact(alice.address())
            return await b.run(texts, bob, alice.address())

    assert sorted(str(text) for text in asyncio.run(talk())) == [str(i) for i in range(10)]


def test_any_thread_may_call_anything(tmp_path: Path) -> None:
    alice, bob = pair(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(lambda i: alice.send(bob.address(), str(i)), range(20)))
        list(pool.map(lambda one: bob.receive(one.envelopes[0].bytes), sent * 2))
    assert sorted(map(str, texts(bob, alice.address()))) == sorted(map(str, range(20)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system knows no fork")
def test_a_forked_child_cannot_use_the_parents_store(tmp_path: Path) -> None:
    script = f"""
import os, windlass_chat
client = windlass_chat.Client.create({str(tmp_path / "forked.wl")!r}, key=bytes(32))
child = os.fork()
if child == 0:
    try:
        client.bundle()
    except windlass_chat.Forked:
        os._exit(7)
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
client.bundle()
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_no_secret_is_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seed = bytes(range(100, 132))
    identity = Identity.from_seed(seed)
    key = StoreKey.from_bytes(KEY)
    client = Client.create(tmp_path / "quiet.wl", identity, key=KEY)
    with pytest.raises(windlass_chat.InvalidKeyLength) as caught:
        Identity.from_seed(seed[:31])
    shown = " ".join([repr(identity), repr(key), repr(client), str(caught.value), repr(caught.value)])
    shown += caplog.text + str(client.inspect())
    for secret in (seed, KEY):
        assert secret.hex() not in shown and repr(secret) not in shown and str(list(secret)) not in shown


def test_a_backup_brings_the_history_to_a_new_device_and_tells_its_progress(tmp_path: Path) -> None:
    alice, bob = pair(tmp_path)
    alice.send(bob.address(), "ahoy")
    exchange(alice, bob)
    key, other = StoreKey.from_bytes(KEY), StoreKey.from_bytes(bytes(32))
    told: list[tuple[int, int]] = []
    assert alice.export_backup(tmp_path / "backup", other, lambda done, total: told.append((done, total))) == 6
    alice.close()
    with closing(windlass_chat.EncryptedStore.open(str(tmp_path / "alice.wl"), key)) as store:
        with pytest.raises(ZeroDivisionError):
            store.export_backup(tmp_path / "stopped", other, lambda done, total: done // 0)
    assert told == [(6, 6)]
    assert not list(tmp_path.glob("stopped*"))
    with pytest.raises(windlass_chat.WrongKey):
        windlass_chat.EncryptedStore.import_backup(tmp_path / "backup", key, tmp_path / "new.wl", key)
    restored = windlass_chat.EncryptedStore.import_backup(tmp_path / "backup", other, tmp_path / "new.wl", key)
    with Client.open(restored) as again:
        assert again.device_id() != alice.device_id()
        assert texts(again, bob.address()) == ["ahoy"]
        again.send(bob.address(), "from the new device")
        exchange(again, bob)
        assert texts(bob, again.address()) == ["ahoy", "from the new device"]


def test_messages_disappear_when_their_time_has_come(tmp_path: Path) -> None:
    alice, bob = pair(tmp_path)
    conversation = alice.conversation(bob.address())
    with pytest.raises(windlass_chat.InvalidContent):
        conversation.set_disappearing(timedelta(milliseconds=1))
    conversation.set_disappearing(timedelta(seconds=5))
    assert conversation.disappearing() == timedelta(seconds=5)
    alice.send(bob.address(), "ahoy")
    conversation.set_disappearing(None)
    alice.send(bob.address(), "stays")

    def shown() -> list[str]:
        return [text for text in texts(alice, bob.address()) if text]

    while len(shown()) > 1:
        time.sleep(0.1)
    assert shown() == ["stays"]

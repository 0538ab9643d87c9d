"""Numbers of strangers at their extremes: written by hand, and read by everything that shows them."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import bundles
import peer
import pytest
from test_specification import DEVICE, KEY, SEED, SIGNED, own_bundle

from windlass_chat import Body, Bundle, Client, Identity, WindlassError, events
from windlass_chat.testing import Simulation

EDGES = [0, 1, 2**31, 2**40 + 1, 2**53, 2**62, 2**62 + 1, 2**63 - 1, 2**63, 2**64 - 1]
LONGEST = timedelta(days=3650)


def contents(edge: int) -> Iterator[tuple[int, tuple[int, bytes]]]:
    """Contents with the number wherever one can stand: the clock, and a body."""
    media_type, name = (1, b"a/b"), (2, b"chart")
    sealed = ((4, bytes(32)), (5, b"nowhere"), (6, bytes(32)))
    clock = min(edge, 2**62)
    yield clock, (16, peer.encode((1, b"text")))
    for lamport in (1, clock):
        yield lamport, (23, peer.encode((1, edge)))
        yield lamport, (28, peer.encode((1, edge)))
        yield lamport, (29, peer.encode((1, edge)))
        yield lamport, (31, peer.encode(media_type, name, (3, edge), *sealed))
    yield edge, (16, peer.encode((1, b"text")))


def look(client: Client, address: str) -> list[Any]:
    """Everything that shows a number."""
    talk = client.conversation(address)
    disappearing = talk.disappearing()
    assert disappearing is None or timedelta(seconds=5) <= disappearing <= LONGEST
    shown = talk.messages(limit=1000)
    for message in shown:
        assert message.sent_at.year <= 9999 and message.stored_at.year <= 9999
        if isinstance(message.body, Body.ATTACHMENT):
            assert message.body.attachment.size <= 2**40
    told = client.events_after(limit=1000)
    return [disappearing, shown, told, client.contacts(), client.conversations(), client.contact(address), client.unread()]


def test_a_number_of_a_stranger_is_within_its_bounds_wherever_it_is_read(tmp_path: Path) -> None:
    address = Identity.from_seed(SEED).address()
    with Client.create(tmp_path / "ours.wl", key=KEY) as client:
        client.keep_events(True)
        client.keep_unhandled(True)
        read = bundles.read_bundle(client.bundle().encode(), int(time.time()))
        session = peer.start(SEED, DEVICE, read.identity, read.devices[0], read.code_secret)
        number, told = 0, 0
        for edge in EDGES:
            for lamport, body in contents(edge):
                number += 1
                content = peer.encode((1, number.to_bytes(16, "big")), (2, lamport), (3, edge), body)
                came = client.receive(session.send(peer.encode((1, content), (2, own_bundle()))))
                if number == 1:
                    client.accept_contact(address)
                for event in came:
                    told += repr(event) != ""
                    if isinstance(event, events.DisappearingChanged):
                        assert event.after is None or event.after <= LONGEST
            look(client, address)
        assert told
        # Whoever writes to them now has a clock to write with.
        client.send(address, "still here")
    with Client.open(tmp_path / "ours.wl", key=KEY) as client:
        assert all(look(client, address)[1:-1])
        assert client.unhandled(1000)


def test_the_times_of_a_bundle_are_shown_or_refused(tmp_path: Path) -> None:
    device = peer.Device(DEVICE, peer.Prekey(5, peer.x25519_public(SIGNED.secret)), None, SIGNED.commitment(), b"")
    with Client.create(tmp_path / "ours.wl", key=KEY) as client:
        for issued_at in [edge for edge in EDGES if edge < 2**64 - 30 * 86_400]:
            bundle = Bundle.decode(bundles.make_bundle(SEED, [device], b"", issued_at))
            assert bundle.issued_at() <= bundle.expires_at() and bundle.expires_at().year <= 9999
            with pytest.raises(WindlassError) as caught:
                client.add_contact(bundle)
            assert caught.value.code in ("bundle_expired", "bundle_from_the_future") and caught.value.advice


def test_a_conversation_goes_on_by_a_clock_that_is_far_ahead() -> None:
    world = Simulation(seed=4)
    one, other = world.add_person(), world.add_person()
    world.introduce(one, other)
    world.run()
    start = world.now()
    names = [world.client(person).address() for person in (one, other)]
    checks: list[Callable[[Client, str], object]] = [look, lambda client, address: client.bundle().expires_at()]
    for years in (12, 240, 7_990, 500_000):
        world.advance(timedelta(days=365.2425 * years) - timedelta(milliseconds=world.now() - start))
        world.run()
        for person, peer_of in ((one, other), (other, one)):
            world.client(person).add_contact(world.client(peer_of).bundle())
        world.send(one, 0, other, f"in {years} years")
        world.run()
        for person, address in zip((one, other), reversed(names)):
            for check in checks:
                assert check(world.client(person), address)
        assert world.client(other).conversation(names[0]).messages()[-1].text == f"in {years} years"

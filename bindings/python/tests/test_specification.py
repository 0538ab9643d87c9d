"""The published text is enough: a peer made from it alone passes the vectors and talks with ours, in both roles."""

import time
from pathlib import Path

import bundles
import check_vectors
import faults
import kem
import peer
import pytest

from windlass_chat import Bundle, Client, Identity, events

KEY = bytes(32)
SEED = bytes(range(32))
SIGNED = peer.Signed(bytes([7] * 32), bytes([9] * 64))
ONE_TIME = peer.OneTime(bytes([8] * 32))
DEVICE = 77


def own_bundle(one_time: bool = False, with_kem: bool = True) -> bytes:
    prekeys = [peer.Prekey(5, peer.x25519_public(SIGNED.secret)), peer.Prekey(6, peer.x25519_public(ONE_TIME.secret))]
    kem_key = kem.public_of_seed(SIGNED.kem_seed) if with_kem else b""
    device = peer.Device(DEVICE, prekeys[0], prekeys[1] if one_time else None, SIGNED.commitment(), kem_key)
    return bundles.make_bundle(SEED, [device], b"", int(time.time()))


def payload(text: str) -> bytes:
    """A text with the sender's bundle, as every message has it that still carries the handshake (§7.6)."""
    content = peer.encode((1, text.encode().rjust(16, b"\0")), (2, 1), (16, peer.encode((1, text.encode()))))
    return peer.encode((1, content), (2, own_bundle()))


def text_of(payload: bytes) -> str:
    return peer.blob(peer.decode(peer.blob(peer.decode(peer.blob(peer.decode(payload), 1)), 16)), 1).decode()


def texts(received: list[events.Event]) -> list[str | None]:
    return [event.message.text for event in received if isinstance(event, events.Message)]


@pytest.mark.parametrize("file", sorted(check_vectors.FOLDER.rglob("*.json")), ids=lambda file: file.stem)
def test_vectors(file: Path) -> None:
    count, failed = check_vectors.run(file)
    assert count > 0 and not failed, "\n".join(failed)


@pytest.mark.parametrize("fault", faults.faults(), ids=lambda fault: fault.clause)
def test_the_vectors_notice_what_departs_from_a_clause(fault: faults.Fault) -> None:
    assert faults.notices(fault), fault


def test_without_a_fault_nothing_is_noticed() -> None:
    kinds = {kind for fault in faults.faults() for kind in fault.kinds}
    assert faults.differs(faults.peer_with(None), sorted(kinds)) is None
    assert len(faults.faults()) >= 69


def test_the_readme_counts_the_vectors() -> None:
    count = sum(check_vectors.run(file)[0] for file in check_vectors.FOLDER.rglob("*.json"))
    readme = Path(__file__).parents[3] / "README.md"
    assert f"{count} test vectors" in readme.read_text("utf-8")


def test_an_identity_reads_the_same_on_both_sides() -> None:
    identity = Identity.from_seed(SEED)
    other = Identity.generate()
    assert identity.public_key() == peer.identity_of_seed(SEED)
    assert identity.address() == bundles.address_of_identity(identity.public_key())
    assert identity.safety_number(other) == bundles.safety_number(other.public_key(), identity.public_key())
    code = own_bundle(with_kem=False)
    assert Bundle.from_uri(bundles.bundle_to_uri(own_bundle())).encode() == code


@pytest.mark.parametrize("with_kem", [False, True])
@pytest.mark.parametrize("one_time", [False, True])
def test_an_envelope_made_by_hand_opens_in_ours(tmp_path: Path, one_time: bool, with_kem: bool) -> None:
    with Client.create(tmp_path / "ours.wl", key=KEY) as client:
        bundle = client.single_use_bundle() if one_time else client.bundle()
        # A code has no ML-KEM keys.
        invitation = bundle.encode() if with_kem else bundles.of_uri(bundle.to_uri())[1]
        read = bundles.read_bundle(invitation, int(time.time()))
        assert bool(read.devices[0].kem_key) == with_kem and bool(read.code_secret) == one_time
        session = peer.start(SEED, DEVICE, read.identity, read.devices[0], read.code_secret)
        assert texts(client.receive(session.send(payload("by hand")))) == ["by hand"]
        address = Identity.from_seed(SEED).address()
        for turn in range(10):
            [sent] = client.send(address, f"ours {turn}").envelopes
            assert text_of(session.receive(sent.bytes)) == f"ours {turn}"
            assert texts(client.receive(session.send(payload(f"by hand {turn}")))) == [f"by hand {turn}"]


@pytest.mark.parametrize("with_kem", [False, True])
@pytest.mark.parametrize("one_time", [False, True])
def test_an_envelope_of_ours_opens_by_hand(tmp_path: Path, one_time: bool, with_kem: bool) -> None:
    with Client.create(tmp_path / "ours.wl", key=KEY) as client:
        client.add_contact(Bundle.decode(own_bundle(one_time, with_kem)))
        address = Identity.from_seed(SEED).address()
        [first] = client.send(address, "ours").envelopes
        session, received = peer.answer(SEED, DEVICE, SIGNED, ONE_TIME if one_time else None, first.bytes)
        assert text_of(received) == "ours"
        # The first message brought what is needed to answer.
        enclosed = bundles.read_bundle(peer.blob(peer.decode(received), 2))
        assert enclosed.identity == client.identity().public_key() == session.peer
        assert texts(client.receive(session.send(payload("by hand")))) == ["by hand"]
        [second] = client.send(address, "established").envelopes
        assert text_of(session.receive(second.bytes)) == "established"

"""First messages to a device that knows nobody, from the RFC alone (§7.6, §7.8 and appendix C). Section numbers are those of the RFC."""

from dataclasses import dataclass, field
from typing import Any

import bundles
import peer
from bundles import Bundle
from peer import Refused, Session, blob, check, decode, first


class Told(Exception):
    """Why an envelope is not opened; whose it is is not known."""


def begun_by(handshake: bytes) -> tuple[int, bytes]:
    """What is remembered of a first message (§7.6.5)."""
    return first(decode(handshake), 2, 0), blob(decode(handshake), 1)


@dataclass
class Device:
    seed: bytes
    device_id: int
    signed: dict[int, peer.Signed]
    one_time: dict[int, peer.OneTime]
    given_out: int
    sessions: list[Session] = field(default_factory=list)
    accepted: dict[tuple[bytes, bytes], tuple[bytes, bytes]] = field(default_factory=dict)
    known: dict[bytes, Bundle] = field(default_factory=dict)
    messages: set[tuple[bytes, bytes]] = field(default_factory=set)
    gone: set[tuple[bytes, bytes]] = field(default_factory=set)  # §8.3.9.
    contacts: set[bytes] = field(default_factory=set)  # Whom the user accepted.
    blocked: set[bytes] = field(default_factory=set)
    removed: set[bytes] = field(default_factory=set)
    begun: dict[bytes, int] = field(default_factory=dict)  # Sessions by whom.
    remembered: set[tuple[int, bytes]] = field(default_factory=set)  # §7.6.5.

    def user(self, does: str, whom: bytes) -> None:
        if does == "accept":
            self.contacts.add(whom)
        elif does == "block":
            self.blocked.add(whom)
        else:
            self.removed |= {whom} - self.contacts
            self.known.pop(whom, None)
            self.gone |= {name for name in self.messages if name[0] == whom}
            self.messages -= self.gone
            self.sessions = [session for session in self.sessions if session.peer != whom]

    def receive(self, envelope: bytes) -> dict[str, Any]:
        message = decode(blob(decode(envelope), 2))
        handshake, tag = blob(message, 2), blob(message, 3)
        place = blob(message, 5), blob(message, 6)
        here = [session for session in self.sessions if tag in session.ratchet.tags()]
        if here and here[0].peer in self.blocked:
            return {"blocked": here[0].peer.hex()}
        if place in self.accepted and self.accepted[place][1] in [session.peer for session in self.sessions]:
            return {"duplicate": self.accepted[place][0].hex()}
        try:
            known = [session for session in self.sessions if tag in session.ratchet.tags()]
            if known:
                session, once = known[0], 0
                payload = session.receive(envelope)
            else:
                session, payload, once = self.begin(handshake, tag, envelope)
            said, bundle = self.admit(session, payload, not known)
        except Told as told:
            return {"cause": str(told), "from": None}
        if not known:
            self.begun[session.peer] = self.begun.get(session.peer, 0) + 1
            self.remembered.add(begun_by(handshake))
        self.sessions += [] if known else [session]
        self.known[session.peer] = bundle or self.known[session.peer]
        self.one_time.pop(once, None)
        self.accepted[place] = (said, session.peer)
        if (session.peer, said) in self.gone:
            return {"refused": "deleted"}
        if (session.peer, said) in self.messages:
            return {"duplicate": said.hex()}
        self.messages.add((session.peer, said))
        return {"message": said.hex(), "from": session.peer.hex()}

    def begin(self, handshake: bytes, tag: bytes, envelope: bytes) -> tuple[Session, bytes, int]:
        """The session, the payload, and which one-time prekey is used up."""
        if not handshake:
            raise Told("unknown session")
        signed = first(decode(handshake), 2, 0)
        if begun_by(handshake) in self.remembered:
            raise Told("handshake replayed")
        if signed not in self.signed:
            raise Told("unknown prekey")
        try:
            began = peer.read_initiator(self.seed, self.device_id, self.signed[signed], handshake)
        except Refused:
            raise Told("handshake invalid") from None
        who, once = began.party, began.one_time_id
        self.check_person(who)
        if once and once not in self.one_time:
            raise Told("invitation used" if once <= self.given_out and once < 2**31 else "unknown prekey")
        agreed = peer.respond(self.seed, self.device_id, self.signed[signed], self.one_time.get(once), handshake)
        if peer.first_header_keys(agreed.shared_secret)[0].tag != tag:
            raise Told("handshake invalid")
        try:
            session, payload = peer.answer(
                self.seed, self.device_id, self.signed[signed], self.one_time.get(once), envelope
            )
        except Refused:
            raise Told("authentication") from None
        if who[0] not in self.contacts and session.ratchet.received > 21:
            raise Told("stranger limit")
        return session, payload, once

    def check_person(self, who: peer.Party) -> None:
        """Appendix C.1, with the bounds of §8.6.3. All of it comes within an hour."""
        if who == (peer.identity_of_seed(self.seed), self.device_id):
            raise Told("handshake invalid")
        if who[0] in self.blocked:
            raise Told("blocked")
        if who[0] in self.removed:
            raise Told("removed")
        if who[0] not in self.contacts and self.begun.get(who[0], 0) >= 3:
            raise Told("stranger limit")

    def admit(self, session: Session, payload: bytes, is_first: bool) -> tuple[bytes, Bundle | None]:
        """The message's id, and the newest bundle (§7.6.4, §8.2.2)."""
        try:
            fields = decode(payload)
            bundle = bundles.read_bundle(blob(fields, 2))
            check(bundle.identity == session.peer, "identity")
        except Refused:
            bundle = None
        names = bundle and session.peer_device in [device.device_id for device in bundle.devices]
        if is_first and not names:
            raise Told("content")
        known = self.known.get(session.peer)
        newest = known if known and (bundle is None or bundle.issued_at < known.issued_at) else bundle
        if not newest or session.peer_device not in [device.device_id for device in newest.devices]:
            raise Told("handshake invalid")
        return blob(decode(blob(decode(payload), 1)), 1), newest

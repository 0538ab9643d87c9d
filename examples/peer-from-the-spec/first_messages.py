"""First messages to a device that knows nobody, from the RFC alone (§7.6, §7.8 and appendix C). Section numbers are those of the RFC."""

from dataclasses import dataclass, field
from typing import Any

import bundles
import peer
from bundles import Bundle
from peer import Refused, Session, blob, check, decode, first


class Told(Exception):
    """Why an envelope is not opened; whose it is is not known."""


@dataclass
class Device:
    seed: bytes
    device_id: int
    signed: dict[int, bytes]
    one_time: dict[int, bytes]
    given_out: int
    sessions: list[Session] = field(default_factory=list)
    accepted: dict[tuple[bytes, bytes], tuple[bytes, bytes]] = field(default_factory=dict)
    known: dict[bytes, Bundle] = field(default_factory=dict)

    def receive(self, envelope: bytes) -> dict[str, Any]:
        message = decode(blob(decode(envelope), 2))
        handshake, tag = blob(message, 2), blob(message, 3)
        place = blob(message, 5), blob(message, 6)
        if place in self.accepted:
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
        self.sessions += [] if known else [session]
        self.known[session.peer] = bundle or self.known[session.peer]
        self.one_time.pop(once, None)
        self.accepted[place] = (said, session.peer)
        return {"message": said.hex(), "from": session.peer.hex()}

    def begin(self, handshake: bytes, tag: bytes, envelope: bytes) -> tuple[Session, bytes, int]:
        """The session, the payload, and which one-time prekey is used up."""
        if not handshake:
            raise Told("unknown session")
        signed = first(decode(handshake), 2, 0)
        if signed not in self.signed:
            raise Told("unknown prekey")
        try:
            _, once = peer.read_initiator(self.seed, self.device_id, self.signed[signed], handshake)
        except Refused:
            raise Told("handshake invalid") from None
        if once and once not in self.one_time:
            raise Told("invitation used" if once <= self.given_out else "unknown prekey")
        agreed = peer.respond(self.seed, self.device_id, self.signed[signed], self.one_time.get(once), handshake)
        if peer.first_header_keys(agreed.shared_secret)[0].tag != tag:
            raise Told("handshake invalid")
        try:
            session, payload = peer.answer(
                self.seed, self.device_id, self.signed[signed], self.one_time.get(once), envelope
            )
            return session, payload, once
        except Refused:
            raise Told("authentication") from None

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

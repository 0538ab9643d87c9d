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
    sessions: dict[bytes, Session] = field(default_factory=dict)
    accepted: dict[tuple[bytes, bytes], tuple[bytes, bytes]] = field(default_factory=dict)
    known: dict[bytes, Bundle] = field(default_factory=dict)

    def receive(self, envelope: bytes) -> dict[str, Any]:
        message = decode(blob(decode(envelope), 2))
        handshake, header = blob(message, 2), blob(message, 3)
        session_id = blob(decode(header), 1)
        place = header, blob(message, 4)
        if place in self.accepted:
            return {"duplicate": self.accepted[place][0].hex()}
        try:
            if session_id in self.sessions:
                session = self.sessions[session_id]
                payload = session.receive(envelope)
            else:
                session, payload = self.begin(handshake, session_id, envelope)
            said, bundle = self.admit(session, payload, session_id not in self.sessions)
        except Told as told:
            return {"cause": str(told), "from": None}
        self.sessions[session_id] = session
        self.known[session.peer] = bundle or self.known[session.peer]
        if once := first(decode(handshake), 5, 0):
            self.one_time.pop(once, None)
        self.accepted[place] = (said, session.peer)
        return {"message": said.hex(), "from": session.peer.hex()}

    def begin(self, handshake: bytes, session_id: bytes, envelope: bytes) -> tuple[Session, bytes]:
        if not handshake:
            raise Told("unknown session")
        signed, once = first(decode(handshake), 4, 0), first(decode(handshake), 5, 0)
        if signed not in self.signed:
            raise Told("unknown prekey")
        if once and once not in self.one_time:
            raise Told("invitation used" if once <= self.given_out else "unknown prekey")
        agreed = peer.respond(self.seed, self.device_id, self.signed[signed], self.one_time.get(once), handshake)
        if agreed.session_id != session_id:
            raise Told("handshake invalid")
        try:
            return peer.answer(self.seed, self.device_id, self.signed[signed], self.one_time.get(once), envelope)
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

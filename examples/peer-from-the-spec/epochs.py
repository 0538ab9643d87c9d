"""The post-quantum half of the ratchet, from the RFC alone: the agreement on epochs, their chains, and what travels for it (§7.4, §7.5)."""

import os
from dataclasses import dataclass, replace

import kem
from suite import check, chain_step, hkdf

EPOCH_MESSAGES, EPOCH_REPEAT, DAY = 25, 8, 86_400_000
LENGTHS = {0: 0, 1: 1_184, 2: 1_088}
NOTHING, KEY, CIPHERTEXT = LENGTHS


@dataclass(frozen=True)
class Message:
    """What goes with one message (7.5.5)."""

    kind: int = NOTHING
    epoch: int = 0
    data: bytes = b""

    def encode(self) -> bytes:
        return bytes([self.kind]) + (self.epoch.to_bytes(4, "big") + self.data if self.kind else b"")


def split(plaintext: bytes) -> tuple[Message, bytes]:
    """What is in front, and the payload."""
    check(plaintext and plaintext[0] in LENGTHS, "kind")
    if plaintext[0] == NOTHING:
        return Message(), plaintext[1:]
    end = 5 + LENGTHS[plaintext[0]]
    check(len(plaintext) >= end, "cut short")
    return Message(plaintext[0], int.from_bytes(plaintext[1:5], "big"), plaintext[5:end]), plaintext[end:]


@dataclass(frozen=True)
class Agreement:
    """How far the two are with the secret of the next epoch (7.4.13)."""

    phase: str
    epoch: int = 0
    sent: int = 0
    since: int = 0
    data: bytes = b""  # Offering: the seed; asked: the key; answering: the ciphertext.

    def is_due(self, now: int) -> bool:
        ahead = self.since - now
        long = now - self.since >= DAY or ahead >= DAY
        return self.phase == "resting" and (self.sent >= EPOCH_MESSAGES or (self.sent > 0 and long))

    def send(self, now: int, seed: bytes | None, coins: bytes | None) -> tuple["Agreement", Message, bytes]:
        """The next state, what goes with the message, and the secret of a new epoch or nothing."""
        state = self
        if state.phase == "asked":
            ciphertext, secret = kem.encapsulate(state.data, coins)
            state = Agreement("answering", state.epoch + 1, 1, data=ciphertext)
            return state, Message(CIPHERTEXT, state.epoch, ciphertext), secret
        if state.is_due(now):
            state = Agreement("offering", state.epoch, data=seed or os.urandom(64))
        if state.phase == "resting":
            return replace(state, sent=state.sent + 1, since=state.since if state.sent else now), Message(), b""
        if state.phase == "waiting":
            return state, Message(), b""
        message = Message()
        if state.sent % EPOCH_REPEAT == 0:
            offers = state.phase == "offering"
            message = Message(KEY, state.epoch + 1, kem.public_of_seed(state.data)) if offers else Message(CIPHERTEXT, state.epoch, state.data)
        return replace(state, sent=state.sent + 1), message, b""

    def receive(self, message: Message) -> tuple["Agreement", bytes]:
        """The next state, and the secret of a new epoch or nothing. What does not belong here is passed over."""
        if message.kind == KEY and self.phase == "waiting" and message.epoch == self.epoch + 1 and kem.is_valid(message.data):
            return Agreement("asked", self.epoch, data=message.data), b""
        if message.kind == CIPHERTEXT and self.phase == "offering" and message.epoch == self.epoch + 1:
            return Agreement("waiting", self.epoch + 1), kem.decapsulate(self.data, message.data)
        return self, b""

    def confirm(self) -> "Agreement":
        """The other side has begun to send in the latest epoch."""
        return Agreement("resting", self.epoch) if self.phase == "answering" else self

    def is_shared(self) -> bool:
        return self.phase != "answering"


# 7.4.11, 7.4.12: the root key, the chain key of the initiator's messages and that of the responder's.
def first_epoch(shared_secret: bytes) -> tuple[bytes, bytes, bytes]:
    output = hkdf(bytes(32), shared_secret, b"Windlass v2 first epoch", 96)
    return output[:32], output[32:64], output[64:]


def epoch_step(root: bytes, agreed: bytes) -> tuple[bytes, bytes, bytes]:
    output = hkdf(root, agreed, b"Windlass v2 next epoch", 96)
    return output[:32], output[32:64], output[64:]


def hybrid(classical: bytes, post_quantum: bytes) -> bytes:
    """7.5.1."""
    return hkdf(post_quantum, classical, b"Windlass v2 message key")


@dataclass(frozen=True)
class Direction:
    chain: bytes
    epoch: int = 0
    next: bytes = b""

    def step(self) -> tuple["Direction", bytes]:
        key, chain = chain_step(self.chain)
        return replace(self, chain=chain), key

    def advance(self) -> "Direction":
        return Direction(self.next, self.epoch + 1) if self.next else self


@dataclass(frozen=True)
class Epochs:
    root: bytes
    initiator: bool
    sending: Direction
    receiving: Direction
    agreement: Agreement

    def begin_sending(self) -> "Epochs":
        """7.4.15."""
        return replace(self, sending=self.sending.advance()) if self.agreement.is_shared() else self

    def send(self, now: int, seed: bytes | None, coins: bytes | None) -> tuple["Epochs", bytes, Message]:
        agreement, message, secret = self.agreement.send(now, seed, coins)
        state = replace(self, agreement=agreement).learn(secret)
        sending, key = state.sending.step()
        return replace(state, sending=sending), key, message

    def may_receive_in(self, epoch: int) -> bool:
        """7.4.16."""
        return epoch == self.receiving.epoch or (epoch == self.receiving.epoch + 1 and bool(self.receiving.next))

    def begin_receiving(self, epoch: int) -> "Epochs":
        if epoch == self.receiving.epoch:
            return self
        return replace(self, receiving=self.receiving.advance(), agreement=self.agreement.confirm())

    def step_receiving(self) -> tuple["Epochs", bytes]:
        receiving, key = self.receiving.step()
        return replace(self, receiving=receiving), key

    def hear(self, message: Message) -> "Epochs":
        """7.4.17."""
        if self.sending.next or self.receiving.next:
            return self
        agreement, secret = self.agreement.receive(message)
        return replace(self, agreement=agreement).learn(secret)

    def learn(self, secret: bytes) -> "Epochs":
        if not secret:
            return self
        root, first, second = epoch_step(self.root, secret)
        ours, theirs = (first, second) if self.initiator else (second, first)
        sending, receiving = replace(self.sending, next=ours), replace(self.receiving, next=theirs)
        return replace(self, root=root, sending=sending, receiving=receiving)


def start(shared_secret: bytes, initiator: bool, at_once: bool = True) -> Epochs:
    root, first, second = first_epoch(shared_secret)
    ours, theirs = (first, second) if initiator else (second, first)
    agreement = Agreement("resting", sent=EPOCH_MESSAGES if at_once else 0) if initiator else Agreement("waiting")
    return Epochs(root, initiator, Direction(ours), Direction(theirs), agreement)

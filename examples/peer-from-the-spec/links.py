"""Whom the user linked, and which groups they deleted, as devices of one identity tell each other: from the RFC alone (§8.5.9, §8.5.11, §9.6.16)."""

from dataclasses import dataclass, field
from typing import Any

import chats
from peer import Fixed32, Refused, blob, check, decode, first
from siblings import all_of

LIFETIME, MOST_TOKENS = 86_400_000, 8
MONTH, MOST_EVENTS = 2_592_000_000, 1_000


@dataclass
class Token:
    token: bytes
    expires_at: int
    by: int
    device: int = 0
    closed_at: int = 0


@dataclass
class Linked:
    """What a device knows of the others: since when each is there, which are linked, and by which tokens."""

    known: dict[int, int]
    linked: set[int]
    tokens: list[Token] = field(default_factory=list)
    shown: dict[int, bytes] = field(default_factory=dict)

    def may_use(self, token: Token, device: int) -> bool:
        """The first that shows it, or whoever is named with it; of what a removed device told, one that was known by then."""
        if device not in self.known or token.device not in (0, device):
            return False
        return not token.closed_at or self.known[device] <= token.closed_at

    def hear(self, by: int, update: bytes, now: int) -> None:
        if by not in self.linked:
            return
        for encoded in all_of(decode(blob(decode(update), 22)), 10):
            said = decode(encoded)
            self.hear_of(Token(blob(said, 1), min(first(said, 2, 0), now + LIFETIME), by, int(first(said, 3, Fixed32(0)))))

    def hear_of(self, told: Token) -> None:
        for known in self.tokens:
            if known.token == told.token:
                known.expires_at = min(known.expires_at, told.expires_at)
                return
        for device, shown in self.shown.items():
            if shown == told.token and self.may_use(told, device):
                told.device = device
                self.linked.add(device)
        theirs = [token for token in self.tokens if token.by == told.by]
        for oldest in theirs[: max(0, len(theirs) - MOST_TOKENS + 1)]:
            self.tokens.remove(oldest)
        self.tokens.append(told)

    def show(self, device: int, token: bytes, now: int) -> bool:
        """Whether the whole history is given for it."""
        for known in self.tokens:
            if known.token == token:
                if not self.may_use(known, device):
                    return False
                known.device = device
                self.linked.add(device)
                return now < known.expires_at
        if device in self.known:
            self.shown[device] = token
        return False

    def remove(self, device: int, now: int) -> None:
        self.known.pop(device, None)
        self.linked.discard(device)
        self.shown.pop(device, None)
        self.tokens = [token for token in self.tokens if token.device != device]
        for token in self.tokens:
            if token.by == device:
                token.closed_at = token.closed_at or now

    def step(self, came: dict[str, Any]) -> bool | None:
        now = came["at"]
        if "shows" in came:
            return self.show(came["by"], bytes.fromhex(came["shows"]), now)
        if "removed" in came:
            self.remove(came["removed"], now)
        elif "appears" in came:
            self.known[came["appears"]] = now
        else:
            self.hear(came["by"], bytes.fromhex(came["update"]), now)
        return None


def linked_devices(input: dict[str, Any]) -> dict[str, Any]:
    device = Linked({id: input["now"] for id in input["devices"]}, set(input["linked"]))
    given = [device.step(came) for came in input["steps"]]
    return {"given": given, "linked": sorted(device.linked)}


@dataclass
class Deleted:
    deleted_at: int = 0
    invitations: list[bytes] = field(default_factory=list)
    left: bytes = b""


def own_leaving(own: bytes, group: bytes, encoded: bytes) -> bytes:
    """The user's `Left` of that group, or nothing."""
    try:
        event = chats.read_event(group, encoded)
        check(event.kind == chats.LEFT and event.author == own, "left")
    except Refused:
        return b""
    return encoded


def deleted_groups(own: bytes, input: dict[str, Any]) -> list[dict[str, Any]]:
    found: dict[bytes, Deleted] = {}
    now = input["now"]
    for came in input["steps"]:
        now = came["at"]
        if came["by"] not in input["linked"]:
            continue
        for encoded in all_of(decode(blob(decode(bytes.fromhex(came["update"])), 22)), 9):
            said = decode(encoded)
            group = blob(said, 1)
            one = found.setdefault(group, Deleted())
            one.deleted_at = max(one.deleted_at, min(max(first(said, 4, 0), 1), now))
            one.invitations += [hash_ for hash_ in all_of(said, 2) if hash_ not in one.invitations][: MOST_EVENTS - len(one.invitations)]
            one.left = one.left or own_leaving(own, group, blob(said, 3))
    return [
        {
            "group": group.hex(),
            "deleted_at": one.deleted_at,
            "invitations": [hash_.hex() for hash_ in one.invitations],
            "left": one.left.hex(),
        }
        for group, one in sorted(found.items())
        if now - one.deleted_at < MONTH
    ]

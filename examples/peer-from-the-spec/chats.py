"""Bodies of conversations, groups and attachments, from the RFC alone. Section numbers are those of the RFC."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import peer
from bundles import bech32m, check_identity
from peer import Field, Refused, blob, check, decode, encode, first
from texts import is_description, is_name, one_form


def text(fields: list[Field], number: int) -> str:
    try:
        return blob(fields, number).decode()
    except UnicodeDecodeError:
        raise Refused("not UTF-8") from None


def all_of(fields: list[Field], number: int) -> list[bytes]:
    return [value for at, value in fields if at == number and isinstance(value, bytes)]


def id_of(fields: list[Field], number: int) -> str:
    check(len(blob(fields, number)) == 16, "message id")
    return blob(fields, number).hex()


def signed(events: list[bytes]) -> list[str]:
    """Events in a content are fields of it: body and signature count, whatever else there is (B.4)."""
    return [encode((1, blob(fields, 1)), (2, blob(fields, 2))).hex() for fields in map(decode, events)]


# Profiles (§9.8).
def show_profile(body: list[Field]) -> Any:
    name, about, picture = text(body, 1), text(body, 2), blob(body, 3)
    check(not name or (len(name.encode()) <= 256 and is_name(name)), "name")
    check(not about or (len(about.encode()) <= 1_024 and is_description(about)), "text about oneself")
    check(not picture or is_picture(picture), "picture of a person")
    return {"name": name, "about": about, "picture": picture.hex(), "changed_at": first(body, 4, 0)}
def nested(fields: list[Field], number: int) -> list[Field]:
    """Pieces of one message are one message (B.4)."""
    return decode(b"".join(all_of(fields, number)))


# Texts (§9.9).
Span = tuple[int, int, int, bytes]  # Kind, start, length, whom it mentions.


def spans_of(words: str, fields: list[Field]) -> list[Span]:
    """Those that count (§9.9.3). A string of Python is one of scalar values."""
    counts: list[Span] = []
    for span in map(decode, all_of(fields, 2)[:256]):
        kind, start, length, who = first(span, 1, 0), first(span, 2, 0), first(span, 3, 0), blob(span, 4)
        known = 1 <= kind <= 7 and (kind != 1 or len(who) == 32)
        inside = length >= 1 and start + length <= len(words)
        over = any(other[0] == kind and other[1] < start + length and start < other[1] + other[2] for other in counts)
        if known and inside and not over:
            counts.append((kind, start, length, who))
    return counts


def suggested(fields: list[Field]) -> list[str]:
    """§9.9.4."""
    values = [value.decode() for value in all_of(fields, 4)]
    return [one for one in values[:8] if len(one.encode()) <= 128 and is_name(one)]


WHITE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
AROUND = "()[]{}<>\"'«»‹›“”„‘’‚（）「」『』【】《》〈〉"
BEHIND = ".,;:!?…。，、！？；："


def stands_in(words: str, url: str) -> bool:
    """Whether an address stands in a text by itself (§9.9.6)."""
    for at in range(len(words)):
        if words.startswith(url, at) and (at == 0 or words[at - 1] in WHITE + AROUND):
            rest = words[at + len(url) :].lstrip(AROUND + BEHIND)
            if not rest or rest[0] in WHITE:
                return True
    return False


def preview_of(words: str, fields: list[Field]) -> dict[str, str] | None:
    """What is behind an address of a text; nothing if it may not stand there (§9.9.6)."""
    if not all_of(fields, 5):
        return None
    parts = nested(fields, 5)
    url, title, description, image = text(parts, 1), text(parts, 2), text(parts, 3), blob(parts, 4)
    scheme = next((one for one in ("https://", "http://") if url[: len(one)].lower() == one), url)
    is_page = len(url) > len(scheme) and len(url.encode()) <= 4_096 and is_name(url) and not any(one in WHITE for one in url)
    named = not title or (len(title.encode()) <= 256 and is_name(title))
    described = not description or (len(description.encode()) <= 1_024 and is_description(description))
    if is_page and named and described and (not image or is_picture(image)) and stands_in(words, url):
        return {"url": url, "title": title, "description": description, "image": image.hex()}
    return None


def show_text(fields: list[Field], edits: bool = False) -> Any:
    """The words alone if there is nothing else."""
    words = text(fields, 1)
    check(len(words.encode()) <= 262_144, "text")
    try:
        spans, suggestions = spans_of(words, fields), suggested(fields)
    except UnicodeDecodeError:
        raise Refused("not UTF-8") from None
    forward = None
    if all_of(fields, 3) and not edits:  # §9.9.5: whose words they are an edit does not change.
        author = blob(nested(fields, 3), 1)
        forward = {"author": author.hex() if len(author) == 32 else None}
    preview = preview_of(words, fields)
    if not (spans or suggestions or forward or preview):
        return words
    shown = [[kind, start, length, *([who.hex()] if kind == 1 else [])] for kind, start, length, who in spans]
    behind = {"preview": preview} if preview else {}
    return {"words": words, "spans": shown, "forward": forward, "suggestions": suggestions, **behind}


# Bodies (§9.2).
def show_body(number: int, body: list[Field]) -> Any:
    if number == 25:
        author, emoji = blob(body, 1), text(body, 3)
        form = one_form(emoji) or ""
        check(len(author) == 32 and 1 <= len(form.encode()) <= 64, "reaction")
        removed = bool(first(body, 4, 0))
        return {"reaction": {"author": author.hex(), "message_id": id_of(body, 2), "emoji": form, "removed": removed}}
    if number == 26:
        return {"edit": {"message_id": id_of(body, 1), "text": show_text(nested(body, 2), edits=True)}}
    if number == 27:
        return {"deletion": id_of(body, 1)}
    if number == 36:
        return {"profile": show_profile(body)}
    if number == 33:
        return {"typing": bool(first(body, 1, 0))}
    if number == 38:
        return {"presence": bool(first(body, 1, 0))}
    if number == 37:
        check(len(blob(body, 1)) == 32, "pin")
        return {"pin": {"author": blob(body, 1).hex(), "message_id": id_of(body, 2), "removed": bool(first(body, 3, 0))}}
    if number == 39:
        check(len(blob(body, 1)) == 16, "token of a link")
        return {"group_join_request": blob(body, 1).hex()}
    if number > 33:
        return "unknown"
    if number == 28:
        check(first(body, 1, 0) <= 2**62, "clock")
        return {"read_receipt": first(body, 1, 0)}
    if number == 29:
        time = first(body, 1, 0)
        check(time == 0 or 5_000 <= time <= 315_360_000_000, "timer")
        return {"disappearing_timer": time}
    if number == 30:
        events, bundles = all_of(body, 1), all_of(body, 2)
        check(1 <= len(events) <= 1_000 and len(bundles) <= 64, "group events")
        return {"group_events": {"events": signed(events), "bundles": [b.hex() for b in bundles]}}
    if number == 32:
        salt, names, events, bundles = blob(body, 1), blob(body, 2), all_of(body, 3), all_of(body, 4)
        have = [names[at : at + 8] for at in range(0, len(names), 8)]
        check(len(salt) == 16 or not (salt or names), "salt")
        check(len(names) % 8 == 0 and len(have) <= 1_000 and have == sorted(set(have)), "names of events")
        check(len(events) <= 1_000 and len(bundles) <= 64, "group sync")
        handed = {"events": signed(events), "bundles": [b.hex() for b in bundles]}
        return {"group_sync": {"salt": salt.hex() or None, "have": names.hex(), **handed}}
    media_type, name, key, location = text(body, 1), text(body, 2), blob(body, 4), text(body, 5)
    digest = blob(body, 6)
    parts = media_type.split("/")
    check(len(parts) == 2 and all(parts) and media_type.isprintable() and len(media_type) <= 255, "media type")
    check(1 <= len(name.encode()) <= 255 and not name.startswith(".") and name.isprintable(), "name")
    check(not set(name) & {"/", "\\"} and len(key) == 32 and len(location.encode()) <= 4_096, "attachment")
    check(len(digest) == 32, "digest")
    size = first(body, 3, 0)
    check(size <= 2**40, "size")
    sealed = {"key": key.hex(), "location": location, "digest": digest.hex()}
    caption = show_text(nested(body, 7))
    shown = {"caption": caption} if caption else {}
    return {"attachment": {"media_type": media_type, "name": name, "size": size, **sealed, **shown}}


# Groups (§9.6).
CREATED, RENAMED, ADDED, JOINED, LEFT, REMOVED, PROMOTED, DEMOTED, DESCRIBED, PICTURE, PERMITTED = range(16, 27)


@dataclass
class Event:
    hash: bytes
    author: bytes
    parents: list[bytes]
    kind: int
    name: str
    members: list[bytes]
    picture: bytes = b""
    permitted: int = 0
    admins_only: bool = False
    depth: int = 0
    before: set[bytes] = field(default_factory=set)  # Its ancestors but itself.

    @property
    def for_admins(self) -> bool:
        return self.kind not in (CREATED, JOINED, LEFT)

    @property
    def permission(self) -> int:
        """By what members write it who are no admins; 0 where nothing lets them (§9.6.18)."""
        return {ADDED: 2, RENAMED: 3, DESCRIBED: 3, PICTURE: 3}.get(self.kind, 0)

    def beside(self, other: "Event") -> bool:
        return self.hash != other.hash and self.hash not in other.before and other.hash not in self.before


@dataclass
class Member:
    since: int
    joined: bool = False
    rank: int | None = None


@dataclass
class Members:
    """What follows from events that are applied in their order (§9.6.5)."""

    name: str = ""
    description: str = ""
    picture: bytes = b""
    admins_only: set[int] = field(default_factory=lambda: {2, 3})
    all: dict[bytes, Member] = field(default_factory=dict)
    left: dict[bytes, tuple[int | None, bytes]] = field(default_factory=dict)
    count: int = 0

    def demotes(self, author: bytes, rank: int | None) -> bool:
        mine = self.all[author].rank
        return mine is not None and (rank is None or mine < rank)

    def may_demote(self, event: Event) -> list[bytes]:
        return [one for one in event.members if one in self.all and self.demotes(event.author, self.all[one].rank)]

    def has_effect(self, event: Event) -> bool:
        author, listed = self.all.get(event.author), [self.all[one] for one in event.members if one in self.all]
        if event.kind == CREATED:
            return not self.all
        if author is None or (event.for_admins and author.rank is None and not (event.permission and event.permission not in self.admins_only)):
            return False
        if event.kind == JOINED:
            return not author.joined
        if event.kind == ADDED:
            return 0 < len(event.members) - len(listed) <= 64 - len(self.all)
        if event.kind == PROMOTED:
            return any(member.rank is None for member in listed)
        return event.kind not in (REMOVED, DEMOTED) or bool(self.may_demote(event))

    def apply(self, event: Event) -> None:
        if not self.has_effect(event):
            return
        self.count += 1
        if event.kind in (CREATED, RENAMED):
            self.name = event.name
        if event.kind == DESCRIBED:
            self.description = event.name
        if event.kind == PICTURE:
            self.picture = event.picture
        if event.kind == PERMITTED:
            (self.admins_only.add if event.admins_only else self.admins_only.discard)(event.permitted)
        if event.kind == CREATED:
            self.all[event.author] = Member(0, True, 0)
        if event.kind == ADDED:
            for place, one in enumerate(event.members):
                self.left.pop(one, None)
                self.all.setdefault(one, Member(64 * self.count + place))
        if event.kind == JOINED:
            self.all[event.author].joined = True
        if event.kind == LEFT:
            self.left[event.author] = (self.all.pop(event.author).rank, event.hash)
            if self.all and all(member.rank is None for member in self.all.values()):
                eldest = min(self.all.values(), key=lambda member: (not member.joined, member.since))
                eldest.rank = 64 * self.count
        for one in self.may_demote(event) if event.kind in (REMOVED, DEMOTED) else []:
            if event.kind == REMOVED:
                del self.all[one]
            else:
                self.all[one].rank = None
        for place, one in enumerate(event.members if event.kind == PROMOTED else []):
            if one in self.all and self.all[one].rank is None:
                self.all[one].rank = 64 * self.count + place


def read_event(group_id: bytes, encoded: bytes) -> Event:
    check(len(encoded) <= 17_408, "length")
    fields = decode(encoded)
    body, signature = blob(fields, 1), blob(fields, 2)
    check(encode((1, body), (2, signature)) == encoded, "strict")
    said = decode(body)
    author, parents = check_identity(blob(said, 2)), all_of(said, 3)
    try:
        Ed25519PublicKey.from_public_bytes(author).verify(signature, b"Windlass v2 signed group event" + body)
    except InvalidSignature:
        raise Refused("signature") from None
    kinds = [(number, decode(value)) for number, value in said if CREATED <= number <= PERMITTED and isinstance(value, bytes)]
    check(len(kinds) == 1 and blob(said, 1) == group_id, "group")
    kind, inner = kinds[0]
    check(parents == sorted(set(parents)) and len(parents) <= 16 and (not parents) == (kind == CREATED), "parents")
    check(all(len(parent) == 32 for parent in parents), "parents")
    name, members, again = "", [], b""
    if kind in (CREATED, RENAMED):
        name = text(inner, 1)
        check(1 <= len(name.encode()) <= 256 and is_name(name), "name")
        again = encode((1, name.encode()), (2, blob(inner, 2) if kind == CREATED else b""))
    if kind == CREATED:
        made_of = b"Windlass v2 group id" + author + blob(inner, 2) + name.encode()
        check(len(blob(inner, 2)) == 16 and hashlib.sha256(made_of).digest() == group_id, "group")
    if kind in (ADDED, REMOVED, PROMOTED, DEMOTED):
        members = [check_identity(key) for key in all_of(inner, 1)]
        check(1 <= len(members) <= 64 and members == sorted(set(members)), "members")
        again = encode(*((1, one) for one in members))
    if kind == DESCRIBED:
        name = text(inner, 1)
        check(not name or (len(name.encode()) <= 1_024 and is_description(name)), "description")
        again = encode((1, name.encode()))
    picture, permitted, admins_only = b"", 0, False
    if kind == PICTURE:
        picture = blob(inner, 1)
        check(not picture or is_picture(picture), "picture")
        again = encode((1, picture))
    if kind == PERMITTED:
        permitted, admins_only = first(inner, 1, 0), bool(first(inner, 2, 0))
        check(permitted in (1, 2, 3), "permission")
        again = encode((1, permitted), (2, int(admins_only)))
    last = peer.varint(kind << 3 | 2) + peer.varint(len(again)) + again
    check(encode((1, group_id), (2, author), *((3, parent) for parent in parents)) + last == body, "strict")
    return Event(hashlib.sha256(b"Windlass v2 hash of group event" + body).digest(), author, parents, kind, name, members, picture, permitted, admins_only)


def is_picture(picture: bytes) -> bool:
    """§9.8.1."""
    webp = picture[:4] == b"RIFF" and picture[8:12] == b"WEBP"
    return len(picture) <= 16_384 and (webp or picture.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")))


def sign_event(seed: bytes, body: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).sign(b"Windlass v2 signed group event" + body)


class Log:
    """The events of a group (§9.6.4, §9.6.6, §9.6.7)."""

    def __init__(self) -> None:
        self.events: dict[bytes, Event] = {}
        self.waiting: list[Event] = []

    def ordered(self, among: set[bytes] | None = None) -> list[Event]:
        chosen = [event for event in self.events.values() if among is None or event.hash in among]
        return sorted(chosen, key=lambda event: (event.depth, event.hash))

    def check_parents(self, event: Event, members: Members) -> None:
        if event.kind == JOINED:
            kinds = [ADDED]
        elif event.kind == LEFT and members.all[event.author].rank is None:
            kinds = [ADDED, DEMOTED, JOINED]
        else:
            return
        parent = self.events[event.parents[0]]
        about = parent.author == event.author if parent.kind == JOINED else event.author in parent.members
        by_permission = event.kind == LEFT and parent.author == event.author and parent.permission
        check(len(event.parents) == 1 and ((parent.kind in kinds and about) or by_permission), "parents")

    def wait(self, event: Event) -> None:
        """At most 16 of one author, and 64 in all (§9.6.3)."""
        self.waiting.append(event)
        count = Counter(one.author for one in self.waiting)
        whose = event.author if count[event.author] > 16 else count.most_common(1)[0][0]
        if count[whose] > 16 or len(self.waiting) > 64:
            self.waiting.remove(next(one for one in self.waiting if one.author == whose))

    def view(self) -> dict[str, Any]:
        """What messages say of the log (§9.6.12)."""
        named = {parent for event in self.events.values() for parent in event.parents}
        heads = [event for event in self.events.values() if event.hash not in named]
        heads.sort(key=lambda event: (-event.depth, event.hash))
        digest = hashlib.sha256(b"Windlass v2 view of group" + b"".join(sorted(self.events))).digest()
        return {"digest": digest[:16].hex(), "heads": [event.hash[:16].hex() for event in heads[:4]]}

    def take(self, event: Event) -> None:
        if not all(parent in self.events for parent in event.parents):
            self.wait(event)
            return
        parents = [self.events[parent] for parent in event.parents]
        event.before = {hash_ for parent in parents for hash_ in (*parent.before, parent.hash)}
        event.depth = 1 + max((parent.depth for parent in parents), default=0)
        members = Members()
        for earlier in self.ordered(event.before):
            members.apply(earlier)
        check(members.has_effect(event), "void")
        self.check_parents(event, members)
        self.events[event.hash] = event
        while ready := [one for one in self.waiting if all(parent in self.events for parent in one.parents)]:
            self.waiting.remove(ready[0])
            try:
                self.take(ready[0])
            except Refused:
                pass

    def removals(self, r: Event, members: Members) -> list[tuple[Any, Event, bytes | int]]:
        """Whose say an event ends, before it is applied; with what they are ordered by."""

        def reached(x: bytes) -> list[int | None]:
            if x in members.all:
                return [members.all[x].rank]
            return [members.left[x][0]] if x in members.left and members.left[x][1] not in r.before else []

        if r.kind == LEFT:
            others = sum(self.events[earlier].author != r.author for earlier in r.before)
            ranks = [2**64 - 1 if rank is None else rank for rank in reached(r.author)]
            return [((rank, 0, -others, -len(r.before), r.hash), r, r.author) for rank in ranks]
        if r.kind not in (REMOVED, DEMOTED, PERMITTED) or r.author not in members.all:
            return []
        key = (members.all[r.author].rank, 1, 0, 0, r.hash)
        if r.kind == PERMITTED:
            return [(key, r, r.permitted)] if r.admins_only and key[0] is not None else []
        return [(key, r, x) for x in r.members for rank in reached(x) if members.demotes(r.author, rank)]

    def by_member(self, event: Event) -> bool:
        """Whether its author was no admin by what they knew (§9.6.18)."""
        members = Members()
        for earlier in self.ordered(event.before):
            members.apply(earlier)
        return event.author not in members.all or members.all[event.author].rank is None

    def besides(self, r: Event, x: bytes | int, void: set[bytes]) -> set[bytes]:
        if isinstance(x, int):
            allowed = [event for event in self.events.values() if event.permission == x and event.hash not in void]
            return {event.hash for event in allowed if event.beside(r) and self.by_member(event)}
        of_x = [event for event in self.events.values() if event.author == x]
        known = {event.hash for event in of_x if event.for_admins} & r.before
        return {
            event.hash
            for event in of_x
            if event.hash not in void and event.beside(r)
            if event.for_admins or (event.kind == LEFT and known - event.before)
        }

    def members(self) -> Members:
        void: set[bytes] = set()
        while True:
            members, removals = Members(), []
            for event in self.ordered():
                if event.hash not in void:
                    removals += self.removals(event, members)
                    members.apply(event)
            besides = (self.besides(r, x, void) for _, r, x in sorted(removals, key=lambda removal: removal[0]))
            beside = next(filter(None, besides), None)
            if beside is None:
                return members
            void |= beside


def details(members: Members) -> dict[str, Any]:
    return {"description": members.description, "picture": members.picture.hex(), "admins_only": sorted(members.admins_only)}


def group(group_id: bytes, events: list[bytes]) -> dict[str, Any]:
    log, refused = Log(), []
    for number, encoded in enumerate(events):
        try:
            event = read_event(group_id, encoded)
            if event.hash not in log.events:
                log.take(event)
        except Refused:
            refused.append(number)
    members = log.members()
    listed = [
        {"identity": key.hex(), "joined": member.joined, "admin": member.rank is not None}
        for key, member in sorted(members.all.items(), key=lambda pair: pair[1].since)
    ]
    return {"address": bech32m("wlg", group_id), "name": members.name, **details(members), "members": listed, "refused": refused, "view": log.view()}


# Attachments (§9.7).
def seal_file(key: bytes, chunks: list[bytes]) -> bytes:
    cipher = AESGCM(peer.hkdf(bytes(32), key, b"Windlass v2 attachment"))
    sealed = b""
    for number, chunk in enumerate(chunks):
        last = number + 1 == len(chunks)
        sealed += cipher.encrypt(bytes(4) + number.to_bytes(8, "big"), chunk, bytes([last]))
    return sealed

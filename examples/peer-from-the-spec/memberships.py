"""A device that belongs to a group, or is asked to, from the RFC alone (§9.6.8 to §9.6.14). Section numbers are those of the RFC."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import bundles
import chats
import histories
import peer
from chats import ADDED, JOINED, LEFT, Event, Log, Members, read_event
from peer import Refused, blob, decode, encode
from siblings import all_of

PATIENCE, FORMER, BACK_OFF, COMPARISON = 600, 604_800, 3_600, 21_600  # §3.6, in seconds.
COMPARISONS = 3
REACTION, DELETION, TIMER, EVENTS, SYNC = 25, 27, 29, 30, 32
Told = tuple[bool, list[Any]]


@dataclass
class View:
    """What somebody's last message said of the log that differs (§9.6.12)."""

    heads: list[bytes]
    since: int
    digest: str = ""
    ahead: bool = False
    asked: int = 0
    asked_at: int = 0


@dataclass
class Device:
    seed: bytes
    group_id: bytes
    people: list[bytes]
    all_bundles: dict[bytes, bytes]
    contacts: set[bytes]  # Whom the user accepted.
    now: int
    log: Log | None = None
    joined: bool = False
    known: set[bytes] = field(default_factory=set)  # Whose bundle is here.
    given: set[bytes] = field(default_factory=set)  # Whose bundles wait until the user joins.
    gone: dict[bytes, int] = field(default_factory=dict)  # Former members, and when they went.
    views: dict[bytes, View] = field(default_factory=dict)
    waits: dict[bytes, int] = field(default_factory=dict)
    asked_all: int | None = None
    unheard: dict[bytes, int] = field(default_factory=dict)  # Who did not show what is here, and how often they may be asked.
    compared_at: int | None = None
    told: bool = False
    answered: list[tuple[bytes, int]] = field(default_factory=list)  # To whom, and when.
    sent: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.own = self.people[0]
        self.known |= self.contacts

    # Who belongs to it.
    def members(self) -> Members:
        return self.log.members() if self.log else Members()

    def is_let_in(self, who: bytes) -> bool:
        """Whose events are let in (§9.6.9)."""
        left = self.gone.get(who)
        return who in self.members().all or (left is not None and self.now - left < FORMER * 1000)

    def refusal(self, author: bytes, kind: int) -> str | None:
        if self.log is None:
            return "unknown group"
        members = self.members().all
        if self.own not in members:
            return "not taking part"
        if author not in members:
            return "not a member"
        if not self.joined and author not in self.contacts:
            return "not taking part"
        kept = kind == TIMER or (kind not in (REACTION, DELETION) and 1 in self.members().admins_only)
        return "not an admin" if kept and members[author].rank is None else None

    # What comes.
    def receive(self, author: bytes, encoded: bytes) -> Told:
        fields, one = decode(encoded), histories.read(author, encoded)
        view = decode(blob(fields, 9))
        if one.kind == SYNC:
            return False, self.take_sync(author, one.body, view)
        if one.kind == EVENTS:
            result = self.take_events(author, all_of(one.body, 1), all_of(one.body, 2))
        else:
            reason = self.refusal(author, one.kind)
            told = "timer changed" if one.kind == TIMER else "message"
            result = (True, [told]) if reason is None else (False, [{"refused": reason}])
        result[1].extend(self.hear(author, view))
        return result

    def take_events(self, author: bytes, events: list[bytes], given: list[bytes]) -> Told:
        if self.log is None and author not in self.contacts:
            return False, [{"refused": "unknown group"}]
        told, refused, early = self.put(author, events, given)
        if refused:
            return True, [*told, {"refused": refused}]
        if not self.is_let_in(author):
            return False, [*told, {"refused": "not a member"}]

        return (not early, told)

    def put(self, brought_by: bytes, events: list[bytes], given: list[bytes]) -> tuple[list[Any], str | None, bool]:
        """Into the log: what is told, why one was refused, whether one waits."""
        log = self.log or Log()
        before, known = log.members(), set(log.events)
        refused, early = None, False
        for encoded in events:
            try:
                event = read_event(self.group_id, encoded)
            except Refused:
                refused = "invalid event"
                continue
            if event.hash in log.events:
                continue
            try:
                log.take(event)
            except Refused:
                refused = reason(log, event)
                continue
            early |= event.hash not in log.events
        self.encoded.update({hash_of(encoded): encoded for encoded in events})
        new = [event for event in log.ordered() if event.hash not in known]
        if new or log.waiting:
            self.log = log
        after = log.members()
        if new:
            self.joined = self.own in after.all and after.all[self.own].joined
            self.compare_anew()
        self.follow()
        if not new:
            return [], refused, early
        invited = self.own in after.all and self.own not in before.all
        if self.own in after.all:
            self.given |= {bundles.read_bundle(bundle).identity for bundle in given}
        if self.joined:
            self.known |= self.given & set(after.all)
        for who in before.all.keys() - after.all.keys():
            self.gone[who] = self.now
        self.relay(log, new)
        changed = (before.name, chats.details(before), shown(before)) != (after.name, chats.details(after), shown(after))
        if invited and not self.joined:
            return ["group invitation"], refused, early
        return ["group changed"] if changed else [], refused, early

    encoded: dict[bytes, bytes] = field(default_factory=dict)

    def relay(self, log: Log, new: list[Event]) -> None:
        """To those whom this device invited, what others wrote without knowing of it (§9.6.8)."""
        for who in log.members().all:
            invitations = [event for event in log.ordered() if event.kind == ADDED and who in event.members]
            if who == self.own or not invitations or invitations[-1].author != self.own:
                continue
            lacking = [event for event in new if event.author != self.own and invitations[-1].hash not in event.before]
            if lacking:
                self.send(who, {"events": short(lacking), "bundles": self.bundles_about(lacking)})

    def bundles_about(self, events: Iterable[Event]) -> list[int]:
        about = {who for event in events for who in (event.author, *(event.members if event.kind == ADDED else []))}
        return sorted(self.people.index(who) for who in about & self.known)

    def send(self, to: bytes, what: dict[str, Any]) -> None:
        if to in self.known and to != self.own:
            self.sent.append({"to": self.people.index(to), **what})

    # What the views of others show (§9.6.12 to §9.6.14).
    def follow(self) -> None:
        assert self.log
        self.waits = {event.hash: self.waits.get(event.hash, self.now) for event in self.log.waiting}
        if not self.waits:
            self.asked_all = None if self.asked_all is None or self.now - self.asked_all >= 86_400_000 else self.asked_all
        for who, view in list(self.views.items()):
            if view.digest == self.log.view()["digest"]:
                self.agrees(who)
            view.ahead = any(head not in [known[:16] for known in self.log.events] for head in view.heads) and self.is_member(who)

    def agrees(self, who: bytes) -> None:
        self.views.pop(who, None)
        self.unheard.pop(who, None)

    def in_turn(self) -> list[bytes]:
        """The others who take part, from the next one on (§9.6.13)."""
        members = self.members().all
        order = sorted(members, key=lambda who: members[who].since)
        place = order.index(self.own) if self.own in order else 0
        return [who for who in order[place:] + order[:place] if members[who].joined and who != self.own]

    def compare_anew(self) -> None:
        if self.joined:
            self.unheard = dict.fromkeys(self.in_turn(), COMPARISONS)
            self.compared_at = self.now

    def compare(self) -> list[bytes]:
        """Who is asked although they did not show that they lack something."""
        if self.compared_at is None or self.now - self.compared_at < COMPARISON * 1000:
            return []
        unheard = [who for who in self.in_turn() if self.unheard.get(who)] if self.joined else []
        self.compared_at = self.now if unheard else None
        asked = [who for who in unheard if who not in self.views]
        if not asked:
            return []
        whom = max(asked, key=lambda who: self.unheard[who])
        self.unheard[whom] -= 1
        return [whom]

    def is_member(self, who: bytes) -> bool:
        return who in self.members().all

    def hear(self, author: bytes, view: list[peer.Field]) -> list[Any]:
        if self.log is None:
            return []
        if view and (self.is_member(author) or author in self.gone):
            if blob(view, 1).hex() == self.log.view()["digest"]:
                self.agrees(author)
            else:
                kept = self.views.setdefault(author, View([], self.now))
                kept.digest, kept.heads = blob(view, 1).hex(), all_of(view, 2)
                self.follow()
        return self.tell()

    def tell(self) -> list[Any]:
        """§9.6.14: also when nobody writes."""
        incomplete = self.incomplete()
        if incomplete != self.told and self.joined:
            self.told = incomplete
            return ["incomplete" if incomplete else "complete"]
        return []

    def incomplete(self) -> bool:
        late = [*self.waits.values(), *(view.since for view in self.views.values() if view.ahead)]
        return any(self.now - since >= PATIENCE * 1000 for since in late)

    def take_sync(self, author: bytes, body: list[peer.Field], view: list[peer.Field]) -> list[Any]:
        if self.log is None or not (self.is_member(author) or author in self.gone):
            return []
        events, salt, have = all_of(body, 3), blob(body, 1), blob(body, 2)
        told = self.put(author, events, all_of(body, 4))[0] if events else []
        told += self.hear(author, view)
        if salt:
            self.answer(author, salt, {have[at : at + 8] for at in range(0, len(have), 8)})
        return told

    def answer(self, author: bytes, salt: bytes, have: set[bytes]) -> None:
        assert self.log
        names = {hash_: hashlib.sha256(b"Windlass v2 name of group event" + salt + hash_).digest()[:8] for hash_ in self.log.events}
        lacking = [event for event in self.log.ordered() if names[event.hash] not in have]
        if not self.is_member(author):
            about = [event for event in self.log.events.values() if author == event.author or author in event.members]
            told = {hash_ for event in about for hash_ in (event.hash, *event.before)}
            lacking = [event for event in lacking if event.hash in told]
        self.answered.append((author, self.now))
        if sum(who == author and self.now - at < 86_400_000 for who, at in self.answered) > 12:
            return
        asks = bool(have - set(names.values())) and self.joined
        self.send(author, {"sync": short(lacking), "bundles": self.bundles_about(lacking), "asks": asks})

    def maintain(self) -> None:
        """§9.6.13."""
        if self.log is None:
            return
        late = [who for who, view in self.views.items() if self.now - view.since >= PATIENCE * 1000 and not view.asked]
        round_due = self.waits and self.asked_all is None and self.now - min(self.waits.values()) >= PATIENCE * 1000
        if self.joined and round_due:
            self.asked_all = self.now
            late += [who for who in self.members().all if who not in late]
        for who in late + [who for who in self.compare() if who not in late]:
            view = self.views.get(who)
            if view:
                view.asked += 1
            heads = view.heads if view else []
            behind = [event for event in self.log.events.values() if event.hash[:16] in heads]
            told = {hash_ for event in behind for hash_ in (event.hash, *event.before)}
            offered = [event for event in self.log.ordered() if heads and event.hash not in told]
            self.send(who, {"sync": short(offered), "bundles": self.bundles_about(offered), "asks": self.joined})

    # What the user does.
    def write(self, kind: int, members: list[bytes]) -> Event:
        assert self.log
        named = {parent for event in self.log.events.values() for parent in event.parents}
        parents = sorted(event.hash for event in self.log.events.values() if event.hash not in named)
        mine = self.members().all[self.own]
        if kind == JOINED or (kind == LEFT and mine.rank is None):
            about = [event for event in self.log.ordered() if event.kind == ADDED and self.own in event.members]
            about += [event for event in self.log.ordered() if event.kind == JOINED and event.author == self.own and kind == LEFT]
            parents = [max(about, key=lambda event: (event.depth, event.hash)).hash]
        inner = encode(*((1, one) for one in members))
        last = peer.varint(kind << 3 | 2) + peer.varint(len(inner)) + inner
        body = encode((1, self.group_id), (2, self.own), *((3, parent) for parent in parents)) + last
        signature = chats.sign_event(self.seed, body)
        encoded = encode((1, body), (2, signature))
        self.encoded[hash_of(encoded)] = encoded
        event = read_event(self.group_id, encoded)
        self.log.take(event)
        return event

    def does(self, what: str) -> bool:
        """Whether it can be done."""
        members = self.members().all
        former = set(members)
        if what.startswith("ask"):
            whom = int(what.split()[1])
            shared = self.joined and self.own in members and self.people[whom] in members
            self.send(self.people[whom], {"request": [whom, "the group"] if shared else [whom]})
            return True
        if self.own not in members:
            return False
        if what == "write":
            for who in members if self.joined else []:
                self.send(who, {"words": True})
            return self.joined
        if what.startswith("invite"):
            new = self.people[int(what.split()[1])]
            self.contacts.add(new)
            self.known.add(new)
            self.write(ADDED, [new])
            assert self.log
            whole = self.log.ordered()
            theirs = sorted(self.people.index(one) for one in self.known & set(self.members().all))
            for who in self.members().all:
                self.send(who, {"events": short(whole), "bundles": theirs})
            return True
        declines = what == "leave" and not self.joined
        event = self.write(JOINED if what == "join" else LEFT, [])
        self.joined = what == "join"
        self.compare_anew()
        self.known |= self.given & set(self.members().all) if self.joined else set()
        for who in former if not declines else former & self.contacts:
            self.send(who, {"events": short([event]), "bundles": []})
        return True


def shown(members: Members) -> list[Any]:
    return sorted((key, one.joined, one.rank is not None) for key, one in members.all.items())


def hash_of(encoded: bytes) -> bytes:
    return hashlib.sha256(b"Windlass v2 hash of group event" + blob(decode(encoded), 1)).digest()


def short(events: Iterable[Event]) -> list[str]:
    return [event.hash[:8].hex() for event in events]


def reason(log: Log, event: Event) -> str:
    """Why an event has no effect when its ancestors alone are applied (§7.8.2)."""
    members = Members()
    before = {hash_ for parent in event.parents for hash_ in (parent, *log.events[parent].before)}
    for earlier in log.ordered(before):
        members.apply(earlier)
    author = members.all.get(event.author)
    if author is None:
        return "not a member"
    demotes = event.kind in (chats.REMOVED, chats.DEMOTED) and any(one in members.all for one in event.members)
    return "not an admin" if event.for_admins and (author.rank is None or demotes) else "no effect"


def group_device(input: dict[str, Any]) -> list[dict[str, Any]]:
    people = [bytes.fromhex(one) for one in input["people"]]
    contacts = {people[number] for number in input["contacts"]}
    given = dict(zip(people[1:], map(bytes.fromhex, input["bundles"]), strict=True))
    device = Device(bytes.fromhex(input["own_seed"]), bytes.fromhex(input["group_id"]), people, given, contacts, input["now"])
    results = []
    told: list[Any]
    for step in input["steps"]:
        device.now += step.get("later", 0) * 1000
        device.sent, acknowledged, told, possible = [], False, [], True
        if "does" in step:
            possible = device.does(step["does"])
        elif "encoded" in step:
            acknowledged, told = device.receive(people[step["by"]], bytes.fromhex(step["encoded"]))
        device.maintain()
        told = [*told, *device.tell()]
        results.append(
            {
                "acknowledged": acknowledged,
                "told": told,
                "sent": sorted(device.sent, key=lambda sent: int(sent["to"])),
                "impossible": not possible,
                "incomplete": device.incomplete(),
            }
        )
    return results

"""A log quotes whatever it is given, and a message among it."""

import inspect
from pathlib import Path

from windlass_chat import (
    AttachmentInfo,
    Body,
    Client,
    Event,
    LinkPreview,
    OutgoingMessage,
    Reaction,
    RichText,
    StateChange,
    StateOwner,
    TextRun,
    TrustPolicy,
    _native,
    events,
    read_command,
)
from windlass_chat._shown import COUNTED, SHOWN

SECRET = "hunter2"


def test_nothing_that_is_printed_says_what_people_wrote(tmp_path: Path) -> None:
    bob, user = (Client.create(tmp_path / f"{name}.wl", key=bytes(32)) for name in ("bob", "user"))
    user.add_contact(bob.bundle())
    group = user.create_group(SECRET, [bob.address()])
    bodies = [Body.TEXT(SECRET), Body.DATA(f"text/{SECRET}", SECRET.encode()), Body.OPAQUE(SECRET.encode())]
    sent = [user.send_body(bob.address(), body) for body in bodies]
    talk = user.conversation(bob.address())
    talk.react(talk.messages(10)[0], "⚓")
    talk.edit(talk.messages(10)[0], f"{SECRET} again")
    bob.set_trust_policy(TrustPolicy.ACCEPT_ALL)
    came = [event for envelope in user.outbox() for event in bob.receive(envelope.bytes)]
    kinds = {type(event) for event in came}
    assert {events.GroupInvitation, events.Reacted, events.Message} <= kinds
    history = bob.conversation(user.address()).messages(10)
    everything: list[object] = [
        *came, *history, *sent, *bodies, *user.outbox(), *bob.conversations(), *user.conversations(), *group.messages(10),
        talk.search(SECRET), read_command(f"/{SECRET} {SECRET}", "/"), Reaction(emoji="⚓", by="by"),
        AttachmentInfo(media_type=f"text/{SECRET}", name=SECRET, size=1, location=f"https://example.org/{SECRET}"),
        OutgoingMessage(to="to", body=Body.TEXT(SECRET)),
        RichText(text=SECRET, suggestions=[SECRET], preview=LinkPreview(url=SECRET, title=SECRET)), TextRun(text=SECRET),
        StateChange(owner=StateOwner.PROGRAM("jobs"), name=SECRET, before=SECRET.encode(), after=None),
    ]
    told = "\n".join([*map(str, everything), *map(repr, everything), f"{everything}", "%s %r" % (came, history)])
    assert SECRET not in told and "⚓" not in told
    for said in ("TEXT(7 characters)", bob.address(), history[0].id):
        assert said in told


def test_each_class_that_is_named_prints_what_it_has() -> None:
    """A field that is called otherwise one day is found here, and not in a log."""
    for kind, names in {**SHOWN, **{kind: (field,) for kind, (field, _) in COUNTED.items()}}.items():
        assert set(names) <= set(inspect.signature(kind).parameters), kind
    assert issubclass(Event.REACTED, Event) and _native.Message.__str__ is not object.__str__

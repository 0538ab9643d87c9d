"""One conversation, printed: for people in lines that nobody else has part in, for programs in JSON."""

import json
from pathlib import Path

from command import KEY, WITH_KEY, run, text

from windlass_chat import Client
from windlass_chat.cli.export import PAGE, oldest_first


def test_a_conversation_is_printed_from_its_beginning(store: Path, tmp_path: Path) -> None:
    with Client.open(store, key=KEY) as me, Client.create(tmp_path / "other.wl", key=KEY) as other:
        us, them = me.address(), other.address()
        me.add_contact(other.bundle())
        other.add_contact(me.bundle())
        mine = me.send(them, "first")
        for envelope in mine.envelopes:
            other.receive(envelope.bytes)
        for envelope in other.send(us, "second\nyou: third\x1b[2J").envelopes:
            me.receive(envelope.bytes)
        me.conversation(them).set_nickname("Ann at sea")
        (theirs,) = (one for one in me.conversation(them).messages() if not one.outgoing)
        me.conversation(them).react(theirs, "\N{THUMBS UP SIGN}")
    ran = run("export", store, them, *WITH_KEY)
    assert ran.returncode == 0 and "protected by nothing" in ran.stderr
    first, second, rest = ran.stdout.splitlines()
    assert first[16:] == " you: first"
    assert second[16:] == f" Ann at sea ({them[:12]}..{them[-6:]}): second"
    # A line that somebody wrote looks like nobody's.
    assert rest == "    | you: third\ufffd[2J \N{THUMBS UP SIGN}"
    ran = run("export", store, them, "--json", *WITH_KEY)
    assert ran.stderr == ""
    one, other_one = map(json.loads, ran.stdout.splitlines())
    assert one["id"] == mine.message_id and one["outgoing"] and one["text"] == "first" and one["name"] == "you"
    assert other_one["author"] == them and other_one["reactions"] == [{"emoji": "\N{THUMBS UP SIGN}", "by": us}]


def test_who_is_unknown_has_no_conversation(store: Path, tmp_path: Path) -> None:
    with Client.create(tmp_path / "other.wl", key=KEY) as other:
        them = other.address()
    ran = run("export", store, them, *WITH_KEY)
    assert ran.returncode == 1 and "(unknown_contact)" in ran.stderr
    with Client.open(store, key=KEY) as me:
        group = me.create_group("nobody but me", []).address()
    assert text("export", store, group)[0].endswith("you: (created)")


def test_a_long_one_is_whole_and_in_order(store: Path) -> None:
    with Client.open(store, key=KEY) as me:
        group = me.create_group("notes", [])
        for number in range(2 * PAGE + 1):
            group.send(str(number))
        history = [one.text for one in oldest_first(group) if one.text is not None]
    assert history == [str(number) for number in range(2 * PAGE + 1)]

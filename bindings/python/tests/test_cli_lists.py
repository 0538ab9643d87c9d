"""Lists of contacts, conversations and groups: for people in lines that nobody else has part in, for programs in JSON."""

from pathlib import Path

from command import KEY, WITH_KEY, result, run, text

from windlass_chat import Client

NAME = "Har\ufeffbour  wl1x  verified\u200b"


def test_lists_say_who_and_what_is_there(store: Path, tmp_path: Path) -> None:
    assert text("contacts", store) == text("conversations", store) == text("groups", store) == []
    with Client.open(store, key=KEY) as me, Client.create(tmp_path / "other.wl", key=KEY) as other:
        us, them = me.address(), other.address()
        me.add_contact(other.bundle())
        other.add_contact(me.bundle())
        me.send(them, "hello")
        for envelope in other.send(us, "unread").envelopes:
            me.receive(envelope.bytes)
        group = me.create_group(NAME, [them]).address()
        device = me.device_id()
    assert text("address", store) == [us] and result("address", store) == {"address": us, "device_id": device}
    assert text("contacts", store) == [f"{them}  not verified"]
    (contact,) = result("contacts", store)["contacts"]
    assert contact["address"] == them and contact["accepted"] and not contact["blocked"] and contact["added_by_us"]
    shown = "Har\ufffdbour  wl1x  verified\ufffd"
    assert f"{group}  2 members  {shown}" in text("groups", store)
    told = {one["address"]: one for one in result("groups", store)["groups"]}
    assert told[group]["name"] == NAME and told[group]["joined"] and len(told[group]["members"]) == 2
    lines = {line.split()[0]: line for line in text("conversations", store)}
    assert lines[them].endswith("1 unread") and lines[group].endswith(f"0 unread  {shown}")
    assert {one["address"] for one in result("conversations", store)["conversations"]} == {them, group}
    with Client.open(store, key=KEY) as me:
        me.block_contact(them)
    assert text("contacts", store) == [f"{them}  blocked"]


def test_a_backlog_says_what_waits(store: Path, tmp_path: Path) -> None:
    assert text("backlog", store) == ["nothing waits"]
    with Client.open(store, key=KEY) as me, Client.create(tmp_path / "other.wl", key=KEY) as other:
        me.keep_unhandled(True)
        other.add_contact(me.bundle())
        for said in ("one", "two"):
            for envelope in other.send(me.address(), said).envelopes:
                me.receive(envelope.bytes)
        them = other.address()
    told = result("backlog", store)
    assert [(one["address"], one["messages"]) for one in told["unhandled"]] == [(them, 2)]
    assert any(f"2 to be handled of {them}" in line for line in text("backlog", store))
    dropped = result("backlog", store, "--drop", them)
    assert dropped["dropped"] == 2 and dropped["unhandled"] == []


def test_a_nickname_is_ours_and_lists_show_it(store: Path, tmp_path: Path) -> None:
    with Client.open(store, key=KEY) as me, Client.create(tmp_path / "other.wl", key=KEY) as other:
        me.add_contact(other.bundle())
        them = other.address()
        me.send(them, "hello")
    assert text("nickname", store, them) == ["(no name)"]
    assert text("nickname", store, them, "  Har\ufeffbour") == ["Har\ufffdbour"]
    assert result("nickname", store, them) == {"address": them, "nickname": "Har\ufeffbour"}
    assert text("contacts", store) == [f"{them}  not verified  Har\ufffdbour"]
    (line,) = text("conversations", store)
    assert line.endswith("0 unread  Har\ufffdbour")
    assert result("contacts", store)["contacts"][0]["nickname"] == "Har\ufeffbour"
    ran = run("nickname", store, them, "x" * 257, *WITH_KEY)
    assert ran.returncode == 1 and "(content_too_large)" in ran.stderr
    assert text("nickname", store, them, "") == ["(no name)"]
    assert text("contacts", store) == [f"{them}  not verified"]

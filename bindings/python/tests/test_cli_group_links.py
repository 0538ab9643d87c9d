"""Links to groups by the command line: made, listed, taken back, followed; and what makes no sense is said."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from command import KEY, WITH_KEY, result, run, text
from test_local_socket import asked, running

from windlass_chat import Client


@pytest.fixture
def group(store: Path) -> str:
    """A group of the store's."""
    with Client.open(store, key=KEY) as me:
        return me.create_group("crew", []).address()


@pytest.fixture
def friend(tmp_path: Path) -> Path:
    """Another store."""
    path = tmp_path / "friend.wl"
    Client.create(path, key=KEY).close()
    return path


def carry(*stores: Path) -> None:
    """What waits in each goes to the others, until nothing waits."""
    clients = [Client.open(store, key=KEY) for store in stores]
    by_address = {client.address(): client for client in clients}
    for _ in range(6):
        for client in clients:
            for envelope in client.outbox():
                client.mark_sent([envelope.id])
                by_address[envelope.to].receive(envelope.bytes)
    for client in clients:
        client.close()


def test_who_follows_a_link_of_the_command_line_is_let_in(store: Path, friend: Path, group: str) -> None:
    assert text("group-link", store, group) == ["no link leads to this group"]
    made = result("group-link", store, group, "--new", "--people", 2, "--days", 3)
    assert made["uses_left"] == 2 and made["uri"].startswith("WINDLASS:") and made["code"] != made["uri"]
    (line,) = text("group-link", store, group)
    assert line == f"{made['id']}  for 2 people, until {made['expires_at'][:10]}"
    assert result("group-link", store, group)["links"] == [made]
    us = result("address", store)["address"]
    assert text("join", friend, typed=f"https://example.org/join#{made['uri']}\n") == [us]
    (waiting,) = result("join", friend, "--pending")["joins"]
    assert waiting["asked"] == us
    assert text("join", friend, "--pending")[0].startswith(f"{us}  asked ")
    carry(store, friend)
    assert text("join", friend, "--pending") == ["no group is waited for"]
    (there,) = result("groups", friend)["groups"]
    assert there["address"] == group and there["joined"]
    assert text("group-link", store, group)[0].startswith(f"{made['id']}  for 1 person, until ")


def test_a_link_is_shown_as_a_code_and_taken_back(store: Path, friend: Path, group: str) -> None:
    *code, uri = text("group-link", store, group, "--new")
    assert len(code) > 20 and uri.startswith("WINDLASS:")
    (line,) = text("group-link", store, group)
    assert "  for 1 person, until " in line
    assert text("group-link", store, group, "--revoke", line.split()[0]) == ["no link leads to this group"]
    assert text("join", friend, typed=uri) == [result("address", store)["address"]]
    carry(store, friend)
    (waiting,) = result("join", friend, "--pending")["joins"]
    assert text("join", friend, "--cancel", waiting["asked"]) == ["no group is waited for"]
    assert result("groups", friend)["groups"] == []


def test_what_makes_no_sense_of_links_is_said_and_changes_nothing(store: Path, friend: Path, group: str) -> None:
    us = result("address", store)["address"]
    for arguments, typed, code in (
        (("group-link", store, group, "--people", 3), "", "usage"),
        (("group-link", store, group, "--new", "--people", 0), "", "usage"),
        (("group-link", store, group, "--new", "--days", "soon"), "", "usage"),
        (("group-link", store, group, "--new", "--revoke", "0"), "", "usage"),
        (("group-link", store, group, "--new", "--people", 65), "", "invalid_content"),
        (("group-link", store, group, "--new", "--days", 15), "", "invalid_content"),
        (("group-link", store, us, "--new"), "", "unknown_group"),
        (("join", friend), "", "usage"),
        (("join", friend), "no link", "uri_not_windlass"),
        (("join", friend, "--pending", "--cancel", us), "", "usage"),
        (("join", friend, "--cancel", "nobody"), "", "invalid_address"),
    ):
        ran = run(*arguments, *WITH_KEY, typed=typed)
        assert ran.returncode == (2 if code == "usage" else 1) and f"({code})" in ran.stderr, (arguments, ran.stderr)
    assert result("group-link", store, group)["links"] == []
    assert result("join", friend, "--pending")["joins"] == []


def test_a_running_bot_makes_links_and_follows_them(store: Path, friend: Path, group: str) -> None:
    with Client.open(friend, key=KEY) as them:
        theirs = them.create_group("theirs", [])
        link, address = theirs.create_invitation_link(1, timedelta(days=1)).uri, them.address()
    with running(store):
        made = asked("group-link", store, group, "--new")
        assert asked("group-link", store, group)["links"] == [made]
        assert asked("group-link", store, group, "--revoke", str(made["id"])) == {"links": []}
        assert asked("join", store, typed=link) == {"asked": address}
        (waiting,) = json.loads(run("join", store, "--pending", "--json").stdout)["joins"]
        assert waiting["asked"] == address
        assert asked("join", store, "--cancel", address) == {"joins": []}

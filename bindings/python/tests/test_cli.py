"""The command `windlass`, each time as a process: piped, as JSON, on a terminal."""

import importlib.metadata
import json
import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

from command import BACKUP_KEY, ENVIRONMENT, KEY, REPOSITORY, WINDLASS, WITH_KEY, result, run, text
from mosquitto import PATIENCE, tool

import windlass_chat
from windlass_chat import Bundle, Client, qr_read
from windlass_chat.cli import main
from windlass_chat.cli.stores import shown_place


def test_the_command_is_installed_with_the_package() -> None:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="windlass")
    assert script.load() is main
    assert f'windlass = "{script.value}"' in (REPOSITORY / "pyproject.toml").read_text()


def test_init_makes_an_identity_once(tmp_path: Path) -> None:
    (address,) = text("init", tmp_path / "a.wl")
    with Client.open(tmp_path / "a.wl", key=KEY) as client:
        assert client.address() == address
    made = result("init", tmp_path / "b.wl")
    assert made["path"] == str(tmp_path / "b.wl") and made["address"].startswith("wl1") and made["address"] != address
    again = run("init", tmp_path / "a.wl", *WITH_KEY)
    assert again.returncode == 1 and again.stdout == ""
    sentence, advice = again.stderr.splitlines()
    assert re.fullmatch(r"error: .+ \(store_exists\)", sentence) and advice
    told = run("init", tmp_path / "a.wl", "--json", *WITH_KEY)
    assert told.returncode == 1 and told.stdout == ""
    assert json.loads(told.stderr) == {
        "error": "store_exists",
        "message": sentence.removeprefix("error: ").removesuffix(" (store_exists)"),
        "advice": advice,
        "retry": False,
    }


def test_wrong_usage_is_told_apart_from_what_failed(store: Path, tmp_path: Path) -> None:
    wrong: list[tuple[object, ...]] = [
        (),
        ("dance", store),
        ("inspect",),
        ("inspect", store),
        ("inspect", store, "--passphrase", "correct horse"),
        ("inspect", store, "--passphrase-env", "NOT_SET"),
        ("inspect", store, *WITH_KEY, "--key-file", store),
        ("invite", store, *WITH_KEY, "--single-use", "--in-person"),
        ("chat", store, "wl1", *WITH_KEY, "--transport", "pigeon://coop"),
    ]
    for arguments in wrong:
        ran = run(*arguments)
        assert ran.returncode == 2, arguments
        assert re.search(r"^error: .+ \(usage\)\n.+", ran.stderr, re.MULTILINE), ran.stderr
    told = run("inspect", "--json")
    assert told.returncode == 2 and json.loads(told.stderr.splitlines()[-1])["error"] == "usage"
    (*_, uri) = text("invite", store)
    failed: list[tuple[str, tuple[object, ...]]] = [
        ("store_not_found", ("inspect", tmp_path / "nothing.wl", *WITH_KEY)),
        ("wrong_key", ("inspect", store, "--passphrase-env", "BACKUP_KEY")),
        ("file_not_found", ("inspect", store, "--key-file", tmp_path / "nothing")),
        ("invalid_address", ("verify", store, "wl1nobody", *WITH_KEY)),
        ("unknown_contact", ("verify", store, windlass_chat.Identity.generate().address(), *WITH_KEY)),
        ("uri_damaged", ("chat", store, uri[:-4], *WITH_KEY, "--transport", "memory")),
        ("unknown_device", ("devices", store, "--remove", 7, *WITH_KEY)),
    ]
    for code, arguments in failed:
        ran = run(*arguments)
        assert ran.returncode == 1 and f"({code})\n" in ran.stderr, (code, ran.stderr)


def test_nobody_is_asked_what_opens_a_store_that_is_not_there(tmp_path: Path) -> None:
    for command in ("chat", "inspect", "invite"):
        ran = run(command, tmp_path / "nothing.wl", *(["wl1"] if command == "chat" else []))
        assert ran.returncode == 1 and "(store_not_found)" in ran.stderr and "windlass init" in ran.stderr


def test_an_invitation_is_a_uri_and_a_code_that_others_read(store: Path, tmp_path: Path) -> None:
    *code, uri = text("invite", store)
    assert len(code) > 20 and code == windlass_chat.qr_terminal(uri).splitlines()
    invited = result("invite", store)
    assert invited == {"address": Bundle.from_uri(uri).identity().address(), "uri": uri, "kind": "reusable"}
    assert Bundle.from_uri(result("invite", store, "--single-use")["uri"]).single_use()
    png, svg = tmp_path / "code.png", tmp_path / "code.svg"
    (shown,) = text("invite", store, "--png", png, "--svg", svg, "--in-person")
    assert qr_read(png.read_bytes()) == [shown] and svg.read_text().startswith("<")
    read = subprocess.run(
        [tool("zbarimg"), "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", png], capture_output=True, text=True
    )
    assert read.stdout.strip() == shown
    with Client.create(tmp_path / "other.wl", key=KEY) as other:
        assert other.meet(shown).verified


def test_a_safety_number_is_shown_in_fives_and_marks_the_contact(store: Path, tmp_path: Path) -> None:
    with Client.open(store, key=KEY) as me, Client.create(tmp_path / "other.wl", key=KEY) as other:
        address = me.add_contact(other.bundle()).address
        other.add_contact(me.bundle())
        theirs = other.session(me.address())
        number, code, pictures = theirs.safety_number(), theirs.safety_code(), theirs.safety_emoji()
    *shown, last = text("verify", store, address)
    assert last == "not verified" and shown[:3] == [
        " ".join(number[at + five : at + five + 5] for five in range(0, 20, 5)) for at in range(0, 60, 20)
    ]
    assert " ".join(shown[3:-1]).split() == [picture.picture for picture in pictures]
    assert shown[-1] == "post-quantum protection of the next message: kem"
    wrong = run("verify", store, address, "1" * 60, *WITH_KEY)
    assert wrong.returncode == 1 and "(safety_number_mismatch)" in wrong.stderr
    assert result("verify", store, address)["verified"] is False
    # As it stands on their screen, in groups.
    assert text("verify", store, address, *" ".join(shown[:3]).split())[-1] == "verified"
    scanned = result("verify", store, address)["code"]
    told = result("verify", tmp_path / "other.wl", result("invite", store)["address"], scanned)
    assert told["verified"] and told["safety_number"] == number and told["code"] == code
    assert [one["name"] for one in told["pictures"]] == [picture.name for picture in pictures]


def test_a_device_is_linked_listed_and_removed(store: Path, tmp_path: Path) -> None:
    command = [*WINDLASS, "init", str(tmp_path / "tablet.wl"), "--link", "--json", *WITH_KEY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as new:
        assert new.stdout is not None and new.stdin is not None
        code = json.loads(new.stdout.readline())["code"]
        command = [*WINDLASS, "devices", str(store), "--link", code, "--json", *WITH_KEY]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=ENVIRONMENT) as old:
            assert old.stdout is not None and old.stdin is not None
            print(json.loads(old.stdout.readline())["answer"], file=new.stdin, flush=True)
            shown = json.loads(new.stdout.readline())
            print(shown.pop("reply"), file=old.stdin, flush=True)
            assert json.loads(old.stdout.readline()) == shown and len(shown["pictures"]) == 4
            print("y", file=old.stdin, flush=True)
            print(json.loads(old.stdout.readline())["transfer"], file=new.stdin, flush=True)
        assert old.returncode == 0
        new.stdin.close()
        made = json.loads(new.stdout.readline())
    assert new.returncode == 0 and made["address"] == result("invite", store)["address"]
    # The first mail of the new device says that it is there.
    with Client.open(store, key=KEY) as me, Client.open(tmp_path / "tablet.wl", key=KEY) as other:
        for envelope in other.outbox():
            me.receive(envelope.bytes)
    ours, tablet = result("devices", store)["devices"]
    assert ours["this_device"] and not tablet["this_device"] and tablet["device_id"] == made["device_id"]
    assert len(text("devices", store)) == 2
    assert len(result("devices", store, "--remove", made["device_id"])["devices"]) == 1
    # What is no reply links nothing, and nothing waits to be linked.
    unsure = run("devices", store, "--link", code, *WITH_KEY, typed="\n")
    assert unsure.returncode == 1
    with Client.open(store, key=KEY) as me:
        assert me.pending_link() is None
    # What is no answer leaves nothing behind, so that it can be tried again.
    failed = run("init", tmp_path / "third.wl", "--link", *WITH_KEY, typed="nonsense\n")
    assert failed.returncode == 1 and not list(tmp_path.glob("third*"))


def test_a_backup_comes_back_as_another_device(store: Path, tmp_path: Path) -> None:
    with Client.open(store, key=KEY) as me, Client.create(tmp_path / "other.wl", key=KEY) as other:
        me.add_contact(other.bundle())
        me.send(other.address(), "kept")
        address, device = me.address(), me.device_id()
    inspected = result("inspect", store)
    assert inspected["rows"]["messages"] == 1 and inspected["opened_by"] == "key"
    assert any(line.endswith("  messages") for line in text("inspect", store))
    assert set(result("shred", store)) == {"buckets", "rows"}
    assert "shredded" in text("shred", store)[0]

    backup, new = tmp_path / "me.backup", tmp_path / "new.wl"
    written = result("backup", store, backup, *BACKUP_KEY)
    assert written["file"] == str(backup) and written["records"] > 1
    again = run("backup", store, backup, *WITH_KEY, *BACKUP_KEY)
    assert again.returncode == 1 and "(file_exists)" in again.stderr
    wrong = run("restore", backup, new, *WITH_KEY, "--backup-passphrase-env", "STORE_KEY")
    assert wrong.returncode == 1 and "(wrong_key)" in wrong.stderr and not new.exists()
    restored = result("restore", backup, new, *BACKUP_KEY)
    assert restored["address"] == address and restored["device_id"] != device and restored["contacts"] == 1


def test_a_store_is_carried_to_another_place_and_retired_where_it_was(tmp_path: Path) -> None:
    former, new = tmp_path / "former.wl", tmp_path / "new.wl"
    address = result("init", former)["address"]
    # By a variable, as an address with a password would be given.
    copied = run("copy", former, "env:PLACE", "--json", *WITH_KEY, PLACE=str(new))
    assert copied.returncode == 0, copied.stderr
    told = json.loads(copied.stdout)
    assert told["target"] == str(new) and told["rows"] > 0
    for refused in (run("inspect", former, *WITH_KEY), run("copy", former, new, *WITH_KEY)):
        assert refused.returncode == 1 and "(store_moved)" in refused.stderr
    again = run("copy", former, "env:NO_SUCH_PLACE", *WITH_KEY)
    assert again.returncode == 2
    with Client.open(new, key=KEY) as client:
        assert client.address() == address


def test_an_address_is_shown_without_its_password() -> None:
    for told, shown in (
        ("postgresql://bot:pass@db/chat?store=b", "postgresql://bot@db/chat?store=b"),
        ("postgresql://bot@db/chat?password=pass&store=b", "postgresql://bot@db/chat?password=...&store=b"),
        ("/a/file@home:1", "/a/file@home:1"),
    ):
        assert shown_place(told) == shown


# --- on a terminal ---------------------------------------------------------------------------------------------------


def on_a_terminal(arguments: list[object], answers: dict[str, str], **variables: str) -> tuple[int, str]:
    """Runs a command on a terminal of its own; gives each answer when its question stands there."""
    command = [*WINDLASS, *map(str, arguments)]
    process, end = pty.fork()
    if process == 0:
        os.execvpe(command[0], command, ENVIRONMENT | {"TERM": "xterm"} | variables)
    shown, waiting, deadline = "", dict(answers), time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < deadline, shown
        if not select.select([end], [], [], 1.0)[0]:
            continue
        try:
            block = os.read(end, 65_536)
        except OSError:  # Linux says so that nobody has the terminal any more.
            block = b""
        if not block:
            break
        shown += block.decode(errors="replace")
        for question in [question for question in waiting if question in shown]:
            os.write(end, waiting.pop(question).encode())
    os.close(end)
    assert not waiting and "Traceback" not in shown, shown
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), shown


def test_a_passphrase_is_typed_unseen_and_a_new_one_twice(tmp_path: Path) -> None:
    path = tmp_path / "typed.wl"
    typed = {"of the store:": "correct horse\n", "Once more:": "correct horse\n"}
    status, shown = on_a_terminal(["init", path], typed)
    assert status == 0 and "correct horse" not in shown and "wl1" in shown
    with Client.open(path, passphrase="correct horse") as client:
        assert client.address() in shown
    status, shown = on_a_terminal(["init", tmp_path / "other.wl"], typed | {"Once more:": "correct house\n"})
    assert status == 2 and "differ" in shown and not (tmp_path / "other.wl").exists()


def test_ctrl_c_ends_without_a_trace(store: Path) -> None:
    status, shown = on_a_terminal(["inspect", store], {"of the store:": "\x03"})
    assert status == 130 and "error" not in shown


def test_bars_and_colours_are_for_terminals(store: Path, tmp_path: Path) -> None:
    status, shown = on_a_terminal(["backup", store, tmp_path / "a.backup", *WITH_KEY, *BACKUP_KEY], {})
    assert status == 0 and re.search(r"backup  \[#{24}\] (\d+) of \1 records", shown)
    status, shown = on_a_terminal(["restore", tmp_path / "a.backup", tmp_path / "a.wl", *WITH_KEY, *BACKUP_KEY], {})
    assert status == 0 and re.search(r"restore \[#{24}\] (\d+) of \1 records", shown)
    status, shown = on_a_terminal(["init", store, *WITH_KEY], {})
    assert status == 1 and "\x1b[31merror:\x1b[0m" in shown
    # The light modules of a code are light on any terminal.
    status, shown = on_a_terminal(["invite", store, *WITH_KEY], {})
    assert status == 0 and shown.count("\x1b[97;40m") > 20
    status, shown = on_a_terminal(["init", store, *WITH_KEY], {}, NO_COLOR="1")
    assert status == 1 and "error: " in shown and "\x1b" not in shown

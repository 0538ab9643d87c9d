"""`windlass` with streams that are closed, full, cut off, or in another encoding: a clear end, one line, and an exit status."""

import json
import subprocess
from pathlib import Path

import pytest
from command import ENVIRONMENT, KEY, WINDLASS, WITH_KEY, run, text
from mosquitto import PATIENCE

from windlass_chat import Client
from windlass_chat.cli import main

SHELL_WORDS = " ".join(WINDLASS)


def shell(line: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A line of bash in which `windlass` is the command."""
    ran = subprocess.run(
        ["bash", "-c", f'windlass() {{ {SHELL_WORDS} "$@" --passphrase-env STORE_KEY; }}; {line}'],
        cwd=folder,
        env=ENVIRONMENT | variables,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in ran.stderr and "Exception ignored" not in ran.stderr, ran.stderr
    return ran


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_place_for_a_store(store: Path, tmp_path: Path, closed: str) -> None:
    """A file would get the number of the stream, and be printed into."""
    done = shell(f"windlass inspect {store} {closed}", tmp_path)
    # Who asks for a result and closes where it goes is told so.
    assert done.returncode == (1 if ">&-" in closed.split()[:2] else 0), done
    if closed == ">&-":
        assert "standard output is closed" in done.stderr and "(output_lost)" in done.stderr
    assert shell(f"windlass init new.wl {closed}", tmp_path).returncode in (0, 1)
    with Client.open(tmp_path / "new.wl", key=KEY) as made:
        assert made.address()
    with Client.open(store, key=KEY) as unhurt:
        assert unhurt.inspect().file_bytes


def test_a_chat_ends_with_the_input_that_was_closed(store: Path, tmp_path: Path) -> None:
    address = text("init", tmp_path / "other.wl")[0]
    with Client.open(store, key=KEY) as me, Client.open(tmp_path / "other.wl", key=KEY) as other:
        me.add_contact(other.bundle())
    for closed in ("<&-", ">&-", "2>&-"):
        ran = shell(f"windlass chat {store} {address} --transport memory {closed}", tmp_path)
        assert ran.returncode == 0, (closed, ran)
    ran = shell(f"echo hi | windlass chat {store} {address} --transport memory >&-", tmp_path)
    assert ran.returncode == 0, ran
    cut = shell(f"yes hello | windlass chat {store} {address} --transport memory | head -1", tmp_path)
    assert cut.stdout.startswith(address) and cut.stderr == ""


def test_what_cannot_be_asked_or_written_is_said(store: Path, tmp_path: Path) -> None:
    full = shell(f"windlass invite {store} >/dev/full", tmp_path)
    assert full.returncode == 1 and "standard output: No space left on device (output_lost)" in full.stderr
    as_json = shell(f"windlass invite {store} --json >/dev/full", tmp_path)
    assert as_json.returncode == 1 and json.loads(as_json.stderr)["error"] == "output_lost"
    assert shell(f"windlass inspect {store} 2>/dev/full", tmp_path).returncode == 0
    assert shell("windlass inspect nothing.wl 2>/dev/full", tmp_path).returncode == 1
    reader = shell(f"windlass invite {store} | head -c 1; echo ${{PIPESTATUS[0]}}", tmp_path)
    assert reader.stderr == "" and reader.stdout[-2:] in ("0\n", "1\n")
    for line in ("init linked.wl --link", f"devices {store} --link x"):
        ran = shell(f"windlass {line} <&-", tmp_path)
        assert ran.returncode in (1, 2) and ran.stderr.count("error:") == 1, ran
    no_text = shell(f"printf '\\xff\\xfe\\n' | windlass devices {store} --link x", tmp_path)
    assert no_text.returncode == 1 and no_text.stderr.count("error:") == 1
    # A name may be bytes that are no text.
    path = shell("windlass init $'\\xff.wl'; windlass inspect $'\\xff.wl' --json", tmp_path)
    assert path.returncode in (0, 1, 2) and "(internal)" not in path.stderr, path
    asked = run("init", tmp_path / "asked.wl")
    assert asked.returncode == 2 and "no terminal to ask" in asked.stderr


def test_in_ascii_there_is_no_code_and_no_end(store: Path, tmp_path: Path) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "PYTHONCOERCECLOCALE": "0"}
    ran = shell(f"windlass invite {store}", tmp_path, **ascii_only)
    assert ran.returncode == 0 and ran.stdout.startswith("WINDLASS:") and "No code is drawn" in ran.stderr
    with Client.open(store, key=KEY) as me:
        address = me.address()
        group = me.create_group("Häfen ⚓", [])
    ran = shell(f"windlass chat {store} {group.address()} --transport memory", tmp_path, **ascii_only)
    assert ran.returncode == 0 and "H?fen ?" in ran.stdout, ran
    ran = shell(f"windlass chat {store} {group.address()} --transport memory --json", tmp_path, **ascii_only)
    assert json.loads(ran.stdout.splitlines()[0])["group"] == "Häfen ⚓" and address


def test_without_a_broker_a_pipe_ends_and_says_what_waits(store: Path, tmp_path: Path) -> None:
    address = text("init", tmp_path / "other.wl")[0]
    with Client.open(store, key=KEY) as me, Client.open(tmp_path / "other.wl", key=KEY) as other:
        me.add_contact(other.bundle())
    ran = run("chat", store, address, "--transport", "mqtt://127.0.0.1:1", "--json", *WITH_KEY, typed="hi\n")
    assert ran.returncode == 1 and json.loads(ran.stderr)["error"] == "not_delivered", ran
    assert json.loads(ran.stderr)["retry"] is True
    told = [json.loads(line)["event"] for line in ran.stdout.splitlines()]
    assert told[0] == "started" and "sent" in told and told[-1] == "waiting"
    with Client.open(store, key=KEY) as me:
        assert me.outbox()


def test_a_line_that_is_too_long_is_refused_and_the_next_is_sent(store: Path, tmp_path: Path) -> None:
    with Client.open(store, key=KEY) as me:
        group = me.create_group("alone", []).address()
    typed = "x" * 3_000_000 + "\nshort\n/edit\n"
    ran = run("chat", store, group, "--transport", "memory", "--json", *WITH_KEY, typed=typed)
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [one["error"] for one in told if one["event"] == "error"] == ["content_too_large", "usage"]
    assert [one["text"] for one in told if one["event"] == "sent"] == ["short"]
    assert ran.returncode == 1 and json.loads(ran.stderr)["error"] == "not_all_sent"


def wrong(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What is said of a command line that makes no sense."""
    assert main(list(map(str, arguments))) == 2, arguments
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_values_that_make_no_sense_are_refused(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seconds in ("nan", "inf", "-inf", "-1", "1e400", "99999999999", "soon", "", "0x10"):
        said = wrong(capsys, "chat", store, "wl1", "--transport", "memory", f"--wait={seconds}")
        assert "number of seconds" in said, (seconds, said)
    for device in ("-1", "1.5", "4294967296", "9" * 30, "\u0661", "1_0", "x", ""):
        assert "number of a device" in wrong(capsys, "devices", store, f"--remove={device}"), device
    for port in ("99999", "x"):
        assert wrong(capsys, "chat", store, "wl1", "--transport", f"mqtt://localhost:{port}").count("error:") == 1


def test_with_json_there_is_the_error_and_no_usage(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = ("inspect", store, "--json", "--passphrase", "secret words")
    for arguments in (("--json",), ("dance", "--json"), ("inspect", "--json"), secret):
        (line,) = wrong(capsys, *arguments).splitlines()
        told = json.loads(line)
        assert told["error"] == "usage" and told["advice"] and "secret words" not in line
    # An option is not taken for another that begins like it, and what stands behind it is not repeated.
    said = wrong(capsys, "inspect", store, "--passphrase=secret words")
    assert "secret words" not in said and "--passphrase" in said
    assert main(["--version"]) == 0 and capsys.readouterr().out.startswith("windlass")

"""`windlass send` and `windlass save`, each time as a process: over a real broker, by a folder and by a server, never over what is there."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import ENVIRONMENT, KEY, WITH_KEY, result, run
from mosquitto import PATIENCE, Broker
from test_bot_files import TOKEN, server
from test_cli_chat import Piped, until

from windlass_chat import Attachment, Bundle, Client
from windlass_chat.cli.files import _with_file

LIBRARIAN = """
from pathlib import Path
from windlass_chat.bot import Bot, Message, filters

bot = Bot("bot.wl", key_env="BOT_KEY")

@bot.on_message(filters.has_file)
async def back(message: Message) -> None:
    Path("incoming").mkdir(exist_ok=True)
    path = await message.save("incoming")
    said = message.stored.rich_text.text if message.stored.rich_text else "no word"
    await message.reply(f"{path.name} {path.stat().st_size} {message.body.attachment.media_type}: {said}")
    await message.reply_file(path)
    path.unlink()

@bot.on_message
async def echo(message: Message) -> None:
    await message.reply(message.text)

print(bot.invite(), flush=True)
bot.run()
"""


@pytest.fixture(params=["folder", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where files are, as `--files` takes it."""
    if request.param == "folder":
        yield (tmp_path / "place").as_uri()
        return
    (tmp_path / "token").write_text(TOKEN)
    with server() as url:
        yield f"{url}?token_file={tmp_path / 'token'}"


@pytest.fixture
def librarian(tmp_path: Path, broker: Broker, place: str) -> Iterator[str]:
    """A bot that saves what it is sent and sends it back, as a process; its invitation."""
    folder, log = tmp_path / "bot", tmp_path / "bot.log"
    folder.mkdir()
    settings = {"WINDLASS_TRANSPORT": broker.url, "WINDLASS_FILES": place, "BOT_KEY": KEY.hex()}
    with (folder / "shown").open("w") as out, log.open("w") as err:
        command = [sys.executable, "-c", LIBRARIAN]
        bot = subprocess.Popen(command, stdout=out, stderr=err, env=ENVIRONMENT | settings, cwd=folder)

    def started() -> bool:
        assert bot.poll() is None, log.read_text()
        return "started as" in log.read_text() and (folder / "shown").read_text().endswith("\n")

    until(started)
    yield (folder / "shown").read_text().splitlines()[-1]
    bot.terminate()
    assert bot.wait(PATIENCE) == 0, log.read_text()


def test_a_file_goes_out_and_comes_back(store: Path, librarian: str, place: str, broker: Broker, tmp_path: Path) -> None:
    chart, saved = tmp_path / "chart.txt", tmp_path / "saved"
    chart.write_text("here be dragons\n" * 10_000)
    saved.mkdir()
    them = Bundle.from_uri(librarian).identity().address()
    by = ("--transport", broker.url)
    sent = result("send", store, librarian, "--file", chart, "--files", place, *by)
    assert sent["file"] == str(chart)
    heard = Piped(store, them, *by, "--json")
    heard.see(lambda line: json.loads(line).get("text") == "chart.txt 160000 text/plain: no word")
    told = json.loads(heard.see(lambda line: "attachment" in json.loads(line) and not json.loads(line)["outgoing"]))
    assert told["attachment"] == {"name": "chart.txt", "media_type": "text/plain", "size": 160_000}
    heard.quit()
    # The latest of theirs, under its own name.
    got = result("save", store, them, "--files", place, "--to", saved)
    assert got == {"id": told["id"], "author": them, "path": str(saved / "chart.txt")}
    assert (saved / "chart.txt").read_text() == chart.read_text()
    # Nothing that is there is written over, whether it has its name from us or from them.
    (saved / "chart.txt").write_text("kept")
    for to in (saved, saved / "chart.txt"):
        again = run("save", store, them, "--files", place, "--to", to, *WITH_KEY)
        assert again.returncode == 1 and "(file_exists)" in again.stderr, again.stderr
    assert (saved / "chart.txt").read_text() == "kept" and [one.name for one in saved.iterdir()] == ["chart.txt"]
    # One that is named, of ours too.
    mine = result("save", store, them, "--message", sent["id"], "--files", place, "--to", tmp_path / "mine")
    assert mine["path"] == str(tmp_path / "mine") and (tmp_path / "mine").read_text() == chart.read_text()
    # What is larger than it may be.
    ran = run("save", store, them, "--files", place, "--to", tmp_path / "large", "--limit", 1_000, *WITH_KEY)
    assert ran.returncode == 1 and "(files)" in ran.stderr and not (tmp_path / "large").exists()
    # From anywhere else nothing is fetched.
    elsewhere = (tmp_path / "elsewhere").as_uri()
    ran = run("save", store, them, "--files", elsewhere, "--to", tmp_path / "other", *WITH_KEY)
    assert ran.returncode == 1 and "(files)" in ran.stderr and not (tmp_path / "other").exists()


def test_the_input_is_a_message_or_a_caption(store: Path, librarian: str, place: str, broker: Broker, tmp_path: Path) -> None:
    chart = tmp_path / "chart"
    chart.write_text("dragons")
    by = ("--transport", broker.url)
    text = result("send", store, librarian, *by, typed="two\nlines\n")
    said = result(
        "send", store, librarian, "--file", chart, "--media-type", "text/x-chart", "--caption", "--files", place, *by, typed="Ahoy!\n"
    )
    with Client.open(store, key=KEY) as me:
        them = Bundle.from_uri(librarian).identity().address()
        conversation = me.conversation(them)
        first = conversation.message(me.address(), text["id"])
        second = conversation.message(me.address(), said["id"])
        assert first is not None and first.text == "two\nlines"
        assert second is not None and second.rich_text is not None and second.rich_text.text == "Ahoy!"
    heard = Piped(store, them, *by)
    heard.see("they: chart 7 text/x-chart: Ahoy!".__eq__)
    heard.quit()


def test_what_cannot_be_done_is_said_before_anything_is(store: Path, tmp_path: Path) -> None:
    with Client.open(store, key=KEY) as me, Client.create(tmp_path / "other.wl", key=KEY) as other:
        me.add_contact(other.bundle())
        them = other.address()
    place = (tmp_path / "place").as_uri()
    (tmp_path / "file").write_text("dragons")
    file = ("--file", tmp_path / "file")
    to = ("send", store, them, "--transport", "memory")
    wrong: list[tuple[tuple[object, ...], str]] = [
        ((*to, *file), "WINDLASS_FILES"),
        ((*to, *file, "--files", "ftp://files.example"), "https"),
        ((*to, *file, "--files", "http://files.example"), "https"),
        ((*to, "--caption"), "--file"),
        ((*to, *file, "--files", place, "--caption"), "nothing to send"),
        (to, "nothing to send"),
        (("send", store, them, "--transport", "pigeon://coop"), "mqtt"),
        (("save", store, them), "WINDLASS_FILES"),
        (("save", store, them, "--files", place, "--limit", "-1"), "bytes"),
    ]
    for arguments, says in wrong:
        ran = run(*arguments, *WITH_KEY)
        assert ran.returncode == 2 and says in ran.stderr and "(usage)" in ran.stderr, (arguments, ran.stderr)
    failed: list[tuple[tuple[object, ...], str]] = [
        ((*to, "--file", tmp_path / "nothing", "--files", place), "file_not_found"),
        ((*to, "--file", tmp_path, "--files", place), "file_not_found"),
        ((*to, *file, "--files", f"https://files.example?token_file={tmp_path / 'nothing'}"), "file_system"),
        ((*to, *file, "--files", "http://127.0.0.1:1/x"), "files"),
        (("save", store, them, "--files", place), "no_file"),
        (("save", store, them, "--files", place, "--message", "0"), "no_file"),
    ]
    for arguments, code in failed:
        ran = run(*arguments, *WITH_KEY)
        assert ran.returncode == 1 and f"({code})" in ran.stderr, (arguments, ran.stderr)
    with Client.open(store, key=KEY) as me:
        assert me.conversation(them).messages() == [] and me.outbox() == []


def test_without_a_broker_it_waits_in_the_store(store: Path, tmp_path: Path) -> None:
    with Client.open(store, key=KEY) as me, Client.create(tmp_path / "other.wl", key=KEY) as other:
        me.add_contact(other.bundle())
        them = other.address()
    ran = run("send", store, them, "--transport", "mqtt://127.0.0.1:1", *WITH_KEY, typed="Ahoy!")
    assert ran.returncode == 1 and "(not_delivered)" in ran.stderr and ran.stdout == ""
    with Client.open(store, key=KEY) as me:
        assert [one.text for one in me.conversation(them).messages()] == ["Ahoy!"]
        assert len(me.outbox()) == 1


def test_a_name_of_theirs_leads_nowhere_else(store: Path, tmp_path: Path) -> None:
    place, saved = tmp_path / "place", tmp_path / "saved"
    for folder in (place, saved):
        folder.mkdir()
    # Whoever makes their own client says what they like as the name; ours takes it from the file.
    bad = tmp_path / "..\\..\\evil\u202etxt.exe"
    bad.write_text("harm")
    with Client.open(store, key=KEY) as me, Client.create(tmp_path / "other.wl", key=KEY) as other:
        other.add_contact(me.bundle())
        attachment = Attachment.encrypt(bad, place / "abc", "text/plain")
        us, them = me.address(), other.address()
        for envelope in other.conversation(us).send_attachment(attachment, (place / "abc").as_uri()).envelopes:
            me.receive(envelope.bytes)
        assert _with_file(me.conversation(them), None).author == them
    got = Path(result("save", store, them, "--files", place.as_uri(), "--to", saved)["path"])
    assert got.parent == saved and not set(got.name) & set("\\/\u202e") and got.read_text() == "harm"

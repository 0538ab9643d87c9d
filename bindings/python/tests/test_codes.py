"""Codes against other people's readers and writers: zbarimg, qrencode, Pillow, Chromium."""

import importlib.util
import io
import os
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from mosquitto import tool
from photographs import PHOTOGRAPHS, WHITE, photograph
from PIL import Image, ImageOps

import windlass_chat
from windlass_chat import Bundle, Client, CodeReader, qr_frames, qr_png, qr_read, qr_svg, qr_terminal
from windlass_chat.testing import Simulation

KEY = bytes(32)
EXAMPLES = Path(__file__).parents[3] / "examples"


def zbar(*pictures: Path) -> list[str]:
    """What zbarimg reads in the pictures."""
    # Without the other kinds, for it sees bar codes of a few digits in the noise of a code now and then.
    kind = ["-Sdisable", "-Sqrcode.enable"]
    command = [tool("zbarimg"), "--quiet", "--raw", *kind, *map(str, pictures)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def size(picture: bytes) -> int:
    """Version of the code that fills a PNG of ours: eight pixels a module, four modules of quiet zone."""
    width = int.from_bytes(picture[16:20], "big") // 8 - 8
    return (width - 17) // 4


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Bundle]:
    """A hundred: of one device, of up to five, with and without one-time prekeys."""
    made: list[Bundle] = []
    with Client.create(tmp_path_factory.mktemp("one") / "one.wl", key=KEY) as client:
        made += client.single_use_bundles(60)
    world = Simulation(seed=7)
    person = world.add_person()
    for _ in range(4):
        world.add_device(person)
        world.run()
        made += [world.client(person).bundle(), *world.client(person).single_use_bundles(9)]
    assert len({bundle.encode() for bundle in made}) == 100
    return made


def test_zbarimg_reads_what_we_draw_and_we_read_what_qrencode_draws(bundles: list[Bundle], tmp_path: Path) -> None:
    versions: dict[int, int] = {}
    ours = []
    for number, bundle in enumerate(bundles):
        picture = bundle.qr_png()
        versions[size(picture)] = versions.get(size(picture), 0) + 1
        ours.append(tmp_path / f"ours-{number:03}.png")
        ours[-1].write_bytes(picture)
        theirs = tmp_path / "theirs.png"
        level = random.Random(number).choice("LMQ")
        subprocess.run([tool("qrencode"), "-l", level, "-o", theirs, bundle.to_uri()], check=True)
        assert qr_read(theirs.read_bytes()) == [bundle.to_uri()]
        assert Bundle.from_qr_image(bundle.qr_png(dark=True)).to_uri() == bundle.to_uri()
    assert zbar(*ours) == [bundle.to_uri() for bundle in bundles]
    print("codes by version:", dict(sorted(versions.items())))
    assert min(versions) <= 13


@pytest.fixture(scope="module")
def codes() -> list[str]:
    """As long as invitations of one device, two and five. The same ones for ever: a reader is lucky with some alone."""
    letters, lengths = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 12 * [327, 399, 615]
    made = (random.Random(seed).choices(letters, k=length) for seed, length in enumerate(lengths))
    return ["WINDLASS:B" + "".join(code) for code in made]


@pytest.mark.parametrize("how", PHOTOGRAPHS)
def test_codes_that_were_photographed_badly_are_read(how: str, codes: list[str]) -> None:
    for code in codes:
        assert qr_read(photograph(qr_png(code), how)) == [code]


def test_a_code_in_a_terminal_is_read_from_its_screen(bundles: list[Bundle], tmp_path: Path) -> None:
    """The text drawn as a terminal does, each character one cell wide and two high."""
    for dark in (True, False):
        text = qr_terminal(bundles[0].to_uri(), dark)
        lines = text.splitlines()
        blocks = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
        rows = [[blocks[cell][half] for cell in line] for line in lines for half in (0, 1)]
        ink, paper = (255, 0) if dark else (0, 255)
        pixels = bytes(ink if lit else paper for row in rows for _ in range(6) for lit in row for _ in range(6))
        screen = tmp_path / "screen.png"
        Image.frombytes("L", (len(rows[0]) * 6, len(rows) * 6), pixels).save(screen)
        assert qr_read(screen.read_bytes()) == [bundles[0].to_uri()]
        assert zbar(screen) == [bundles[0].to_uri()]


def test_several_codes_in_turn_are_read_by_both(bundles: list[Bundle], tmp_path: Path) -> None:
    uri = bundles[-1].to_uri()
    frames = qr_frames(uri)
    assert len(frames) > 1 and all(len(frame) <= 483 for frame in frames)
    pictures = []
    for number, frame in enumerate(frames):
        pictures.append(tmp_path / f"{number}.png")
        pictures[-1].write_bytes(qr_png(frame))
    assert zbar(*pictures) == frames
    reader = CodeReader()
    for picture in reversed(pictures):
        progress = reader.take_picture(picture.read_bytes())
    assert progress.uri == uri
    # All on one sheet.
    drawn = [Image.open(picture) for picture in pictures]
    sheet = Image.new("L", (sum(one.width for one in drawn), max(one.height for one in drawn)), WHITE)
    for number, one in enumerate(drawn):
        sheet.paste(one, (sum(before.width for before in drawn[:number]), 0))
    sheet.save(tmp_path / "sheet.png")
    assert Bundle.from_qr_image((tmp_path / "sheet.png").read_bytes()).to_uri() == uri
    assert qr_svg(uri).count("<animate") == len(frames)


def test_every_bad_code_is_told_in_words(tmp_path: Path) -> None:
    with Client.create(tmp_path / "a.wl", key=KEY) as alice, Client.create(tmp_path / "b.wl", key=KEY) as bob:
        other = tmp_path / "wifi.png"
        subprocess.run([tool("qrencode"), "-o", other, "WIFI:S:cafe;;"], check=True)
        with pytest.raises(windlass_chat.UriNotWindlass, match="another application"):
            Bundle.from_qr_image(other.read_bytes())
        with pytest.raises(windlass_chat.NoQrCode):
            Image.new("L", (200, 200), WHITE).save(other)
            Bundle.from_qr_image(other.read_bytes())
        uri = bob.bundle().to_uri()
        with pytest.raises(windlass_chat.UriDamaged, match="damaged"):
            Bundle.from_uri(uri[:-4])
        with pytest.raises(windlass_chat.IdentityMismatch, match="another identity"):
            Bundle.from_uri(f"https://example.org/{alice.address()}#{uri}")
        with pytest.raises(windlass_chat.OwnBundle, match="your own"):
            alice.meet(alice.in_person_code())
        with pytest.raises(windlass_chat.NotInPerson, match="other hands"):
            alice.meet(uri)


def picture_of(uri: str) -> Image.Image:
    with Image.open(io.BytesIO(qr_png(uri))) as picture:
        return picture.convert("L")


def foreign(text: str, folder: Path) -> Image.Image:
    """Another application's code."""
    subprocess.run([tool("qrencode"), "-o", folder / "other.png", text], check=True)
    with Image.open(folder / "other.png") as picture:
        return picture.convert("L")


def through(picture: Image.Image) -> Image.Image:
    """Black ink, and nothing where the paper was: what most programs export."""
    black = Image.new("L", picture.size, 0)
    return Image.merge("RGBA", [black, black, black, ImageOps.invert(picture)])


@pytest.mark.parametrize("ground", ["white", "transparent", "dark"])
def test_an_invitation_is_found_beside_another_code(ground: str, bundles: list[Bundle], tmp_path: Path) -> None:
    uri, other = bundles[0].to_uri(), "https://example.org/menu"
    ours = picture_of(uri)
    if ground == "dark":
        ours = ImageOps.invert(ours)
    sheet = Image.new("L", (ours.width + 400, max(ours.height, 400)), WHITE)
    sheet.paste(ours, (400, 0))
    sheet.paste(foreign(other, tmp_path), (0, 0))
    shown = sheet if ground != "transparent" else through(sheet)
    file = io.BytesIO()
    shown.save(file, "PNG")
    assert Bundle.from_qr_image(file.getvalue()).to_uri() == uri
    assert CodeReader().take_picture(file.getvalue()).uri == uri
    assert uri in qr_read(file.getvalue())


def test_a_picture_that_is_too_large_is_not_called_another_thing() -> None:
    picture = io.BytesIO()
    Image.new("1", (12_000, 9_000)).save(picture, "PNG")
    with pytest.raises(windlass_chat.PictureTooLarge, match="12000 by 9000"):
        qr_read(picture.getvalue())


def run(example: str, folder: Path, *arguments: str) -> str:
    command = [sys.executable, str(EXAMPLES / example), *arguments]
    environment = {**os.environ, "WINDLASS_PASSPHRASE": "right"}
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, env=environment)
    return ran.stdout


def test_the_example_meets_somebody(tmp_path: Path) -> None:
    assert "verified: True True" in run("python/meet.py", tmp_path)


def make_page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make", EXAMPLES / "invite-page/make.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_an_invitation_shows_a_code_that_is_read(scheme: str, tmp_path: Path) -> None:
    with Client.create(tmp_path / "bot.wl", passphrase="right") as bot:
        uri, address = bot.bundle().to_uri(), bot.address()
        with pytest.raises(ValueError, match="one person"):
            make_page().page(bot.single_use_bundle(), "Bot")
    page = tmp_path / "invite.html"
    page.write_text(run("invite-page/make.py", tmp_path, "bot.wl", "Harbour <office>"))
    browser = [tool("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=700,900"]
    browser += [f"--user-data-dir={tmp_path / 'profile'}"]
    if scheme == "dark":
        browser += ["--blink-settings=preferredColorScheme=0"]
    dom = subprocess.run([*browser, "--dump-dom", page.as_uri()], check=True, capture_output=True, text=True).stdout
    assert uri in dom and address in dom and "Harbour &lt;office&gt;" in dom and "{{" not in dom
    shot = Path(os.environ.get("WINDLASS_SHOTS", tmp_path)) / f"page-{scheme}.png"
    subprocess.run([*browser, f"--screenshot={shot}", page.as_uri()], check=True, capture_output=True)
    assert zbar(shot) == qr_read(shot.read_bytes()) == [uri]

"""What others write comes to a terminal as text: a property of all code points, and of what they make together."""

import json
import random
import sys
import unicodedata

from windlass_chat.cli.output import json_line
from windlass_chat.cli.plain import MARKS, UNSEEN, plain, width
from windlass_chat.cli.screen import folded

PLANE = 0x10000
EVERYTHING = [
    *map(chr, range(2 * PLANE)),
    *map(chr, range(14 * PLANE, 14 * PLANE + 0x1100)),
    # Of the ideographs, of what is private, and of what is nothing yet.
    *map(chr, range(2 * PLANE, sys.maxunicode, 251)),
    *(chr(plane * PLANE + 0xFFFF) for plane in range(17)),
]
DRAWN = {"L", "N", "P", "S"}
NEVER = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u3164\ufeff\uffa0",
    *map(chr, range(0x200B, 0x2010)),
    *map(chr, range(0x2028, 0x202F)),
    *map(chr, range(0x2060, 0x2070)),
    *map(chr, range(0xFE00, 0xFE10)),
    *map(chr, range(0xFFF0, 0xFFFC)),
    *map(chr, range(0xD800, 0xE000)),
    *map(chr, range(0xE0000, 0xE1000)),
]
"""What steers, turns, or is not seen, between two Latin letters."""


def test_each_code_point_is_shown_as_its_category_says() -> None:
    for character in EVERYTHING:
        category = unicodedata.category(character)
        shown = plain(f"a{character}b")
        assert shown[0] == "a" and shown[-1] == "b"
        middle = shown[1:-1]
        if character == "\t":
            assert middle == "    "
        elif category[0] == "C" and not 0x1F000 <= ord(character) < 0x1FB00:
            assert middle == UNSEEN, hex(ord(character))
        elif category in ("Zl", "Zp"):
            assert middle == UNSEEN, hex(ord(character))
        elif category == "Zs":
            assert middle in (" ", "\u3000"), hex(ord(character))
        else:
            assert category[0] in DRAWN | {"M", "C"} and middle in (character, UNSEEN, " "), hex(ord(character))


def test_what_steers_a_terminal_or_is_not_seen_never_comes_through() -> None:
    for character in NEVER:
        assert character not in plain(f"a{character}b"), hex(ord(character))
        assert "\n" not in plain(f"a\n{character}b\r\nc") and character not in plain(f"{character}\n{character}")
    assert plain("a\r\nb\nc", lines=True) == "a\nb\nc" and plain("a\rb\vc\x85d", lines=True) == "a\ufffdb\ufffdc\ufffdd"
    assert plain("\x1b]0;title\x07\x1b[2J\x9b31m") == "\ufffd]0;title\ufffd\ufffd[2J\ufffd31m"


def test_scripts_and_emoji_are_left_as_they_are() -> None:
    for text in (
        "Grüße, Ελλάδα, Привет, 日本語\u3000テスト, 한국어, हिन्दी, ไทย, தமிழ்",
        "שָׁלוֹם بِسْمِ اللَّهِ",
        "می\u200cخواهم",
        "क्\u200dष क्\u200cष",
        "👨\u200d👩\u200d👧 👍🏽 ❤\ufe0f ❤\ufe0f\u200d🔥 1\ufe0f\u20e3 🇩🇪 ✓ €",
        "e\u0301\u0323",
    ):
        assert plain(text) == text
    # A flag of many tags, which could hide a text, is the flag that they are put to.
    assert plain("🏴\U000e0067\U000e0062\U000e007f!") == f"🏴{UNSEEN}!"


def test_marks_do_not_pile_up_and_stand_on_nothing_of_ours() -> None:
    assert plain("z" + "\u0336" * 1000) == "z" + "\u0336" * MARKS + UNSEEN
    assert plain("\u20e0x") == "\u25cc\u20e0x" and plain("a\n\u0338", lines=True) == "a\n\u25cc\u0338"
    flood = plain(("a" + "".join(map(chr, range(0x300, 0x34F)))) * 100)
    assert sum(unicodedata.category(one) == "Mn" for one in flood) == 100 * MARKS


def test_to_make_plain_twice_changes_nothing() -> None:
    dice = random.Random(25)
    odd = NEVER + list("ab1#\n\t \u0301\u0336\u20e3\u20e0👩❤👍🏽🏴سی्क\u3000\u2800✓")
    for _ in range(3000):
        text = "".join(dice.choices(odd, k=8))
        for lines in (False, True):
            once = plain(text, lines)
            assert plain(once, lines) == once, [hex(ord(one)) for one in text]


def test_a_fold_never_holds_more_than_fits() -> None:
    dice = random.Random(26)
    letters = list("ab   \u6c34👍\u0301\ufe0f❤")
    for _ in range(500):
        line = plain("".join(dice.choices(letters, k=60)))
        for piece in folded(line, 30):
            assert sum(map(width, piece)) <= 30 - len("    | ") - 1


def test_json_is_one_line_of_ascii_that_every_reader_takes() -> None:
    text = "".join(EVERYTHING)
    line = json_line({"text": text})
    assert line.isascii() and line.isprintable()
    read = json.loads(line)["text"]
    assert read == "".join(UNSEEN if 0xD800 <= ord(one) < 0xE000 else one for one in EVERYTHING)

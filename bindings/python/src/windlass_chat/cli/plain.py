"""`plain`: what somebody else wrote, as a terminal may get it. Nothing of theirs comes to a screen by another way."""

from __future__ import annotations

import unicodedata

UNSEEN = "\ufffd"
"""Stands for what is not shown."""
TAB = "    "
BARE = "\u25cc"
"""What a mark stands on that has no letter of its own. Else it would be put on ours."""
MARKS = 4
"""How many marks one letter may carry. Vietnamese, Hebrew and Thai need less; hundreds grow over the lines above."""
ZWNJ, ZWJ = "\u200c", "\u200d"
VIRAMA = 9
"""The combining class of what joins Indic letters."""

_LETTERS_UNSEEN = {0x115F, 0x1160, 0x3164, 0xFFA0}
# Selectors and what else Unicode says is not drawn, although its category is that of a mark.
_MARKS_UNSEEN = {0x034F, 0x17B4, 0x17B5, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
_BLANK = 0x2800
_WIDE_SPACE = 0x3000
_NEW_PICTURES = range(0x1F000, 0x1FB00)
"""Where Unicode puts new emoji, some of which are newer than this Python."""


def plain(text: str, lines: bool = False) -> str:
    """The text without what steers a terminal, turns the direction, takes no room, or piles up. Of line ends nothing is left, unless `lines`.

    What is not shown is replaced, so that two texts that differ do not look the same by it. Kept is what scripts and emoji
    need: joiners between letters that join, and between pictures. To do it twice changes nothing.
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n")
    shown: list[str] = []
    carried = 0
    for at, character in enumerate(text):
        before = shown[-1] if shown else "\n"
        category = unicodedata.category(character)
        if character == "\n" and lines:
            shown.append(character)
        elif character == "\t":
            shown.append(TAB)
        elif category[0] == "M" and ord(character) not in _MARKS_UNSEEN:
            if before == "\n":
                shown.append(BARE)
            carried += 1
            if carried <= MARKS:
                shown.append(character)
            elif carried == MARKS + 1:
                shown.append(UNSEEN)
            continue
        elif _is_drawn(character, category) or _joins(before, character, text[at + 1 : at + 2]):
            shown.append(character)
        elif category == "Zs" or ord(character) == _BLANK:
            shown.append(" ")
        elif not (before == UNSEEN and _is_selector(character)):
            # Of many selectors or tags in a row, as in some flags, one is enough.
            shown.append(UNSEEN)
        carried = 0
    return "".join(shown)


def width(character: str) -> int:
    """How many cells a character of a plain text takes at most: Chinese ones and pictures two, accents none."""
    if character == "\ufe0f":
        return 1  # What stands before it becomes a picture.
    category = unicodedata.category(character)
    if category in ("Mn", "Me", "Cf"):
        return 0
    wide = unicodedata.east_asian_width(character) in ("W", "F") or category == "Cn"
    return 2 if wide else 1


def _is_drawn(character: str, category: str) -> bool:
    if category[0] in "LNPS":
        return ord(character) not in _LETTERS_UNSEEN and ord(character) != _BLANK
    if category == "Zs":
        return character == " " or ord(character) == _WIDE_SPACE
    return category == "Cn" and ord(character) in _NEW_PICTURES


def _joins(before: str, character: str, after: str) -> bool:
    """Whether a character that takes no room is needed between these two."""
    if character in ("\ufe0e", "\ufe0f"):
        return _is_picture(before) or (before in "#*0123456789" and after == "\u20e3")
    if character not in (ZWNJ, ZWJ) or not after:
        return False
    if character == ZWJ and (_is_picture(before) or before == "\ufe0f") and _is_picture(after):
        return True
    arabic = unicodedata.bidirectional(before) == unicodedata.bidirectional(after) == "AL"
    return arabic or (unicodedata.combining(before) == VIRAMA and unicodedata.category(after)[0] == "L")


def _is_picture(character: str) -> bool:
    if character in (UNSEEN, BARE) or character.isascii():
        return False
    return unicodedata.category(character) in ("So", "Sk", "Sm", "Po") or ord(character) in _NEW_PICTURES


def _is_selector(character: str) -> bool:
    return ord(character) in _MARKS_UNSEEN or 0xE0000 <= ord(character) < 0xE1000

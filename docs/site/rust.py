"""What the facade exports, read from its sources: types, functions, fields and variants, each with its words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Item:
    """A function, a field or a variant."""

    name: str
    words: str
    signature: str = ""
    fields: list[Item] = field(default_factory=list)


@dataclass
class Kind:
    """A type that crosses into the other languages."""

    name: str
    kind: str
    words: str
    items: list[Item] = field(default_factory=list)


def exported(folder: Path) -> tuple[dict[str, Kind], list[Item]]:
    """The types below a folder of sources, and the functions that belong to none."""
    kinds: dict[str, Kind] = {}
    functions: list[Item] = []
    methods: list[tuple[str, Item]] = []
    for path in sorted(folder.rglob("*.rs")):
        if "tests" not in path.parts:
            _read(path.read_text(encoding="utf-8").splitlines(), kinds, functions, methods)
    for name, method in methods:
        kinds.setdefault(name, Kind(name, "object", "")).items.append(method)
    return kinds, functions


def _read(lines: list[str], kinds: dict[str, Kind], functions: list[Item], methods: list[tuple[str, Item]]) -> None:
    words: list[str] = []
    marks = ""
    inside: tuple[str, str] | None = None
    macro = False
    for at, line in enumerate(lines):
        text = line.strip()
        if text.startswith("///"):
            words.append(text[3:].removeprefix(" "))
            continue
        if text.startswith("#["):
            marks += text
            continue
        said, words = "\n".join(words), []
        marked, marks = marks, ""
        if line == "exported! {":
            macro = True
        elif line == "}":
            inside, macro = None, macro and inside is not None
        elif inside is None:
            inside = _begin(line, marked, macro, said, kinds)
            if (found := re.match(r"pub fn (\w+)", line)) and "uniffi::export" in marked:
                functions.append(Item(found[1], said, _signature(lines, at)))
        else:
            _member(inside, lines, at, said, kinds, methods)


def _begin(line: str, marked: str, macro: bool, said: str, kinds: dict[str, Kind]) -> tuple[str, str] | None:
    if found := re.match(r"impl (\w+) \{", line):
        return ("methods", found[1]) if macro or "uniffi::export" in marked else ("", "")
    if found := re.match(r"pub (struct|enum|trait) (\w+)\b", line):
        word, name = found[1], found[2]
        known = {"uniffi::Record": "record", "uniffi::Enum": "enumeration", "uniffi::Object": "object", "uniffi::export": "listener"}
        kind = next((kind for mark, kind in known.items() if mark in marked), None)
        if kind is not None:
            before = kinds.get(name)
            kinds[name] = Kind(name, kind, said, before.items if before else [])
        opens = line.endswith("{")
        inner = {"struct": "fields", "enum": "variants", "trait": "methods"}[word]
        return ((inner, name) if kind is not None else ("", "")) if opens else None
    return ("", "") if line.endswith("{") and not line.startswith(" ") else None


def _member(inside: tuple[str, str], lines: list[str], at: int, said: str, kinds: dict[str, Kind], methods: list[tuple[str, Item]]) -> None:
    where, name = inside
    line = lines[at]
    if where == "methods" and (found := re.match(r"    (?:pub )?fn (\w+)", line)):
        if line.startswith("    pub ") or kinds.get(name, Kind("", "", "")).kind == "listener":
            methods.append((name, Item(found[1], said, _signature(lines, at))))
    elif where == "fields" and (found := re.match(r"    pub (\w+): (.+),$", line)):
        kinds[name].items.append(Item(found[1], said, found[2]))
    elif where == "variants":
        if found := re.match(r"    (\w+)(?: = \d+)?(?:,| \{|\()", line):
            kinds[name].items.append(Item(found[1], said))
        elif (found := re.match(r"        (\w+): (.+),$", line)) and kinds[name].items:
            kinds[name].items[-1].fields.append(Item(found[1], said, found[2]))


def _signature(lines: list[str], at: int) -> str:
    """From `fn` to the body, on one line."""
    whole = ""
    for line in lines[at:]:
        whole += line.strip() + " "
        if line.rstrip().endswith(("{", ";")):
            break
    whole = whole[whole.index("fn ") + 3 :].strip().rstrip("{;").strip()
    return whole.replace("( ", "(").replace(", )", ")")


def split(text: str) -> list[str]:
    """A list in parentheses at its outermost commas."""
    parts, depth, part = [], 0, ""
    for letter in text:
        depth += (letter in "<([") - (letter in ">)]")
        if letter == "," and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += letter
    return [part for part in [*parts, part.strip()] if part]

"""How an exported signature looks in each language: by UniFFI's own rules, and by those of the JavaScript package."""

from __future__ import annotations

import re
from collections.abc import Callable

from rust import split

SIMPLE = {
    "Python": {"String": "str", "bool": "bool", "Bytes": "bytes", "Vec<u8>": "bytes", "SystemTime": "datetime", "Duration": "timedelta", "()": "None"},
    "Kotlin": {"String": "String", "bool": "Boolean", "Bytes": "ByteArray", "Vec<u8>": "ByteArray", "SystemTime": "Instant", "Duration": "Duration", "()": "Unit"},
    "Swift": {"String": "String", "bool": "Bool", "Bytes": "Data", "Vec<u8>": "Data", "SystemTime": "Date", "Duration": "TimeInterval", "()": "Void"},
}
NUMBERS = {"Kotlin": {"u8": "UByte", "u16": "UShort", "u32": "UInt", "u64": "ULong", "i32": "Int", "i64": "Long", "f64": "Double"}}
OPTION = {"Python": "{} | None", "Kotlin": "{}?", "Swift": "{}?"}
LISTED = {"Python": "list[{}]", "Kotlin": "List<{}>", "Swift": "[{}]"}


def camel(name: str) -> str:
    """`send_many` as the languages with capitals write it."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def typed(rust: str, language: str, own: str) -> str:
    """A type."""
    rust = re.sub(r"^&(mut )?", "", rust.strip())
    if rust in SIMPLE[language]:
        return SIMPLE[language][rust]
    if re.fullmatch(r"[ui]\d+|f64|usize", rust):
        number = {"Python": "float" if rust == "f64" else "int", "Swift": "Double" if rust == "f64" else rust.replace("u", "UInt").replace("i", "Int")}
        return NUMBERS.get(language, {}).get(rust) or number.get(language, rust)
    if found := re.fullmatch(r"(Option|Vec|Arc|Box|Result|std::result::Result)<(.+)>", rust):
        kind, inner = found[1], split(found[2])[0]
        shape = {"Option": OPTION[language], "Vec": LISTED[language]}.get(kind, "{}")
        return shape.format(typed(inner, language, own))
    return own if rust == "Self" else rust.removeprefix("dyn ").split("::")[-1]


def parts(signature: str) -> tuple[str, bool, list[tuple[str, str]], str]:
    """Name, whether it is of a value, parameters with their types, and what it gives."""
    name, rest = signature.split("(", 1)
    depth, end = 1, 0
    for end, letter in enumerate(rest):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            break
    given = rest[end + 1 :].strip().removeprefix("->").strip() or "()"
    listed = split(rest[:end])
    method = any(re.fullmatch(r"&?(mut )?self(: .*)?", one) for one in listed)
    named = [tuple(one.split(": ", 1)) for one in listed if ": " in one and not one.startswith("self")]
    return name, method, [(name, kind) for name, kind in named], given


def _python(name: str, method: bool, named: list[tuple[str, str]], given: str, own: str) -> str:
    listed = ", ".join(f"{one}: {typed(kind, 'Python', own)}" for one, kind in named)
    return f"{'' if method or not own else own + '.'}{name}({listed}) -> {typed(given, 'Python', own)}"


def _kotlin(name: str, method: bool, named: list[tuple[str, str]], given: str, own: str) -> str:
    listed = ", ".join(f"{camel(one)}: {typed(kind, 'Kotlin', own)}" for one, kind in named)
    answer = typed(given, "Kotlin", own)
    return f"fun {'' if method or not own else own + '.'}{camel(name)}({listed})" + ("" if answer == "Unit" else f": {answer}")


def _swift(name: str, method: bool, named: list[tuple[str, str]], given: str, own: str) -> str:
    listed = ", ".join(f"{camel(one)}: {typed(kind, 'Swift', own)}" for one, kind in named)
    answer = typed(given, "Swift", own)
    throws = " throws" if "Result" in given else ""
    static = "" if method or not own else "static "
    return f"{static}func {camel(name)}({listed}){throws}" + ("" if answer == "Void" else f" -> {answer}")


SIGNATURES: dict[str, Callable[[str, bool, list[tuple[str, str]], str, str], str]] = {"Python": _python, "Kotlin": _kotlin, "Swift": _swift}


def side_by_side(signature: str, own: str) -> list[tuple[str, str]]:
    """The signature in every language."""
    name, method, named, given = parts(signature)
    others = [(language, write(name, method, named, given, own)) for language, write in SIGNATURES.items()]
    return [("Rust", "fn " + signature), *others]

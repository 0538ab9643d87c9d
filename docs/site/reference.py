"""The pages of the reference: the core's types in every language side by side, and what each package adds of its own."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from languages import camel, side_by_side, typed
from rust import Item, Kind, exported

HEADS = {"record": "Records", "enumeration": "Enumerations", "listener": "Listeners", "error": "Errors"}


def escaped(text: str) -> str:
    """Text that stands in a cell."""
    return text.replace("|", "\\|").replace("\n", " ")


def words(text: str) -> str:
    """Rustdoc as Markdown: links to items are names here."""
    text = re.sub(r"\[(`[^`]+`)\](?!\()(\([^)]*\))?", r"\1", text)
    return re.sub(r"\((?:self|super|crate)[^)]*\)", "", text)


def _rows(rows: list[tuple[str, str]]) -> list[str]:
    lines = ["", '<div class="signatures" markdown>', "", "| | |", "| --- | --- |"]
    lines += [f"| {language} | `{signature}` |" for language, signature in rows]
    return [*lines, "", "</div>", ""]


def javascript(folder: Path) -> dict[str, str]:
    """The methods of the JavaScript package by class and name."""
    found = {}
    for path in sorted(folder.rglob("*.ts")):
        own = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            own = named[1].removeprefix("Base") if (named := re.match(r"export (?:abstract )?class (\w+)", line)) else own
            method = re.match(r"  ((?:static )?(?:async )?(\w+)\(.*\): .+) \{", line)
            if method and own:
                found[f"{own}.{method[2]}"] = method[1]
    return found


def _function(item: Item, own: str, depth: int, scripts: dict[str, str]) -> list[str]:
    heading = f"{'#' * depth} {item.name}"
    rows = side_by_side(item.signature, own)
    script = scripts.get(f"{own}.{camel(item.name)}")
    return [heading, "", words(item.words), *_rows([*rows, ("JavaScript", script)] if script else rows)]


def _fields(kind: Kind) -> list[str]:
    lines = ["", "| field | in Kotlin, Swift and JavaScript | type | what it is |", "| --- | --- | --- | --- |"]
    for item in kind.items:
        python = typed(item.signature, "Python", kind.name)
        lines.append(f"| `{item.name}` | `{camel(item.name)}` | `{python}` | {escaped(words(item.words))} |")
    return [*lines, ""]


def _variants(kind: Kind) -> list[str]:
    lines = ["", "| kind | with | what it is |", "| --- | --- | --- |"]
    for item in kind.items:
        named = [f"`{one.name}: {typed(one.signature, 'Python', kind.name)}`" for one in item.fields]
        lines.append(f"| `{item.name}` | {', '.join(named)} | {escaped(words(item.words))} |")
    return [*lines, ""]


def core(sources: Path, scripts: dict[str, str]) -> dict[str, str]:
    """A page for each type that has functions, one for each other sort, and one of functions."""
    kinds, functions = exported(sources)
    pages: dict[str, str] = {}
    gathered: dict[str, list[str]] = {}
    for kind in sorted(kinds.values(), key=lambda kind: kind.name):
        if kind.name == "WindlassError":
            continue
        if kind.kind == "object":
            lines = [f"# {kind.name}", "", words(kind.words), ""]
            for item in sorted(kind.items, key=lambda item: item.name):
                lines += _function(item, kind.name, 2, scripts)
            pages[f"core/{kind.name}.md"] = "\n".join(lines)
            continue
        lines = gathered.setdefault(kind.kind, [])
        lines += [f"## {kind.name}", "", words(kind.words)]
        if kind.kind == "listener":
            for item in kind.items:
                lines += _function(item, kind.name, 3, scripts)
        else:
            lines += _fields(kind) if kind.kind == "record" else _variants(kind)
    for name, lines in gathered.items():
        pages[f"core/{HEADS[name].lower()}.md"] = "\n".join([f"# {HEADS[name]}", "", *lines])
    lines = ["# Functions", ""]
    for item in sorted(functions, key=lambda item: item.name):
        lines += _function(item, "", 2, scripts)
    pages["core/functions.md"] = "\n".join(lines)
    return pages


def errors(source: Path) -> str:
    """Every error by its code, from the one table of the core."""
    table = source.read_text(encoding="utf-8").split("TABLE: &[Row] = &[", 1)[1].split("\n];", 1)[0]
    rows = re.findall(r'\(\s*"(\w+)",\s*(true|false),\s*"((?:[^"\\]|\\.)*)",?\s*\)', table, re.S)
    lines = [
        "# Errors by code",
        "",
        "One table for all languages. An error has its code (`error.code`), whether the same call may succeed later without anyone's doing",
        "(`error.retry`), and what to do (`error.advice`). Whichever is raised, nothing has changed, in memory or on disk. In Python and JavaScript it is",
        "the class `WrongKey`, in Kotlin `WindlassException.WrongKey`, in Swift and Rust `WindlassError.WrongKey`.",
        "",
        "| code | name | again | what to do |",
        "| --- | --- | --- | --- |",
    ]
    for code, retry, advice in sorted(rows):
        name = camel("_" + code) if code.startswith("_") else camel(code)[:1].upper() + camel(code)[1:]
        again = "yes" if retry == "true" else "no"
        advice = re.sub(r"\\\n\s*", "", advice).replace('\\"', '"')
        lines.append(f'| <a id="{code}"></a>`{code}` | `{name}` | {again} | {escaped(advice)} |')
    return "\n".join([*lines, ""])


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    before = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    said = ast.unparse(node.args)
    return f"{before}def {node.name}({re.sub(r'^(self|cls)(, )?', '', said)}){returns}"


def _python(body: list[ast.stmt], depth: int) -> list[str]:
    lines: list[str] = []
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            marks = {ast.unparse(mark) for mark in node.decorator_list}
            if "overload" in marks or any(mark.endswith(".setter") for mark in marks):
                continue
            lines += [f"{'#' * depth} {node.name}", ""]
            if not isinstance(node, ast.ClassDef) and "property" not in marks:
                lines += ["```python", _signature(node), "```", ""]
            lines += [ast.get_docstring(node) or "", ""]
            if isinstance(node, ast.ClassDef):
                lines += _python(node.body, depth + 1)
    return lines


def python(package: Path) -> dict[str, str]:
    """The hand-written modules, by folder."""
    pages = {}
    for folder, title in [("", "windlass_chat"), ("bot", "windlass_chat.bot"), ("transport", "windlass_chat.transport")]:
        lines = [f"# {title}", ""]
        for path in sorted((package / folder).glob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            inner = _python(tree.body, 3)
            if inner and not path.name.startswith("_"):
                lines += [f"## {path.stem}", "", ast.get_docstring(tree) or "", "", *inner]
        pages[f"python/{title}.md"] = "\n".join(lines)
    return pages


def commented(folder: Path, ending: str, language: str, declared: str) -> str:
    """What stands below comments of documentation in the sources of a package that are written by hand."""
    lines = [f"# {language}", "", f"What the package for {language} adds to the [core's types](core/Client.md)."]
    for path in sorted(folder.rglob(f"*.{ending}")):
        if "test" in path.name.lower() or "Tests" in path.parts:
            continue
        source = path.read_text(encoding="utf-8")
        found = re.findall(rf"((?:^[ \t]*///.*\n)+|^[ \t]*/\*\*(?:[^*]|\*(?!/))*\*/\n)((?:[ \t]*@.*\n)*)[ \t]*({declared}[^\n]*)", source, re.M)
        if not found:
            continue
        lines += ["", f"## {path.stem}", ""]
        for said, _, declaration in found:
            said = re.sub(r"^[ \t]*(///|/\*\*|\*/|\*)[ \t]?|[ \t]*\*/$", "", said, flags=re.M).strip()
            declaration = re.sub(r"\s*(=>)?\s*[{=]?\s*$", "", declaration)
            lines += [f"```{language.lower()}", declaration, "```", "", re.sub(r"\{@link ([^}]+)\}", r"`\1`", words(said)), ""]
    return "\n".join(lines)

"""No public name lacks words of its own: in the sources, and in what `help` shows of the generated classes."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import windlass_chat
import windlass_chat.bot
import windlass_chat.testing
import windlass_chat.transport

PACKAGE = Path(windlass_chat.__file__).parent
PUBLIC = [windlass_chat, windlass_chat.bot, windlass_chat.transport, windlass_chat.testing]


def written(body: list[ast.stmt], place: str) -> Iterator[tuple[str, str | None]]:
    """The public classes and functions that stand in a body, each with its words."""
    for node in body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        marks = {ast.unparse(decorator) for decorator in node.decorator_list}
        if "overload" in marks or any(mark.endswith(".setter") for mark in marks):
            continue
        name = f"{place}.{node.name}"
        yield name, ast.get_docstring(node)
        if isinstance(node, ast.ClassDef):
            yield from written(node.body, name)


def test_everything_public_in_the_sources_says_what_it_is() -> None:
    found: dict[str, str | None] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE)
        if "_native" in place.parts or (place.name.startswith("_") and place.name != "__init__.py"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found[str(place)] = ast.get_docstring(tree)
        found.update(written(tree.body, str(place)))
    assert len(found) > 400
    assert not [name for name, words in found.items() if not words]


def shown(kind: object, name: str) -> Iterator[tuple[str, str | None]]:
    """A class or function, and the public members that it defines itself, each with what `help` says of it."""
    yield name, getattr(kind, "__doc__", None)
    for member, value in vars(kind).items() if inspect.isclass(kind) else ():
        value = getattr(value, "__func__", value)
        known = inspect.isclass(value) or inspect.isfunction(value) or isinstance(value, property)
        if known and not member.startswith("_"):
            yield f"{name}.{member}", value.__doc__


def test_everything_public_that_help_shows_says_what_it_is() -> None:
    found: dict[str, str | None] = {}
    for module in PUBLIC:
        for name in module.__all__:
            value = getattr(module, name)
            if isinstance(value, ModuleType):
                assert value.__doc__, name
            elif inspect.isclass(value) or inspect.isfunction(value):
                found.update(shown(value, f"{module.__name__}.{name}"))
    assert len(found) > 500
    assert not [name for name, words in found.items() if not (words or "").strip()]

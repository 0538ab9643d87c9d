"""Commands: a word and its arguments, read as the handler's annotations say."""

from __future__ import annotations

import copy
import enum
import inspect
import math
import types
import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from windlass_chat._native import fold_text, read_number
from windlass_chat.bot.role import Role

Handler = Callable[..., Awaitable[None]]
Converter = Callable[[str], Any]

YES_AND_NO = dict.fromkeys(("yes", "true", "on", "1"), True) | dict.fromkeys(("no", "false", "off", "0"), False)


class UsageError(ValueError):
    """What was typed does not fit. A handler may raise it too: its text is the answer."""


@dataclass(frozen=True)
class Parameter:
    """One argument."""

    name: str
    kind: str
    """What it has to be, in words."""
    convert: Converter
    required: bool
    rest: bool

    def shown(self) -> str:
        """As it stands in a usage line."""
        name = f"{self.name}..." if self.rest else self.name
        return name if self.required else f"[{name}]"


class Command:
    """A handler with a name."""

    def __init__(self, name: str, handler: Handler, role: Role | None = None, hidden: bool = False) -> None:
        if not name or name.split() != [name]:
            raise ValueError("the name of a command is one word")
        self.name = fold_text(name)
        self.handler = handler
        self.role = role
        """Whom it is for; everybody if it is nothing."""
        self.hidden = hidden
        """Whether `/help` leaves it out."""
        self.description = (inspect.getdoc(handler) or "").partition("\n")[0]
        self.parameters = list(_parameters(handler))

    def within(self, outer: Callable[[Handler], Handler]) -> Command:
        """The same command with something around its handler."""
        same = copy.copy(self)
        same.handler = outer(self.handler)
        return same

    def is_for(self, role: Role | None) -> bool:
        """Whether somebody with a role may use it."""
        return self.role is None or (role is not None and role.includes(self.role))

    def usage(self, prefix: str) -> str:
        """How to type it."""
        return " ".join([f"{prefix}{self.name}", *(parameter.shown() for parameter in self.parameters)])

    def read(self, words: list[str], prefix: str) -> list[Any]:
        """The arguments. Raises `UsageError` with a sentence for the person who typed them."""
        arguments: list[Any] = []
        for parameter in self.parameters:
            if parameter.rest:
                arguments += [self._convert(parameter, word, prefix) for word in words]
                words = []
            elif words:
                word, *words = words
                arguments.append(self._convert(parameter, word, prefix))
            elif parameter.required:
                raise UsageError(f"{parameter.name} is missing. Usage: {self.usage(prefix)}")
        if words:
            raise UsageError(f"That is too much. Usage: {self.usage(prefix)}")
        return arguments

    def _convert(self, parameter: Parameter, word: str, prefix: str) -> Any:
        try:
            return parameter.convert(word)
        except (ValueError, KeyError):
            told = word if len(word) <= 40 else word[:40] + "..."
            raise UsageError(
                f"{parameter.name} must be {parameter.kind}, not {told}. Usage: {self.usage(prefix)}"
            ) from None


def _parameters(handler: Handler) -> typing.Iterator[Parameter]:
    try:
        hints = typing.get_type_hints(handler)
    except NameError as error:
        raise TypeError(f"the annotations of {handler!r} must be known where the module is: {error}") from error
    first, *others = inspect.signature(handler).parameters.values() or [None]
    if first is None:
        raise TypeError("the first argument of a command's handler is the message")
    for argument in others:
        assert argument is not None
        if argument.kind in (argument.KEYWORD_ONLY, argument.VAR_KEYWORD):
            raise TypeError(f"the argument {argument.name} of a command cannot be given by name")
        kind, convert = _converter(hints.get(argument.name, str))
        rest = argument.kind == argument.VAR_POSITIONAL
        yield Parameter(argument.name, kind, convert, argument.default is argument.empty and not rest, rest)


def _converter(hint: Any) -> tuple[str, Converter]:
    """What an annotation wants, in words, and the function that reads it."""
    if get_origin(hint) in (Union, types.UnionType):
        wanted = [choice for choice in get_args(hint) if choice is not type(None)]
        if len(wanted) == 1:
            return _converter(wanted[0])
    if hint is str or hint is Any:
        return "a word", str
    if hint is bool:
        return "yes or no", lambda word: YES_AND_NO[fold_text(word)]
    if hint is int:
        return "a whole number", _whole
    if hint is float:
        return "a number", _number
    if get_origin(hint) is Literal:
        values = {fold_text(str(value)): value for value in get_args(hint)}
        return _one_of(list(values)), lambda word: values[fold_text(word)]
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        members = {fold_text(name): member for name, member in hint.__members__.items()}
        return _one_of(list(members)), lambda word: members[fold_text(word)]
    raise TypeError(f"a command cannot read {hint!r}; it can read str, int, float, bool, Literal and enumerations")


def _read(word: str) -> str:
    """A number as Python writes it, typed with the digits and signs of any language."""
    number = read_number(word)
    if number is None:
        raise ValueError
    return number


def _whole(word: str) -> int:
    return int(_read(word))


def _number(word: str) -> float:
    number = float(_read(word))
    if not math.isfinite(number):
        raise ValueError
    return number


def _one_of(values: list[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"

"""Which messages a handler is for:

    @bot.on_message(filters.regex(r"order (\\d+)") & ~filters.in_group)
    async def order(message: Message) -> None:
        assert message.match is not None
        await message.reply(message.match[1])

A filter is anything that takes a message and says yes or no; those of here are joined by `&`, `|` and `~`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from windlass_chat._native import Body, fold_text
from windlass_chat.bot.groups import is_meant
from windlass_chat.bot.message import Message
from windlass_chat.bot.role import Role

Matches = Callable[[Message], bool]


class Filter:
    """Says whether a message is for a handler."""

    def __init__(self, matches: Matches) -> None:
        self._matches = matches

    def __call__(self, message: Message) -> bool:
        return self._matches(message)

    def __and__(self, other: Matches) -> Filter:
        return Filter(lambda message: self(message) and other(message))

    def __or__(self, other: Matches) -> Filter:
        return Filter(lambda message: self(message) or other(message))

    def __invert__(self) -> Filter:
        return Filter(lambda message: not self(message))


def text(*texts: str) -> Filter:
    """What says one of these and nothing else, however a telephone writes it."""
    wanted = {fold_text(one).strip() for one in texts}
    return Filter(lambda message: fold_text(message.text).strip() in wanted)


def regex(pattern: str | re.Pattern[str]) -> Filter:
    """What has the pattern anywhere in its text; `message.match` is what was found."""
    compiled = re.compile(pattern)

    def matches(message: Message) -> bool:
        message.match = compiled.search(message.text)
        return message.match is not None

    return Filter(matches)


def author(*addresses: str) -> Filter:
    """What one of these people wrote."""
    return Filter(lambda message: message.author in addresses)


def conversation(*addresses: str) -> Filter:
    """What was written in one of these conversations."""
    return Filter(lambda message: message.conversation in addresses)


def role(wanted: Role | str) -> Filter:
    """What somebody wrote who has this role; an admin has that of the allowed too."""
    least = Role(wanted)
    return Filter(lambda message: (has := message.role) is not None and has.includes(least))


in_group = Filter(lambda message: message.in_group)
"""What was written in a group."""

mentioned = Filter(is_meant)
"""What means the bot: by a mention, by `@` and the setting `name`, or by its address."""

has_text = Filter(lambda message: isinstance(message.body, Body.TEXT))
"""What is a text."""

has_file = Filter(lambda message: isinstance(message.body, Body.ATTACHMENT))
"""What is a picture or another file."""

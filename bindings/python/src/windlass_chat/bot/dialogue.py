"""Questions that a bot asked, and the steps that take the answers. What was asked is in the store, so a dialogue survives a restart."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from windlass_chat._native import StateOwner
from windlass_chat.bot.remembered import Document
from windlass_chat.bot.turn import Turn

A_DAY = timedelta(days=1)


def question_of(turn: Turn, conversation: str, author: str) -> Document:
    """What somebody was asked in a conversation; empty if nothing."""
    return turn._remember(StateOwner.CONVERSATION(conversation), f"asked {author}").document


def note(question: dict[str, Any], turn: Turn, then: str, within: timedelta) -> None:
    """Somebody is asked now. Raises `TypeError` or `ValueError` for what is no step or no time."""
    if not isinstance(then, str) or not then:
        raise TypeError('a question says which step takes the answer: message.ask("...", then="name")')
    if within <= timedelta():
        raise ValueError("nobody can answer within no time")
    until = turn.bot.client.now() + within
    question.update(then=then, until=until.timestamp())


def step_of(question: Document, turn: Turn) -> str | None:
    """The step that takes an answer now; nothing if nothing was asked, or too long ago."""
    if question and turn.bot.client.now().timestamp() > question["until"]:
        question.clear()
    return question.get("then")

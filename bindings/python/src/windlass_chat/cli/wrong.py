"""`WrongUsage`."""

from __future__ import annotations


class WrongUsage(Exception):
    """The command cannot be carried out as it was given."""

    def __init__(self, sentence: str, advice: str) -> None:
        super().__init__(sentence)
        self.advice = advice

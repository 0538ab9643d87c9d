"""What ends a command, beside the errors of the library."""

from __future__ import annotations


class WrongUsage(Exception):
    """The command cannot be carried out as it was given."""

    def __init__(self, sentence: str, advice: str) -> None:
        super().__init__(sentence)
        self.advice = advice


class Failed(Exception):
    """The command was carried out, and failed."""

    def __init__(self, sentence: str, code: str, advice: str, retry: bool = False) -> None:
        super().__init__(sentence)
        self.code = code
        self.advice = advice
        self.retry = retry


class OutputLost(Exception):
    """What was to be printed has gone nowhere."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output: {error.strerror or error}")
        self.errno = error.errno

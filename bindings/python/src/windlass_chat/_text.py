"""Python has strings with halves of characters in them, and the core has not: they are refused as every other content is."""

import importlib

from windlass_chat._native import WindlassError

_strings = importlib.import_module("windlass_chat._native.windlass")._UniffiFfiConverterString
_as_string = _strings.check_lower


def checked(value: str) -> str:
    """The text itself. Raises `TypeError` if it is none, and `InvalidContent` if it cannot be encoded."""
    _as_string(value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise WindlassError.InvalidContent(
                f"the text has half of a character in it, at {error.start}: it was cut, or read wrongly"
            ) from None
    return value


# Every text goes through here, wherever it stands in an argument.
_strings.check_lower = staticmethod(checked)

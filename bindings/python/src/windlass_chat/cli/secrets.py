"""What opens a store: from a variable, from a file, or typed. Never from the command line, and never shown."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path

from windlass_chat import _keys
from windlass_chat._keys import StoreKey
from windlass_chat._native import WindlassError
from windlass_chat._paths import is_database
from windlass_chat.cli.wrong import WrongUsage
from windlass_chat.store import EncryptedStore


def add_options(parser: argparse.ArgumentParser, prefix: str = "", whose: str = "store") -> None:
    """Adds `--passphrase-env` and `--key-file`, with a prefix for another file's."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        f"--{prefix}passphrase-env",
        metavar="NAME",
        help=f"variable that holds the passphrase of the {whose}, or a key as 64 hexadecimal digits",
    )
    either.add_argument(
        f"--{prefix}key-file",
        metavar="FILE",
        help=f"file that holds the key of the {whose}: 32 bytes, 64 hexadecimal digits, or a passphrase",
    )


def store_key(given: argparse.Namespace, prefix: str = "", whose: str = "store", new: bool = False) -> StoreKey:
    """The key of a store or of a backup. A new passphrase is asked for twice."""
    variable: str | None = getattr(given, f"{prefix}passphrase_env")
    file: str | None = getattr(given, f"{prefix}key_file")
    try:
        if variable is not None:
            return _keys.of_variable(variable)
        if file is not None:
            return _keys.of_file(file)
    except _keys.KeyUnreadable as error:
        raise WrongUsage(str(error), f"It should hold a key or a passphrase of the {whose}.") from None
    return StoreKey.from_passphrase(_typed(whose, prefix, new))


def key_to_tell(given: argparse.Namespace, prefix: str, whose: str, new: bool = False) -> dict[str, str]:
    """The same, as a running bot is told it: what stands in the variable or in the file, or was typed."""
    variable: str | None = getattr(given, f"{prefix}passphrase_env")
    file: str | None = getattr(given, f"{prefix}key_file")
    if variable is not None or file is not None:
        store_key(given, prefix, whose, new)  # Says what is wrong with it.
    if variable is not None:
        return {"key_text": os.environ[variable]}
    if file is not None:
        return {"key_content": Path(file).read_bytes().hex()}
    return {"passphrase": _typed(whose, prefix, new)}


def open_store(given: argparse.Namespace) -> EncryptedStore:
    """The store that the command line names. Nobody is asked what opens it if it is not there."""
    if not is_database(given.path) and not os.path.lexists(given.path):
        raise WindlassError.StoreNotFound(f"there is no store {given.path}")
    return EncryptedStore.open(given.path, store_key(given))


def typed_line() -> str:
    """A line of the input, which is needed."""
    line = sys.stdin.readline()
    if not line:
        raise WrongUsage("the input ended before all was said", "Type, or write to standard input, what is asked for.")
    return line.strip()


def _typed(whose: str, prefix: str, new: bool) -> str:
    if not sys.stdin.isatty():
        options = f"--{prefix.replace('_', '-')}passphrase-env or --{prefix.replace('_', '-')}key-file"
        raise WrongUsage(f"nothing opens the {whose}, and there is no terminal to ask", f"Give {options}.")
    try:
        secret = getpass.getpass(f"Passphrase of the {whose}: ")
        if new and getpass.getpass("Once more: ") != secret:
            raise WrongUsage("the two passphrases differ", "Try again.")
    except EOFError:
        raise WrongUsage(f"no passphrase of the {whose} was typed", "Try again.") from None
    return secret

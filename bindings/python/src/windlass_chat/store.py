"""`EncryptedStore`, with progress told to any callable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from windlass_chat import _native, _paths
from windlass_chat._streams import occupy_streams

ProgressCallback = Callable[[int, int], object]
"""Called with how many records are through, and of how many. An exception stops the work, leaves nothing of it, and is raised again."""

_S = TypeVar("_S", bound="EncryptedStore")


class _Told(_native.ProgressListener):
    def __init__(self, callback: ProgressCallback) -> None:
        self.callback = callback
        self.raised: BaseException | None = None

    def advance(self, done: int, total: int) -> None:
        try:
            self.callback(done, total)
        except BaseException as error:
            self.raised = error
            raise _native.ProgressError.Stopped() from error


@contextmanager
def telling(
    progress: _native.ProgressListener | ProgressCallback | None,
) -> Iterator[_native.ProgressListener | None]:
    """The listener for a call; what a callable raised in it is raised again."""
    if progress is None or isinstance(progress, _native.ProgressListener):
        yield progress
        return
    told = _Told(progress)
    try:
        yield told
    except _native.WindlassError.Cancelled as cancelled:
        raise told.raised or cancelled from None


class EncryptedStore(_native.EncryptedStore):
    """The file that holds everything a client knows, sealed. One process owns it."""

    @classmethod
    def create(cls: type[_S], path: _paths.Path, key: _native.StoreKey) -> _S:
        """Makes a new store at `path`, and its key-slot file beside it. Refuses a path where something is.

        In place of a path the address of a PostgreSQL database makes one there: `postgresql://user:password@host/database?store=name`.
        """
        occupy_streams()
        store = super().create(_paths.told(path), key)
        assert isinstance(store, cls)
        return store

    @classmethod
    def open(cls: type[_S], path: _paths.Path, key: _native.StoreKey) -> _S:
        """Opens the store at `path`, or in a database. Never makes one. One process has a file open, any number a database."""
        occupy_streams()
        store = super().open(_paths.told(path), key)
        assert isinstance(store, cls)
        return store

    @classmethod
    def copy(
        cls: type[_S],
        source: _paths.Path,
        target: _paths.Path,
        key: _native.StoreKey,
        progress: _native.ProgressListener | ProgressCallback | None = None,
    ) -> _S:
        """Carries the store at `source` to `target`, and opens it there, by the same key: from a file to a database, back, or within either.

        Every row is compared where it came to, and then the store at `source` is retired: it answers `StoreMoved`, and its keys are
        overwritten. What stops or ends this before leaves the store where it was, or is gone on with by the same call.
        """
        occupy_streams()
        with telling(progress) as told:
            store = super().copy(_paths.told(source), _paths.told(target), key, told)
        assert isinstance(store, cls)
        return store

    def export_backup(
        self,
        path: _paths.Path,
        key: _native.StoreKey,
        progress: _native.ProgressListener | ProgressCallback | None = None,
    ) -> int:
        """Writes identity, contacts and history to a new file, sealed under a key of its own; answers how many records."""
        with telling(progress) as told:
            return super().export_backup(_paths.told(path), key, told)

    @classmethod
    def import_backup(
        cls: type[_S],
        backup: _paths.Path,
        backup_key: _native.StoreKey,
        path: _paths.Path,
        key: _native.StoreKey,
        progress: _native.ProgressListener | ProgressCallback | None = None,
    ) -> _S:
        """Makes a new store from a backup: the same identity on a new device, with contacts and history."""
        occupy_streams()
        with telling(progress) as told:
            return super().import_backup(_paths.told(backup), backup_key, _paths.told(path), key, told)

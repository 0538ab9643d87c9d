"""`in_thread`: calls that may wait for the disk, beside the event loop."""

from __future__ import annotations

import contextvars
import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_P = ParamSpec("_P")
_T = TypeVar("_T")

THREADS = 32
"""Writers that come at once share a sync, so more than there are cores."""

_pool: ThreadPoolExecutor | None = None


def _threads() -> ThreadPoolExecutor:
    # `asyncio` and what it brings are half of an import, and most programs that are quickly over never wait.
    from concurrent.futures import ThreadPoolExecutor

    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(THREADS, thread_name_prefix="windlass")
    return _pool


def _forget() -> None:
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    # The threads stay with the parent, and the child would wait for them for ever.
    os.register_at_fork(after_in_child=_forget)


async def in_thread(call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Calls in a thread of our own.

    Those of `asyncio.to_thread` are few, and the whole program's: handlers that wait in them would hold up every sync.
    """
    import asyncio

    work = functools.partial(contextvars.copy_context().run, call, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_threads(), work)

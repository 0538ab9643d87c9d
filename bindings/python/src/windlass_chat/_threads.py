"""`in_thread`: calls that may wait for the disk, beside the event loop."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

THREADS = 32
"""Writers that come at once share a sync, so more than there are cores."""

_pool: ThreadPoolExecutor


def _make_pool() -> None:
    global _pool
    _pool = ThreadPoolExecutor(THREADS, thread_name_prefix="windlass")


_make_pool()
if hasattr(os, "register_at_fork"):
    # The threads stay with the parent, and the child would wait for them for ever.
    os.register_at_fork(after_in_child=_make_pool)


async def in_thread(call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Calls in a thread of our own.

    Those of `asyncio.to_thread` are few, and the whole program's: handlers that wait in them would hold up every sync.
    """
    work = functools.partial(contextvars.copy_context().run, call, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_pool, work)

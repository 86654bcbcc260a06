"""The live path's one database thread.

All its queries run here, on one session that stays open: a frame costs no connection, and the
process never holds more than this session for all its sockets.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import Error, connection

from jobtracker import sessions

P = ParamSpec("P")
R = TypeVar("R")

_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="live-database")


async def run(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return `function(...)`, run in the thread. Raises what it raises."""

    def answer() -> R:
        if connection.connection is not None and not connection.is_usable():
            connection.close()
        with sessions.using("live"):
            try:
                return function(*args, **kwargs)
            except Error:
                connection.close()
                raise

    return await asyncio.get_running_loop().run_in_executor(_thread, answer)


async def close() -> None:
    """Give the session back."""
    await asyncio.get_running_loop().run_in_executor(_thread, connection.close)

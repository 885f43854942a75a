"""Threads beside the event loop that cost little to reach: work and answers cross in batches.

`run_in_executor` and `wrap_future` wake a thread and the loop for every call. Here a thread goes on as long
as work is left, and the loop is woken once for all the answers that came since it last looked.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

_Job = tuple[Callable[..., Any], tuple[Any, ...], "asyncio.Future[Any]"]


class Workers:
    """A few threads for one event loop."""

    def __init__(self, threads: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._idle = threads
        self._lock = threading.Lock()
        self._jobs: deque[_Job] = deque()
        self._answers: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._woken = False

    def run(self, work: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """What work gives, called in a thread; of a future that it gives, the result."""
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._jobs.append((work, args, waiting))
            begin = self._idle > 0
            self._idle -= begin
        if begin:
            self._pool.submit(self._work)
        return waiting

    def close(self) -> None:
        """Finish what has begun."""
        self._pool.shutdown()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._idle += 1
                    return
                work, args, waiting = self._jobs.popleft()
            try:
                result = work(*args)
            except BaseException as e:
                self._answer(waiting, None, e)
                continue
            if isinstance(result, Future):
                result.add_done_callback(partial(self._settle, waiting))
            else:
                self._answer(waiting, result, None)

    def _settle(self, waiting: asyncio.Future[Any], done: Future[Any]) -> None:
        error = done.exception()
        self._answer(waiting, None if error else done.result(), error)

    def _answer(self, waiting: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
        self._answers.append((waiting, result, error))
        # Whoever reads True here has appended before `_deliver` looks for the last time.
        if not self._woken:
            self._woken = True
            waiting.get_loop().call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._woken = False
        while self._answers:
            waiting, result, error = self._answers.popleft()
            if waiting.done():
                continue
            if error is None:
                waiting.set_result(result)
            else:
                waiting.set_exception(error)

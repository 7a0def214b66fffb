"""The newest frame wins: a slot for one item between the executor's thread and a worker's, with exact accounts."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from face1d_ros.errors import ConversionError, ImageError

Item = TypeVar("Item")

OVERTAKEN = "overtaken"
MALFORMED = "malformed"
FAILED = "failed"
STOPPED = "stopped"


@dataclass(frozen=True)
class Accounts:
    """What became of the items so far: received = used + dropped + waiting, where waiting is 0 or 1."""

    received: int = 0
    used: int = 0
    dropped: int = 0
    reasons: tuple[tuple[str, int], ...] = ()
    """(reason, count) of the dropped ones, the most frequent first."""


class Mailbox(Generic[Item]):
    """A slot for one item. Putting never blocks; an item that was not taken yet is dropped and counted."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._slot: list[Item] = []
        self._closed = False
        self._received = 0
        self._used = 0
        self._reasons: Counter[str] = Counter()

    @property
    def waiting(self) -> bool:
        """Whether an item waits to be taken."""
        return bool(self._slot)

    def put(self, item: Item) -> None:
        """Leave an item; after `close` it is dropped."""
        with self._condition:
            self._received += 1
            if self._closed:
                self._reasons[STOPPED] += 1
                return
            if self._slot:
                self._reasons[OVERTAKEN] += 1
            self._slot[:] = [item]
            self._condition.notify()

    def take(self) -> tuple[Item, Accounts] | None:
        """Wait for an item. It counts as used, in these accounts already. None: the mailbox is closed."""
        with self._condition:
            while not self._slot and not self._closed:
                self._condition.wait()
            if not self._slot:
                return None
            self._used += 1
            return self._slot.pop(), self._accounts()

    def refuse(self, reason: str) -> None:
        """The item taken last could not be used after all."""
        with self._condition:
            self._used -= 1
            self._reasons[reason] += 1

    def close(self) -> None:
        """Drop what waits, and let `take` return None."""
        with self._condition:
            if self._slot:
                self._slot.clear()
                self._reasons[STOPPED] += 1
            self._closed = True
            self._condition.notify_all()

    def accounts(self) -> Accounts:
        """The counts now."""
        with self._condition:
            return self._accounts()

    def _accounts(self) -> Accounts:
        return Accounts(self._received, self._used, sum(self._reasons.values()), tuple(self._reasons.most_common()))


class Worker(Generic[Item]):
    """A thread that gives each item of a mailbox to `work(item, accounts)`, and survives what that raises.

    An item that could not be used is counted as dropped, with its reason; `on_error` is told.
    """

    def __init__(
        self, name: str, work: Callable[[Item, Accounts], None], on_error: Callable[[Exception], None]
    ) -> None:
        self.mailbox: Mailbox[Item] = Mailbox()
        self._work = work
        self._on_error = on_error
        self._busy_since_s: float | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def busy_s(self) -> float:
        """How long it has been at the present item; 0 when it waits for one."""
        since_s = self._busy_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    def stop(self, timeout_s: float) -> bool:
        """Finish the present item and end. False: it is still busy after `timeout_s`, and is left behind."""
        self.mailbox.close()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (taken := self.mailbox.take()) is not None:
            self._busy_since_s = time.monotonic()
            try:
                self._work(*taken)
            except Exception as error:
                self.mailbox.refuse(_reason(error))
                self._on_error(error)
            self._busy_since_s = None
            del taken  # an image must not be kept alive until the next one comes


def _reason(error: Exception) -> str:
    if isinstance(error, ImageError):
        return error.reason
    return MALFORMED if isinstance(error, ConversionError) else FAILED

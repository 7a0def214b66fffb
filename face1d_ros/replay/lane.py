"""A bounded way from one thread to another that either end can close."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Lane(Generic[Item]):
    """One thread puts items in, one takes them out, in their order; nobody waits for an end that is closed."""

    def __init__(self, longest: int) -> None:
        """`longest`: so many items wait in it at most."""
        self._longest = longest
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._filled = self._closed = False
        self._error: BaseException | None = None

    def put(self, item: Item) -> bool:
        """Add it as soon as there is room; False: nobody takes any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._longest)
            if self._closed:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    @contextmanager
    def filling(self) -> Iterator[None]:
        """Whoever fills it does so inside; what is raised there is raised where the items are taken, after them."""
        error: BaseException | None = None
        try:
            yield
        except BaseException as raised:
            error = raised
        finally:
            with self._changed:
                self._filled, self._error = True, error
                self._changed.notify_all()

    def close(self) -> None:
        """Nothing is taken any more."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Item]:
        """All items; ends when it is filled or closed."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._filled or bool(self._items))
                if self._closed:
                    return
                if not self._items:
                    if self._error is not None:
                        raise self._error
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item

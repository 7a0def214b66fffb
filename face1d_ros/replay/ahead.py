"""An iteration that runs in a thread of its own, a few items ahead of whoever takes them."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

from face1d_ros.replay.lane import Lane

Item = TypeVar("Item")
AHEAD = 4
"""Items that wait at most: more would only take memory."""


def ahead(items: Iterable[Item], *, longest: int = AHEAD, name: str = "ahead") -> Generator[Item, None, None]:
    """The items in their order; what the iteration raises is raised here, after the items before it.

    Closing the generator ends the thread: it waits for the item that it has in hand, and no longer.
    """
    lane: Lane[Item] = Lane(longest)
    thread = threading.Thread(target=_fill, args=(lane, items), name=name, daemon=True)
    thread.start()
    try:
        yield from lane
    finally:
        lane.close()
        thread.join()


def _fill(lane: Lane[Item], items: Iterable[Item]) -> None:
    iterator = iter(items)
    with lane.filling():
        try:
            for item in iterator:
                if not lane.put(item):
                    return
        finally:
            # A generator is ended by the thread that has run it.
            getattr(iterator, "close", lambda: None)()

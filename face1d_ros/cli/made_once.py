"""Data that training learns from, made in processes, with progress, and kept with a note of what it was made of."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol, TypeVar

from rich.console import Console
from rich.progress import Progress

from face1d_ros.errors import CorpusError

WORKERS = 2
AT_ONCE = 8
"""Sequences in one task of a worker."""
MADE_OF = "made_of.json"


class Saved(Protocol):
    """What can be kept in a file."""

    def save(self, path: Path) -> None:
        """At once or not at all."""


Kept = TypeVar("Kept", bound=Saved)
Part = TypeVar("Part")


def made_once(path: Path, made_of: dict[str, Any], make: Callable[[], Kept], load: Callable[[Path], Kept]) -> Kept:
    """What the file holds, if it was made of the same, or else what `make` gives, which is kept there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    note = path.with_name(f"{path.stem}_{MADE_OF}")
    if not path.exists() or _read(note) != made_of:
        note.unlink(missing_ok=True)
        make().save(path)
        note.write_text(json.dumps(made_of, indent=1) + "\n", encoding="utf-8")
    return load(path)


def in_processes(
    what: str,
    numbers: Sequence[int],
    begin: Callable[..., None],
    given: tuple[Any, ...],
    work: Callable[[Sequence[int]], list[Part]],
) -> list[Part]:
    """All that `work` gives for lists of numbers, in their order; `begin` is called in each process first."""
    tasks = [numbers[i : i + AT_ONCE] for i in range(0, len(numbers), AT_ONCE)]
    found: list[Part] = []
    with (
        Progress(console=Console(stderr=True), transient=True) as progress,
        ProcessPoolExecutor(WORKERS, get_context("spawn"), initializer=_begin, initargs=(begin, given)) as pool,
    ):
        bar = progress.add_task(what, total=len(numbers))
        try:
            for made in pool.map(work, tasks):
                found += made
                progress.advance(bar, AT_ONCE)
        except BrokenProcessPool as error:
            raise CorpusError(f"a process that made {what} ended unexpectedly (killed, or out of memory)") from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return found


def _begin(begin: Callable[..., None], given: tuple[Any, ...]) -> None:
    """In each process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    begin(*given)


def _read(note: Path) -> Any:
    """What data was made of; None where that is not known."""
    try:
        return json.loads(note.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None

"""Makes the clips that `face1d evaluate identity` compares, in processes where there are many."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from face1d_ros.cli.smoothing_run import open_sequences
from face1d_ros.evaluate.identity_clips import Clip, ClipMaker, Clips
from face1d_ros.evaluate.identity_conditions import SequenceMaker, Wanted
from face1d_ros.synth.faces.model import load_face_model
from face1d_ros.synth.faces.point_model import point_model
from face1d_ros.synth.noise.observe import load_noise_model

WORKERS = 2
FEW = 200
"""Clips that are made sooner than another process starts."""
AT_ONCE = 8
"""Clips in one task of a worker."""
Advance = Callable[[int], None]


@dataclass(frozen=True)
class Origin:
    """Where sequences come from."""

    what: str
    """`small`, or the folder of a corpus."""
    is_made_anew: bool = False
    """Whether some are, for which there is a face model."""
    face_model: Path | None = None


class _Worker:
    """One in each process."""

    def __init__(self, origin: Origin) -> None:
        source, _ = open_sequences(origin.what)
        points = point_model(load_face_model(origin.face_model)) if origin.is_made_anew else None
        self._sequences = SequenceMaker(source, points, load_noise_model())
        self._clips = ClipMaker()

    def clips(self, wanted: Sequence[Wanted]) -> list[Clip | None]:
        """In their order."""
        return [self._clips.of_sequence(self._sequences.make(one)) for one in wanted]

    def close(self) -> None:
        """Free the stage."""
        self._clips.close()


_worker: _Worker | None = None


def make_clips(origin: Origin, wanted: Mapping[str, Sequence[Wanted]], advance: Advance) -> dict[str, Clips]:
    """By name of the list; faces that were not seen long enough are left out."""
    every = [one for some in wanted.values() for one in some]
    if origin.is_made_anew:
        load_face_model(origin.face_model)  # what is wrong with it is said here, not by a worker that ends
    made = iter(_made_here(origin, every, advance) if len(every) <= FEW else _made_in_processes(origin, every, advance))
    return {
        name: Clips(tuple(clip for _, clip in zip(some, made, strict=False) if clip)) for name, some in wanted.items()
    }


def _made_here(origin: Origin, wanted: Sequence[Wanted], advance: Advance) -> list[Clip | None]:
    worker, found = _Worker(origin), []
    try:
        for one in wanted:
            found += worker.clips([one])
            advance(1)
    finally:
        worker.close()
    return found


def _made_in_processes(origin: Origin, wanted: Sequence[Wanted], advance: Advance) -> list[Clip | None]:
    tasks = [wanted[begin : begin + AT_ONCE] for begin in range(0, len(wanted), AT_ONCE)]
    found: list[Clip | None] = []
    with ProcessPoolExecutor(WORKERS, get_context("spawn"), initializer=_begin, initargs=(origin,)) as pool:
        try:
            for made in pool.map(_clips, tasks):
                found += made
                advance(len(made))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return found


def _begin(origin: Origin) -> None:
    """In each worker; Ctrl-C is for the process that waits for it."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _worker = _Worker(origin)


def _clips(wanted: Sequence[Wanted]) -> list[Clip | None]:
    assert _worker is not None  # `_begin` has run
    return _worker.clips(wanted)

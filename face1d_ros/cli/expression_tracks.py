"""Makes the tracks that expression networks learn from, in processes, with progress; or takes those that are there."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import Progress

if TYPE_CHECKING:
    from face1d_ros.train.expression_tracks import ExpressionTracks, TrackReader
    from face1d_ros.train.recipe import Data

WORKERS = 2
AT_ONCE = 8
"""Sequences in one task of a worker."""
MADE_OF = "made_of.json"

_worker: TrackReader | None = None
_plans: Any = None


def tracks_of(data: Data, folder: Path, face_model: Path | None) -> tuple[ExpressionTracks, ExpressionTracks]:
    """For training and for validation: those in the folder, if they were made of the same, or new ones."""
    from face1d_ros.train.expression_tracks import ExpressionTracks

    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for split, count in (("train", data.sequences), ("validation", data.validation_sequences)):
        path, made_of = folder / f"{split}.npz", _made_of(data, split, count, face_model)
        note = path.with_name(f"{split}_{MADE_OF}")
        if not path.exists() or not note.exists() or json.loads(note.read_text(encoding="utf-8")) != made_of:
            note.unlink(missing_ok=True)
            _make(data, split, count, face_model).save(path)
            note.write_text(json.dumps(made_of, indent=1) + "\n", encoding="utf-8")
        found.append(ExpressionTracks.load(path))
    return found[0], found[1]


def _make(data: Data, split: str, count: int, face_model: Path | None) -> ExpressionTracks:
    from face1d_ros.train.expression_tracks import ExpressionTracks

    with (
        Progress(console=Console(stderr=True), transient=True) as progress,
        ProcessPoolExecutor(
            WORKERS, get_context("spawn"), initializer=_begin, initargs=(data, split, count, face_model)
        ) as pool,
    ):
        task = progress.add_task(f"tracks for {split}", total=count)
        parts = []
        try:
            for made in pool.map(_tracks, (range(i, min(i + AT_ONCE, count)) for i in range(0, count, AT_ONCE))):
                parts += made
                progress.advance(task, AT_ONCE)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return ExpressionTracks.joined(parts)


def _made_of(data: Data, split: str, count: int, face_model: Path | None) -> dict[str, Any]:
    """All that decides about the values."""
    from face1d_ros.engines.bundle import load_bundle, shipped_bundles
    from face1d_ros.stages.smoothing_choice import DEFAULT, TASK
    from face1d_ros.synth.corpus.reader import VALUES_VERSION
    from face1d_ros.synth.faces.model import load_face_model
    from face1d_ros.train.expression_tracks import OTHER_SKIN, OTHER_SKIN_SEED, mesh_bundle

    smoother = next(load_bundle(path) for path in shipped_bundles() if path.name == f"{TASK}_{DEFAULT}_478")
    return {
        "values_version": VALUES_VERSION,
        "plans": _plans_of(data, split, count).as_dict(),
        "face_model": load_face_model(face_model).sha256,
        "smoother": smoother.manifest.sha256,
        "mesh": mesh_bundle().manifest.sha256,
        "skin": [asdict(OTHER_SKIN), OTHER_SKIN_SEED],
    }


def _plans_of(data: Data, split: str, count: int) -> Any:
    from face1d_ros.synth.corpus.plans import CorpusPlan

    return CorpusPlan(split, data.seed, count, data.seconds, per_subject=data.per_subject)


def _begin(data: Data, split: str, count: int, face_model: Path | None) -> None:
    """In each worker."""
    from face1d_ros.synth.faces.model import load_face_model
    from face1d_ros.synth.faces.point_model import point_model
    from face1d_ros.synth.noise.observe import load_noise_model
    from face1d_ros.train.expression_tracks import TrackReader

    global _worker, _plans
    _worker = TrackReader(point_model(load_face_model(face_model)), load_noise_model())
    _plans = _plans_of(data, split, count)


def _tracks(numbers: range) -> list[ExpressionTracks]:
    """Those of so many plans."""
    assert _worker is not None  # `_begin` has run
    return [track for number in numbers for track in _worker.tracks(_plans.plan(number), number)]

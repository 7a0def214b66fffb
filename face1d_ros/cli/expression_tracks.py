"""Makes the tracks that expression networks learn from, in processes, with progress; or takes those that are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from face1d_ros.cli.made_once import in_processes, made_once

if TYPE_CHECKING:
    from face1d_ros.train.expression_tracks import ExpressionTracks, TrackReader
    from face1d_ros.train.recipe import Data

_worker: TrackReader | None = None
_plans: Any = None


def tracks_of(data: Data, folder: Path, face_model: Path | None) -> tuple[ExpressionTracks, ExpressionTracks]:
    """For training and for validation: those in the folder, if they were made of the same, or new ones."""
    training = _tracks_of(data, "train", data.sequences, folder, face_model)
    return training, _tracks_of(data, "validation", data.validation_sequences, folder, face_model)


def _tracks_of(data: Data, split: str, count: int, folder: Path, face_model: Path | None) -> ExpressionTracks:
    from face1d_ros.train.expression_tracks import ExpressionTracks

    given = (data, split, count, face_model)
    return made_once(
        folder / f"{split}.npz",
        _made_of(*given),
        lambda: ExpressionTracks.joined(in_processes(f"tracks for {split}", range(count), _begin, given, _tracks)),
        ExpressionTracks.load,
    )


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


def _tracks(numbers: Sequence[int]) -> list[ExpressionTracks]:
    """Those of so many plans."""
    assert _worker is not None  # `_begin` has run
    return [track for number in numbers for track in _worker.tracks(_plans.plan(number), number)]

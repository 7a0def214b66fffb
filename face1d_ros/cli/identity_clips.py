"""Makes the clips that motion encoders learn from, or takes those that are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from face1d_ros.cli.made_once import in_processes, made_once

if TYPE_CHECKING:
    from face1d_ros.synth.corpus.plans import CorpusPlan
    from face1d_ros.train.identity_clips import ClipReader, IdentityClips
    from face1d_ros.train.recipe import Data

_worker: ClipReader | None = None
_plans: CorpusPlan | None = None


def clips_of(data: Data, folder: Path, face_model: Path | None) -> tuple[IdentityClips, IdentityClips]:
    """For training and for validation."""
    return _clips_of(data, "train", data.sequences, folder, face_model), _clips_of(
        data, "validation", data.validation_sequences, folder, face_model
    )


def _clips_of(data: Data, split: str, count: int, folder: Path, face_model: Path | None) -> IdentityClips:
    from face1d_ros.train.identity_clips import IdentityClips

    plans = _plans_of(data, split, count)
    given = (data, split, count, face_model)
    return made_once(
        folder / f"{split}.npz",
        _made_of(data, plans, face_model),
        lambda: IdentityClips.joined(
            in_processes(f"clips for {split}", _numbers(data, split, count), _begin, given, _clips)
        ),
        IdentityClips.load,
    )


def _numbers(data: Data, split: str, count: int) -> list[int]:
    """Those of so many plans: to learn from, the first repetitions of each motion; to judge by, all."""
    from face1d_ros.synth.corpus.plans import MOTIONS_A_SUBJECT, REPETITIONS

    each = max(data.per_subject // MOTIONS_A_SUBJECT, 1) if split == "train" else REPETITIONS
    return [index // each * REPETITIONS + index % each for index in range(count)]


def _plans_of(data: Data, split: str, count: int) -> CorpusPlan:
    """The plans that numbers stand for, so many or more of them."""
    from face1d_ros.synth.corpus.plans import IDENTITY, CorpusPlan

    return CorpusPlan(split, data.seed, _numbers(data, split, count)[-1] + 1, scenario=IDENTITY)


def _made_of(data: Data, plans: CorpusPlan, face_model: Path | None) -> dict[str, Any]:
    """All that decides about the values."""
    from face1d_ros.engines.bundle import load_bundle, shipped_bundles
    from face1d_ros.stages.smoothing_choice import DEFAULT, TASK
    from face1d_ros.synth.corpus.reader import VALUES_VERSION
    from face1d_ros.synth.faces.model import load_face_model
    from face1d_ros.train.expression_tracks import OTHER_SKIN, OTHER_SKIN_SEED
    from face1d_ros.train.identity_clips import CLIPS_VERSION

    smoother = next(load_bundle(path) for path in shipped_bundles() if path.name == f"{TASK}_{DEFAULT}_478")
    return {
        "clips_version": CLIPS_VERSION,
        "values_version": VALUES_VERSION,
        "plans": plans.as_dict(),
        "per_subject": data.per_subject,
        "face_model": load_face_model(face_model).sha256,
        "smoother": smoother.manifest.sha256,
        "skin": [asdict(OTHER_SKIN), OTHER_SKIN_SEED],
    }


def _begin(data: Data, split: str, count: int, face_model: Path | None) -> None:
    """In each process."""
    from face1d_ros.synth.faces.model import load_face_model
    from face1d_ros.synth.faces.point_model import point_model
    from face1d_ros.synth.noise.observe import load_noise_model
    from face1d_ros.train.identity_clips import ClipReader

    global _worker, _plans
    _worker = ClipReader(point_model(load_face_model(face_model)), load_noise_model())
    _plans = _plans_of(data, split, count)


def _clips(numbers: Sequence[int]) -> list[IdentityClips]:
    """Of so many plans."""
    assert _worker is not None and _plans is not None  # `_begin` has run
    return [clip for number in numbers for clip in _worker.clips(_plans.plan(number), number)]

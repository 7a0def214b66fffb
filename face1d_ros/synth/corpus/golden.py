"""Writes what the package ships of the fixed test set: its hashes, a few of its values, and the small set."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from face1d_ros.synth.corpus.fixed_blocks import small_plans
from face1d_ros.synth.corpus.fixed_sets import (
    DATA,
    SAMPLE_STEP,
    SMALL_FILE,
    TEST_V1,
    FixedPart,
    hash_of_plans,
    parts_of,
    sampled_values,
)
from face1d_ros.synth.corpus.reader import VALUES_VERSION
from face1d_ros.synth.corpus.small_set import write_sequences
from face1d_ros.synth.corpus.writer import noise_sha256
from face1d_ros.synth.faces.point_model import PointModel
from face1d_ros.synth.noise.observe import NoiseModel
from face1d_ros.synth.sequence import make_sequence

SAMPLES = 12
"""Sequences of each part of which values are kept."""


def write_shipped(points: PointModel, noise: NoiseModel, folder: Path = DATA) -> tuple[Path, Path]:
    """The small set and the golden file, written anew."""
    folder.mkdir(parents=True, exist_ok=True)
    small, fixed = folder / SMALL_FILE.name, folder / f"{TEST_V1}.json"
    part = small.with_suffix(".part")
    sequences = [make_sequence(plan, points, noise) for plan in small_plans()]
    write_sequences(part, sequences, points.expression_mm)
    os.replace(part, small)
    content = {
        "name": TEST_V1,
        "values_version": VALUES_VERSION,
        "points": int(points.topology),
        "face_model": points.source_name,
        "face_model_sha256": points.source_sha256,
        "noise_model_sha256": noise_sha256(noise),
        "parts": {name: _fixed(plans, points, noise) for name, plans in parts_of().items()},
    }
    fixed.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return small, fixed


def _fixed(plans: FixedPart, points: PointModel, noise: NoiseModel) -> dict[str, Any]:
    chosen = range(0, plans.count, max(plans.count // SAMPLES, 1))
    values = [sampled_values(make_sequence(plans.plan(number), points, noise), number) for number in chosen]
    return {
        "sequences": plans.count,
        "plans_sha256": hash_of_plans(plans),
        "sample_sha256": hash_of_plans(plans, SAMPLE_STEP),
        "values": values,
    }

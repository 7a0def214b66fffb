"""The fixed test sets, and the small one that ships with the package.

`synthetic-test-v1` never changes: the hash of its plans stands in `data/synthetic-test-v1.json`, with a few of its
values. Whoever must change it makes a `synthetic-test-v2` beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from face1d_ros.errors import CorpusError, InvalidValueError
from face1d_ros.synth.corpus.fixed_blocks import PARTS, block_plan
from face1d_ros.synth.corpus.plans import PlanList
from face1d_ros.synth.corpus.reader import VALUES_VERSION, Corpus
from face1d_ros.synth.corpus.small_set import read_sequences
from face1d_ros.synth.plan_json import joint_sha256, plan_sha256
from face1d_ros.synth.sequence import Sequence, SequencePlan

DATA = Path(__file__).with_name("data")
TEST_V1 = "synthetic-test-v1"
SMALL = "small"
SMALL_FILE = DATA / f"{TEST_V1}-small.npz"
TEST_SETS = (TEST_V1,)
SAMPLE_STEP = 16
TOLERANCE = 1e-4
"""Of a golden value, in units of the larger of 1 and the value."""


@dataclass(frozen=True)
class FixedPart:
    """The plans of one part of a fixed test set."""

    test_set: str
    part: str

    @property
    def count(self) -> int:
        """How many sequences."""
        return sum(block.sequences for block in PARTS[self.part])

    def plan(self, index: int) -> SequencePlan:
        """One of them."""
        return block_plan(self.part, index)

    def as_dict(self) -> Mapping[str, Any]:
        """What names them fully."""
        return {"test_set": self.test_set, "part": self.part}


def parts_of(name: str = TEST_V1) -> dict[str, FixedPart]:
    """The parts of a fixed test set, by name."""
    if name not in TEST_SETS:
        raise InvalidValueError("test set", name, f"one of {', '.join(TEST_SETS)}")
    return {part: FixedPart(name, part) for part in PARTS}


@cache
def load_small_test_set() -> tuple[Sequence, ...]:
    """The sequences that ship with the package: a few of each block, of every one inputs and truth."""
    return read_sequences(SMALL_FILE)


def select(sequences: Many[Sequence] | Corpus, block: str) -> list[Sequence]:
    """Those of a block of the test set, such as `smoothing` or `repeated`."""
    names = sequences.names if isinstance(sequences, Corpus) else [sequence.name for sequence in sequences]
    chosen = [index for index, name in enumerate(names) if name.split("/")[0] == block]
    if not chosen:
        known = sorted({name.split("/")[0] for name in names})
        raise InvalidValueError("block", block, f"one of {', '.join(known)}")
    return [sequences[index] for index in chosen]


def golden(name: str = TEST_V1) -> dict[str, Any]:
    """What is fixed of a test set."""
    content: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return content


def check_plans(name: str, part: str, *, sample: bool = False) -> str:
    """The hash of a part's plans as this installation draws them; refuses any but the fixed one.

    `sample` looks at every sixteenth plan only.
    """
    came = hash_of_plans(parts_of(name)[part], SAMPLE_STEP if sample else 1)
    fixed: str = golden(name)["parts"][part]["sample_sha256" if sample else "plans_sha256"]
    if came != fixed:
        raise CorpusError(
            f"{name}, {part}: the plans have SHA-256 {came}, fixed is {fixed}; this installation draws "
            "other parameters: install a matching version of face1d_ros and numpy"
        )
    return came


def hash_of_plans(plans: PlanList, step: int = 1) -> str:
    """Over every so manieth plan."""
    return joint_sha256(plan_sha256(plans.plan(index)) for index in range(0, plans.count, step))


def check_values(name: str, part: str, corpus: Corpus) -> str:
    """Compare a few values of a made part with those that are fixed; says what was found."""
    fixed = golden(name)
    versions = {"fixed values": fixed.get("values_version"), "corpus": corpus.manifest.get("values_version")}
    for what, version in versions.items():
        if version != VALUES_VERSION:
            raise CorpusError(
                f"{name}, {part}: the {what} have values_version {version}, this installation computes "
                f"{VALUES_VERSION}; install the version of face1d_ros that belongs to them, or make them again"
            )
    for key in ("face_model_sha256", "noise_model_sha256", "points"):
        came, expected = _made_with(corpus)[key], fixed[key]
        if came != expected:
            was, is_ = (str(value)[:16] for value in (expected, came))
            return f"{name}, {part}: values not compared, {key} is {is_}, that of the fixed values {was}"
    worst = max(_deviation(row, corpus[row["sequence"]]) for row in fixed["parts"][part]["values"])
    if not worst <= TOLERANCE:
        raise CorpusError(f"{name}, {part}: a value is off by {worst:.2g}, expected at most {TOLERANCE:g} (relative)")
    return f"{name}, {part}: fixed values are met, the worst is off by {worst:.1g}"


def sampled_values(sequence: Sequence, number: int) -> dict[str, Any]:
    """Golden values of a sequence: one point of a few frames."""
    frames = np.linspace(0, len(sequence) - 1, 3).round().astype(int).tolist()
    point = (37 * number) % int(sequence.topology)
    row: dict[str, Any] = {"sequence": number, "frames": frames, "point": point}
    return row | {field: values.tolist() for field, values in _values(row, sequence).items()}


def _made_with(corpus: Corpus) -> dict[str, Any]:
    manifest = corpus.manifest
    return {
        "face_model_sha256": manifest["face_model"]["sha256"],
        "noise_model_sha256": manifest["noise_model_sha256"],
        "points": manifest["points"],
    }


def _values(row: Mapping[str, Any], sequence: Sequence) -> dict[str, Any]:
    frames, point = row["frames"], row["point"]
    return {
        "points_mm": sequence.points_mm[frames, point],
        "clean_px": sequence.clean_px[frames, point],
        "observed": np.nan_to_num(sequence.observed[frames, point]),
        "yaw_pitch_roll_rad": sequence.yaw_pitch_roll_rad[frames],
        "coefficients": sequence.expression[frames].sum(axis=1),
    }


def _deviation(row: Mapping[str, Any], sequence: Sequence) -> float:
    """Largest difference to the golden values, in units of the larger of 1 and the value."""
    found = _values(row, sequence)
    expected = {field: np.array(row[field], np.float64) for field in found}
    return max(float((np.abs(found[f] - e) / np.maximum(np.abs(e), 1.0)).max()) for f, e in expected.items())

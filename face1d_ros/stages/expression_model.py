"""The network behind the expression stage: which one is meant, what it must be, and one call for all faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from face1d_ros.engines.bundle import Bundle
from face1d_ros.engines.engine import Arrays
from face1d_ros.engines.manifest import FACES
from face1d_ros.errors import BundleError, InvalidValueError
from face1d_ros.geometry.expression_features import feature_names
from face1d_ros.stages.bundle_runner import AS_ASKED, SHIPPED, BundleRunner, check_task, named_runner, texts
from face1d_ros.types import FloatArray

AUTO = "auto"
TASK = "expression"
MESH, LANDMARKS, BOTH = "mesh", "landmarks", "both"
DEFAULTS = {
    BOTH: "expression_cnn_both",
    LANDMARKS: "expression_cnn_landmarks",
    MESH: "expression_conv_lstm_mesh",
}
"""By what is read."""
NEUTRAL = "neutral"
NONE_OF_THESE = "none"
"""What a stage calls a face that shows none of a model's labels; no label itself."""


@dataclass(frozen=True, eq=False)
class Meaning:
    """What goes into a bundle and comes out, as its manifest says."""

    input: str
    features: tuple[str, ...]
    spread: FloatArray
    """(F,) what is usual of one person."""
    labels: tuple[str, ...]
    actions: tuple[str, ...]
    mesh: str
    """Name of the mesh network that its coefficients come from; empty: it reads landmarks alone."""

    @property
    def coefficients(self) -> tuple[str, ...]:
        """Names of those it reads."""
        return {MESH: self.features, LANDMARKS: (), BOTH: self.features[len(feature_names()) :]}[self.input]


@dataclass(frozen=True, eq=False)
class FaceInput:
    """One face as the network takes it."""

    key: int
    features: FloatArray
    """(F,)"""
    neutral: FloatArray
    """(F,)"""
    known: float
    dt_s: float


class ExpressionRunner(BundleRunner):
    """An expression bundle at work."""

    def __init__(self, bundle: Bundle, engine: str, why: str) -> None:
        """Raises BundleError for what is no expression bundle, EngineError where nothing runs it."""
        self.meaning = meaning_of(bundle)
        super().__init__(bundle, engine, why)

    def step(self, stamp_ns: int, faces: Sequence[FaceInput]) -> Arrays:
        """Outputs by name, (B, …) in the order of the faces, valid until the next step. Raises EngineError."""
        inputs = self._runner.begin(stamp_ns, [face.key for face in faces])
        for index, face in enumerate(faces):
            inputs["features"][index] = face.features
            inputs["neutral"][index] = face.neutral
            inputs["known"][index] = face.known
            inputs["dt"][index] = face.dt_s
        return self._runner.run()


def make_runner(name: str, given: str, engine: str) -> ExpressionRunner:
    """The network that is meant, of this input. Raises InvalidValueError where it cannot be had."""
    wanted, why = (DEFAULTS[given], SHIPPED) if name == AUTO else (name, AS_ASKED)
    runner = named_runner(wanted, TASK, lambda bundle: ExpressionRunner(bundle, engine, why), AUTO)
    if runner.meaning.input != given:
        runner.close()
        raise InvalidValueError("model", wanted, f"a model of input {given}; this one reads {runner.meaning.input}")
    return runner


def meaning_of(bundle: Bundle) -> Meaning:
    """What an expression bundle says about itself. Raises BundleError for a bundle that is none."""
    check_task(bundle, TASK)
    manifest, path, settings = bundle.manifest, bundle.path, bundle.manifest.settings
    given = settings.get("input")
    if given not in DEFAULTS:
        raise BundleError(path, "settings.input", repr(given)[:80], f"one of {', '.join(DEFAULTS)}")
    features, labels, actions = (texts(bundle, key) for key in ("features", "labels", "actions"))
    if NEUTRAL not in labels or NONE_OF_THESE in labels:
        expected_labels = f"labels, one of them '{NEUTRAL}', none of them '{NONE_OF_THESE}'"
        raise BundleError(path, "settings.labels", ", ".join(labels), expected_labels)
    measured = () if given == MESH else feature_names()
    if features[: len(measured)] != measured or (given == LANDMARKS and features != measured):
        raise BundleError(
            path, "settings.features", f"{len(features)} names", "the distances and angles of this version"
        )
    spread = settings.get("spread")
    is_spread = isinstance(spread, list) and all(isinstance(value, float) and value > 0.0 for value in spread)
    if not is_spread or len(spread or ()) != len(features):
        raise BundleError(path, "settings.spread", repr(spread)[:80], f"{len(features)} numbers above 0")
    count = len(features)
    expected: dict[str, tuple[Any, ...]] = {
        **dict.fromkeys(("features", "neutral"), (FACES, count)),
        **dict.fromkeys(("known", "dt", "intensity", "age"), (FACES, 1)),
        "labels": (FACES, len(labels) + 1),
        "phases": (FACES, 4),
        "actions": (FACES, len(actions)),
    }
    shapes = {spec.name: spec.shape for spec in (*manifest.inputs, *manifest.outputs)}
    if wrong := {name: shapes.get(name) for name, shape in expected.items() if shapes.get(name) != shape}:
        raise BundleError(path, "tensors", wrong, f"{expected}")
    mesh = str(settings.get("mesh", ""))
    return Meaning(str(given), features, np.array(spread, np.float32), labels, actions, mesh)


def is_sound(outputs: Arrays, row: int) -> bool:
    """Whether what a network said of a face can be meant."""
    return all(
        bool((np.minimum(array[row], 0.0) >= -1e-4).all() and (array[row] <= 1.0 + 1e-4).all())
        for array in outputs.values()
    )

"""The network behind the mesh stage: which one is meant, what it must be, and one call for all faces of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.engines.bundle import Bundle, load_bundle, shipped_bundles
from face1d_ros.engines.engine import Arrays
from face1d_ros.engines.manifest import FACES
from face1d_ros.errors import BundleError, EngineError, MissingDependencyError
from face1d_ros.stages.bundle_runner import AS_ASKED, SHIPPED, BundleRunner, check_task, named_runner, texts
from face1d_ros.types import FloatArray, Topology

AUTO, NONE = "auto", "none"
DEFAULT = "mesh_curve_cnn_478"
TASK = "mesh"
LEAST_ANCHORS = 3
"""That tell where a head is."""
CLOSED_FORM = "closed form: pose and asymmetry alone"
KNOWN = tuple(int(topology) for topology in Topology if topology)
NOT_THERE = (BundleError, EngineError, MissingDependencyError)


@dataclass(frozen=True, eq=False)
class Basis:
    """What the coefficients of a bundle belong to, as its manifest says."""

    name: str
    sha256: str
    expression_names: tuple[str, ...]
    identity: int
    anchors: tuple[int, ...]
    """Landmarks whose places on this head the network gives."""
    topology: Topology

    @cached_property
    def anchor_indices(self) -> NDArray[np.intp]:
        """(M,) the same."""
        return np.array(self.anchors, np.intp)


@dataclass(frozen=True, eq=False)
class FaceInput:
    """One face as the network takes it."""

    key: int
    aligned_cm: FloatArray
    """(N, 3)"""
    turn_rad: FloatArray
    """(3,)"""
    confidence: FloatArray
    """(N,)"""
    dt_s: float


class MeshNetworkRunner(BundleRunner):
    """A mesh bundle at work."""

    def __init__(self, bundle: Bundle, engine: str, why: str) -> None:
        """Raises BundleError for what is no mesh bundle, EngineError where nothing runs it."""
        self.basis = basis_of(bundle)
        self.predicts = bool(bundle.manifest.memory)
        """Whether it expects something of the next frame; else there is no anomaly."""
        super().__init__(bundle, engine, why)

    def step(self, stamp_ns: int, faces: Sequence[FaceInput]) -> Arrays:
        """Outputs by name, (B, …) in the order of the faces, valid until the next step. Raises EngineError."""
        inputs = self._runner.begin(stamp_ns, [face.key for face in faces])
        for index, face in enumerate(faces):
            inputs["aligned"][index] = face.aligned_cm
            inputs["turn"][index] = face.turn_rad
            inputs["confidence"][index] = face.confidence
            inputs["dt"][index] = face.dt_s
        return self._runner.run()


def make_runner(name: str, engine: str) -> tuple[MeshNetworkRunner | None, str]:
    """The network that is meant, and what the user should know; None: there is none, or none was asked for.

    Raises InvalidValueError for what was named and cannot be had.
    """
    if name == NONE:
        return None, ""
    if name != AUTO:
        return named_runner(name, TASK, lambda bundle: MeshNetworkRunner(bundle, engine, AS_ASKED), AUTO, NONE), ""
    folder = next((path for path in shipped_bundles() if path.name == DEFAULT), None)
    if folder is None:
        return None, f"no model {DEFAULT} comes with this version: no coefficients, only pose and asymmetry"
    try:
        return MeshNetworkRunner(load_bundle(folder), engine, SHIPPED), ""
    except NOT_THERE as error:
        return None, f"{error}; no coefficients, only pose and asymmetry"


def basis_of(bundle: Bundle) -> Basis:
    """What a mesh bundle says about its coefficients. Raises BundleError for a bundle that is none."""
    check_task(bundle, TASK)
    manifest, path = bundle.manifest, bundle.path
    names = texts(bundle, "expression_names")
    anchors = manifest.settings.get("anchors")
    shapes = {spec.name: spec.shape for spec in (*manifest.inputs, *manifest.outputs)}
    count = shapes.get("aligned", (FACES, 0, 3))[1]
    identity = shapes.get("identity", (FACES, 0))[-1]
    is_listed = isinstance(anchors, list) and all(type(a) is int and 0 <= a < int(count) for a in anchors)
    if not isinstance(anchors, list) or not is_listed or not LEAST_ANCHORS <= len(set(anchors)) == len(anchors):
        expected_anchors = f"{LEAST_ANCHORS} or more different landmarks from 0 to {int(count) - 1}"
        raise BundleError(path, "settings.anchors", repr(anchors)[:80], expected_anchors)
    expected: dict[str, tuple[Any, ...]] = {
        "aligned": (FACES, count, 3),
        "turn": (FACES, 3),
        "confidence": (FACES, count),
        "dt": (FACES, 1),
        "identity": (FACES, identity),
        "identity_log_variance": (FACES, identity),
        "expression": (FACES, len(names)),
        "rotation_correction": (FACES, 3),
        "anchors_mm": (FACES, len(anchors), 3),
        "anomaly": (FACES, 1),
    }
    wrong = {name: shapes.get(name) for name, shape in expected.items() if shapes.get(name) != shape}
    if wrong or count not in KNOWN:
        raise BundleError(path, "tensors", wrong or f"{count} landmarks", f"{expected}, landmarks one of {KNOWN}")
    return Basis(
        str(manifest.settings.get("basis", "")),
        str(manifest.settings.get("basis_sha256", "")),
        names,
        int(identity),
        tuple(anchors),
        Topology(count),
    )


LARGEST = {
    "identity": 10.0,
    "identity_log_variance": 20.0,
    "expression": 2.0,
    "rotation_correction": 1.6,
    "anchors_mm": 400.0,
    "anomaly": float(np.finfo(np.float32).max),
}
"""What no sound answer exceeds."""


def is_sound(outputs: Arrays, row: int) -> bool:
    """Whether what a network said of a face can be meant."""
    return all(np.maximum.reduce(np.abs(outputs[name][row]), axis=None) <= most for name, most in LARGEST.items())

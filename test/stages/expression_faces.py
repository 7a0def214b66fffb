"""Faces whose expression is known, and bundles of expression networks: with random weights, or that tell what rises."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from face1d_ros.config import ExpressionConfig
from face1d_ros.engines.bundle import MANIFEST
from face1d_ros.geometry.expression_features import feature_names
from face1d_ros.stages.expression import ExpressionStage
from face1d_ros.types import FaceExpressionArray, FaceMesh, FaceMeshArray, Header

BEGIN_NS = 1_767_225_600_000_000_000
STEP_NS = 33_333_333
FEATURES = ("smile", "brows", "jawOpen")
LABELS = ("neutral", "happiness", "surprise")
ACTIONS = ("AU12 left", "AU12 right")
REST = (0.1, 0.2, 0.3)
SMILE = (0.8, 0.2, 0.3)
BROWS = (0.1, 0.9, 0.3)
SPREAD = 0.1
Answer = FaceExpressionArray


def settings(given: str = "mesh") -> dict[str, Any]:
    """What a manifest says."""
    features = list(FEATURES if given == "mesh" else feature_names())
    said = {"input": given, "features": features, "spread": [SPREAD] * len(features), "labels": list(LABELS)}
    return said | {"actions": list(ACTIONS), "mesh": "tiny" if given == "mesh" else ""}


def write_expression(folder: Path, given: str = "mesh", family: str = "conv_lstm", **sizes: int) -> Path:
    """Random weights, as a bundle."""
    import torch

    from face1d_ros.train.export import UNTRAINED, untrained, write_files

    said = settings(given)
    torch.manual_seed(2)
    config = {name: len(said[name]) for name in ("features", "labels", "actions")} | {"hidden": 8} | sizes
    network = untrained(family, config | ({"channels": 2} if family == "conv_lstm" else {}))
    network.get_buffer("per_spread").fill_(1.0 / SPREAD)
    write_files(network.eval(), folder, {**UNTRAINED, "settings": said})
    return folder


def with_settings(bundle: Path, folder: Path, **changes: Any) -> Path:
    """A copy of a bundle whose manifest says something else."""
    shutil.copytree(bundle, folder)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    changed = {key: value for key, value in (manifest["settings"] | changes).items() if value is not None}
    (folder / MANIFEST).write_text(json.dumps(manifest | {"settings": changed, "name": folder.name}))
    return folder


def write_telling(folder: Path) -> Path:
    """A network that names a risen smile happiness and risen brows surprise: an onset while one rises, an apex while
    it stays, an offset while it falls. All began just now.
    """
    import torch

    from face1d_ros.nets.expression_baselines import ExpressionLogistic
    from face1d_ros.nets.expression_network import LOOKS, ExpressionConfig
    from face1d_ros.train.export import UNTRAINED, write_files

    count = len(FEATURES)
    network = ExpressionLogistic(ExpressionConfig(count, len(LABELS), len(ACTIONS)))
    network.per_spread.fill_(1.0 / SPREAD)
    look, change = 2 * count * (LOOKS - 1), 2 * count * (LOOKS - 1) + count
    rows = {"neutral": 0, "intensity": 4, "rest": 5, "onset": 6, "apex": 7, "offset": 8, "age": 9, "action": 10}
    with torch.no_grad():
        weight, bias = network.layer.weight.zero_(), network.layer.bias.normal_(std=0.01)
        for place in range(2):
            weight[1 + place, look + place] = 3.0
            weight[rows["intensity"], look + place] = 1.0
            weight[rows["apex"], look + place] = 1.0
            for row, sign in ((rows["onset"], 6.0), (rows["offset"], -6.0)):
                weight[row, look + place], weight[row, change + place] = 0.5, sign
            weight[rows["action"] + place, look] = 1.0
            bias[rows["action"] + place] = -2.0
        for name, value in (("neutral", 6.0), ("intensity", -3.0), ("rest", 3.0), ("age", -20.0)):
            bias[rows[name]] = value
    write_files(network.eval(), folder, {**UNTRAINED, "settings": settings()})
    return folder


def stage_of(bundle: Path, given: str = "mesh", **changes: Any) -> ExpressionStage:
    return ExpressionStage(ExpressionConfig(input=given, model=str(bundle), engine="onnxruntime", **changes))


def frame(index: int, *faces: tuple[int, ArrayLike], ended: Iterable[int] = (), **fields: Any) -> FaceMeshArray:
    """The frame of this number at 30 Hz, of faces by id with their coefficients."""
    shown = tuple(FaceMesh(track_id=key, expression=np.array(values, np.float32)) for key, values in faces)
    given = {"header": Header(BEGIN_NS + index * STEP_NS, "camera"), "expression_names": FEATURES} | fields
    return FaceMeshArray(faces=shown, ended_track_ids=tuple(ended), **given)


def shown_for(*parts: tuple[ArrayLike, int]) -> np.ndarray:
    """(T, F) one after the other for so many frames each, going from one to the next in 8 frames."""
    curves = [np.repeat(np.array([values], np.float64), count, axis=0) for values, count in parts]
    ways = [np.linspace(one[-1], other[0], 10)[1:-1] for one, other in itertools.pairwise(curves)]
    return np.concatenate([part for pair in itertools.zip_longest(curves, ways) for part in pair if part is not None])


def wandering(count: int, seed: int) -> np.ndarray:
    """(T, F) coefficients that change slowly."""
    steps = np.random.default_rng(seed).normal(0.0, 0.05, (count, len(FEATURES)))
    return np.clip(0.4 + np.cumsum(steps, axis=0), 0.0, 1.0)


def answers(stage: ExpressionStage, frames: Iterable[Any]) -> list[Answer]:
    return [stage.process(given) for given in frames]


def values(said: Sequence[Answer], track_id: int = 1) -> np.ndarray:
    """(T, …) all numbers said of a face; NaN counts as equal to itself for numpy's comparisons."""
    rows = []
    for result in said:
        face = next(face for face in result.faces if face.track_id == track_id)
        told = [face.none_probability, face.confidence, face.intensity, face.phase_confidence, face.since_onset_s]
        rows.append([*face.probabilities, *face.actions, *told, float(face.phase)])
    return np.array(rows, np.float64)

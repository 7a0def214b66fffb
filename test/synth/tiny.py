"""A face model of 68 points that needs no file: the canonical face, with shapes that move each a few points.

And corpora made of it, compared.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.topology import indices_in
from face1d_ros.synth.corpus import shard
from face1d_ros.synth.corpus.plans import CorpusPlan
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.corpus.writer import CorpusJob
from face1d_ros.synth.faces.point_model import PointModel
from face1d_ros.synth.motion.units import COEFFICIENTS
from face1d_ros.synth.noise.observe import load_noise_model
from face1d_ros.types import Topology


@cache
def tiny_model() -> PointModel:
    points = 10.0 * canonical_face().points_cm[indices_in(Topology.FACE_68, Topology.MESH_478)]
    rng = np.random.default_rng(0)
    identity = rng.normal(0.0, 1.0, (3, 68, 3))
    expression = np.zeros((len(COEFFICIENTS), 68, 3))
    for shape in expression:
        shape[rng.integers(0, 68, 6)] = rng.normal(0.0, 4.0, (6, 3))
    arrays = (array.astype(np.float32) for array in (points, identity, expression))
    return PointModel(Topology.FACE_68, *arrays, COEFFICIENTS, "tiny", "0" * 64, None)


def tiny_job(**parameters: object) -> CorpusJob:
    given = {"sequences": 5, "seconds": 1.0, "per_subject": 2} | parameters
    return CorpusJob(CorpusPlan(**given), tiny_model(), load_noise_model())  # type: ignore[arg-type]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def assert_same(folder: Path, expected: Path) -> None:
    """The same files, each whole, with the same plans, and values that differ in their last bits at most."""
    assert set(content(folder)) == set(content(expected))
    assert (folder / "manifest.json").read_bytes() == (expected / "manifest.json").read_bytes()
    made, wanted = Corpus(folder, verify=True), Corpus(expected, verify=True)
    assert [sequence.plan for sequence in made] == [sequence.plan for sequence in wanted]
    for one, other in zip(made.shards, wanted.shards, strict=True):
        for field in shard.STORED:
            np.testing.assert_allclose(one.field(field), other.field(field), 1e-3, 1e-4, err_msg=field)

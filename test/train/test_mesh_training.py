"""Training of mesh networks, on a few sequences of ICT-FaceKit's faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from synth.small_face import ICT_PACK
from train.small_corpus import small_corpus

from face1d_ros.errors import CheckpointError, CorpusError
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.faces.model import FaceModel, load_face_model
from face1d_ros.synth.faces.point_model import PointModel, point_model
from face1d_ros.train.checkpoint import save_checkpoint
from face1d_ros.train.loop import Progress, train
from face1d_ros.train.mesh import MeshFrames
from face1d_ros.train.mesh_frames import FrameStream, HeadChanges, frames_of
from face1d_ros.train.mesh_tracks import MeshTracks
from face1d_ros.train.recipe import Recipe
from face1d_ros.train.steadied import RAW_EVERY, SteadiedCorpus

pytestmark = pytest.mark.skipif(not ICT_PACK.is_file(), reason=f"ICT-FaceKit's pack is not at {ICT_PACK}")
UNCHANGED = HeadChanges(0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def face() -> FaceModel:
    return load_face_model(ICT_PACK)


@pytest.fixture(scope="module")
def points(face: FaceModel) -> PointModel:
    return point_model(face)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory, points: PointModel) -> tuple[Corpus, Corpus]:
    made = []
    for split in ("train", "validation"):
        folder = tmp_path_factory.mktemp(split)
        made.append(small_corpus(folder, split, RAW_EVERY, 2.0, points))
    return made[0], made[1]


def recipe(family: str = "curve_cnn", **changes: Any) -> Recipe:
    given = {"steps": 80, "rows": 16, "frames": 8, "judge_every": 80, "rate": 3e-3} | changes
    return Recipe(task="mesh", family=family, **given)


def trained(task: Any, made: Recipe, folder: Path) -> tuple[Any, dict[str, float]]:
    told: list[Progress] = []
    folder.mkdir(exist_ok=True)
    network = train(task, made, folder, told.append)
    assert told[-1].figures is not None
    return network, told[-1].figures


def test_faces_are_read_better_after_a_few_steps_and_followed_with_the_weights_kept(
    corpora: tuple[Corpus, Corpus], points: PointModel, face: FaceModel, tmp_path: Path
):
    frames = MeshFrames.from_corpora(recipe(), *corpora, points, face)
    before = frames.judge(frames.network.eval())
    network, after = trained(frames, recipe(), tmp_path / "frames")
    assert after["mesh_mm"] < 0.8 * before["mesh_mm"]

    path = tmp_path / "network.safetensors"
    save_checkpoint(path, network, {})
    made = recipe("coefficient_lstm", steps=3, judge_every=3, rows=2)
    tracks = MeshTracks.from_corpora(made, path, *corpora, points, face)
    followed, figures = trained(tracks, made, tmp_path / "tracks")
    assert np.isfinite(figures["mesh_mm"]) and np.isfinite(figures["rotation_deg"])
    kept, own = network.state_dict(), followed.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in kept.items())


def test_what_a_batch_holds_follows_from_the_seed_and_its_number(corpora: tuple[Corpus, Corpus], points: PointModel):
    frames = frames_of(corpora[0], points, 5)
    one, same, other = (FrameStream(frames, points, 4, seed) for seed in (1, 1, 2))
    first, again, another = one.next(), same.next(), other.next()
    assert torch.equal(first.inputs["aligned"], again.inputs["aligned"])
    assert not torch.equal(first.inputs["aligned"], another.inputs["aligned"])
    assert not torch.equal(first.inputs["aligned"], one.next().inputs["aligned"])


def test_without_changes_frames_are_as_they_were_measured(corpora: tuple[Corpus, Corpus], points: PointModel):
    frames = frames_of(corpora[0], points, 5)
    batch = FrameStream(frames, points, 8, 1, UNCHANGED).next()
    known = torch.from_numpy(np.concatenate([frames.identity, frames.expression], axis=1))
    nearest = (batch.coefficients[:, None] - known).abs().amax(dim=2).min(dim=1).values
    assert float(nearest.max()) < 1e-5
    # The detector's own error of the head's rotation is all that is left.
    assert 0.0 < float(torch.rad2deg(batch.rotation.norm(dim=1)).mean()) < 15.0


def test_two_of_three_sequences_are_steadied(corpora: tuple[Corpus, Corpus]):
    steadied = SteadiedCorpus(corpora[0])
    alike = [
        np.array_equal(one.observed, corpora[0][index].observed, equal_nan=True) for index, one in enumerate(steadied)
    ]
    assert alike == [False, False, True]
    assert (steadied[0].seen <= corpora[0][0].seen).all()


def test_other_landmarks_and_other_checkpoints_are_refused(
    corpora: tuple[Corpus, Corpus], points: PointModel, face: FaceModel, tmp_path: Path
):
    (tmp_path / "small").mkdir()
    with pytest.raises(CorpusError, match="68 landmarks"):
        MeshFrames.from_corpora(recipe(), small_corpus(tmp_path / "small"), corpora[1], points, face)
    transformer = MeshFrames.from_corpora(recipe("curve_transformer"), *corpora, points, face).network
    path = tmp_path / "network.safetensors"
    save_checkpoint(path, transformer, {})
    with pytest.raises(CheckpointError, match="curve_cnn"):
        MeshTracks.from_corpora(recipe("coefficient_lstm"), path, *corpora, points, face)

"""Which bundles may look at a face, what they are given, and what becomes of their answers."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stages.appearance_bundles import (
    DIMENSION,
    portrait,
    write_aggregator,
    write_embedder,
    write_features,
)

from face1d_ros.engines.bundle import load_bundle
from face1d_ros.engines.manifest import TensorSpec
from face1d_ros.errors import BundleError, EngineError, InvalidValueError
from face1d_ros.stages import appearance_model
from face1d_ros.stages.appearance_aggregator import MeanAggregator, RunningMean, make_aggregator
from face1d_ros.stages.appearance_model import FaceEmbedder, FeatureReader, make_embedder, make_feature_reader
from face1d_ros.types import FloatArray

CPU = "onnxruntime"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_embedder(tmp_path_factory.mktemp("bundles") / "projection")


def crop(person: int) -> Any:
    return portrait(person)[100:212, 200:312]


def unit(*rows: list[float]) -> FloatArray:
    found = np.zeros((len(rows), DIMENSION), np.float32)
    found[:, : len(rows[0])] = rows
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_vectors_of_any_length_come_out_with_length_one_and_tell_two_people_apart(bundle: Path) -> None:
    with closing(make_embedder(str(bundle), CPU)) as embedder:
        ada, again, bob = (embedder.embed(crop(person)) for person in (1, 1, 2))
    assert ada.shape == (DIMENSION,) and np.linalg.norm(ada) == pytest.approx(1.0, abs=1e-6)
    assert ada @ again == pytest.approx(1.0, abs=1e-6) and abs(ada @ bob) < 0.5


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"channels": "rgb", "mean": 0.0, "scale": 1.0}, [10.0, 20.0, 30.0]),
        ({"channels": "bgr", "mean": 0.0, "scale": 1.0}, [30.0, 20.0, 10.0]),
        ({"channels": "rgb", "mean": 127.5, "scale": 1 / 128}, [-117.5 / 128, -107.5 / 128, -97.5 / 128]),
        ({"channels": "bgr", "mean": [30, 20, 10], "scale": [1, 2, 3]}, [0.0, 0.0, 0.0]),
        ({"channels": "rgb", "mean": [0, 0, 10], "scale": [1, 2, 3]}, [10.0, 40.0, 60.0]),
    ],
)
def test_pixels_become_the_numbers_that_the_manifest_says(
    tmp_path: Path, settings: dict[str, Any], expected: list[float]
) -> None:
    reader = FeatureReader(load_bundle(write_features(tmp_path / "features", settings=settings)), CPU, "")
    colour = np.broadcast_to(np.array([10, 20, 30], np.uint8), (112, 112, 3))
    with closing(reader):
        reader.features(colour)
        given = reader._runner.begin(0, [1])["image"][0]
    np.testing.assert_allclose(given[:, 5, 7], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"task": "identity"}, "task: got 'identity', expected 'face_embedding'"),
        ({"settings": {"channels": "RGB"}}, "settings.channels: got 'RGB', expected one of rgb, bgr"),
        ({"settings": {"channels": None}}, "settings.channels"),
        ({"settings": {"mean": "127"}}, "settings.mean: got '127', expected a number"),
        ({"settings": {"mean": [1, 2]}}, "settings.mean"),
        ({"settings": {"mean": 10**400}}, "settings.mean"),
        ({"settings": {"scale": [1, 1e39, 1]}}, "settings.scale"),
        ({"settings": {"scale": [1, 1, 0]}}, "settings.scale.*no 0"),
        ({"settings": {"scale": True}}, "settings.scale"),
        ({"settings": {"operating_points": None}}, "settings.operating_points"),
        ({"settings": {"operating_points": [[0.1, 0.2], [0.01, 10**400]]}}, "settings.operating_points"),
    ],
)
def test_an_embedder_that_says_too_little_or_something_else_is_refused(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    folder = write_embedder(tmp_path / "odd", **changes)
    with pytest.raises(BundleError, match=says):
        FaceEmbedder(load_bundle(folder), CPU, "")
    with pytest.raises(InvalidValueError, match=r"appearance_model: .*a model that can be loaded"):
        make_embedder(str(folder), CPU)


def test_one_that_takes_no_crop_or_gives_no_vector_is_refused(tmp_path: Path, bundle: Path) -> None:
    features = load_bundle(write_features(tmp_path / "features"))
    with pytest.raises(BundleError, match=r"outputs.*expected embedding float32 \('faces', 2 to 2048\) alone"):
        appearance_model._dimension(features)
    with pytest.raises(BundleError, match=r"outputs.*expected features float32"):
        FeatureReader(load_bundle(bundle), CPU, "")
    there = load_bundle(bundle)
    smaller = (TensorSpec("image", "float32", ("faces", 3, 96, 96), ""),)
    made = dataclasses.replace(there, manifest=dataclasses.replace(there.manifest, inputs=smaller))
    with pytest.raises(BundleError, match=r"inputs: .*expected image float32"):
        FaceEmbedder(made, CPU, "")


def test_a_folder_that_holds_no_bundle_is_told_by_the_settings_name(tmp_path: Path) -> None:
    for make, key in ((make_embedder, "appearance_model"), (make_feature_reader, "features_model")):
        with pytest.raises(InvalidValueError, match=f"{key}: got .*expected the folder of a model bundle"):
            make(str(tmp_path), CPU)


def test_an_answer_of_no_length_is_the_engines_fault(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(make_embedder(str(bundle), CPU)) as embedder:
        for answer in (0.0, np.nan, 1e9):
            monkeypatch.setattr(embedder, "run", lambda _, answer=answer: np.full(DIMENSION, answer, np.float32))
            with pytest.raises(EngineError, match="answers refused"):
                embedder.embed(crop(1))


def test_the_mean_is_that_of_all_views_whatever_their_order(bundle: Path) -> None:
    views = unit([1.0, 0.0], [0.0, 1.0], [1.0, 1.0])
    with closing(make_embedder(str(bundle), CPU)) as embedder:
        mean = make_aggregator("mean", CPU, embedder)
        assert isinstance(mean, MeanAggregator) and mean.name == "projection 1 mean"
        assert mean.points == embedder.points
        np.testing.assert_allclose(mean.of(views)[:2], [2**-0.5, 2**-0.5], atol=1e-6)
        np.testing.assert_allclose(mean.of(views[::-1]), mean.of(views), atol=1e-6)
        with pytest.raises(EngineError):
            mean.of(unit([1.0, 0.0], [-1.0, 0.0]))
    assert RunningMean().value is None


def test_a_learned_aggregator_begins_each_sequence_anew_and_is_named_with_its_embedder(
    tmp_path: Path, bundle: Path
) -> None:
    folder = write_aggregator(tmp_path / "fading")
    with (
        closing(make_embedder(str(bundle), CPU)) as embedder,
        closing(make_aggregator(str(folder), CPU, embedder)) as learned,
    ):
        assert learned.name == "projection 1 fading 1"
        expected = unit([0.5, 1.0])[0]
        np.testing.assert_allclose(learned.of(unit([1.0, 0.0], [0.0, 1.0])), expected, atol=1e-6)
        np.testing.assert_allclose(learned.of(unit([1.0, 0.0], [0.0, 1.0])), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"of": "another 3"}, "settings.embeddings_of: got 'another 3', expected 'projection 1'"),
        ({"dimension": 8}, "tensors"),
        ({"task": "smoothing"}, "task"),
        ({"settings": {"embeddings_of": "projection 1"}}, "settings.operating_points"),
    ],
)
def test_an_aggregator_of_other_vectors_is_refused(
    tmp_path: Path, bundle: Path, changes: dict[str, Any], says: str
) -> None:
    folder = write_aggregator(tmp_path / "odd", **changes)
    with closing(make_embedder(str(bundle), CPU)) as embedder, pytest.raises(InvalidValueError, match=says):
        make_aggregator(str(folder), CPU, embedder)

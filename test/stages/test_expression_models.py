"""Which models the expression stage takes, and what those that are shipped say of synthetic faces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import mesh_faces
import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

from expression_faces import stage_of, with_settings, write_expression

from face1d_ros.config import ExpressionConfig, MeshConfig, SmoothingConfig
from face1d_ros.engines.bundle import load_bundle
from face1d_ros.errors import BundleError, InvalidValueError
from face1d_ros.evaluate.expression import Judged
from face1d_ros.evaluate.expression_tracks import NONE, ExpressionTrack, expression_track, follow
from face1d_ros.stages.expression import ExpressionStage
from face1d_ros.stages.expression_model import DEFAULTS, meaning_of
from face1d_ros.stages.mesh import MeshStage
from face1d_ros.stages.smoothing import SmoothingStage
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set, select
from face1d_ros.synth.motion.types import LABELS, NEUTRAL

HAPPINESS = LABELS.index("happiness")
INPUTS = tuple(DEFAULTS)
FASTEST_HZ = 30.0
"""Of the sequences that are looked at here: for the sake of time."""


@pytest.fixture(scope="module")
def random_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_expression(tmp_path_factory.mktemp("bundles") / "random")


def test_one_of_another_input_is_refused(random_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="a model of input landmarks; this one reads mesh"):
        stage_of(random_bundle, "landmarks")
    landmarks = write_expression(tmp_path / "landmarks", "landmarks", "expression_logistic")
    with pytest.raises(InvalidValueError, match="a model of input mesh; this one reads landmarks"):
        stage_of(landmarks, "mesh")


def test_one_of_another_task_or_of_no_name_is_refused(tmp_path: Path) -> None:
    mesh = mesh_faces.write_mesh(tmp_path / "mesh")
    with pytest.raises(InvalidValueError, match=r"task.*'mesh'.*'expression'"):
        stage_of(mesh)
    with pytest.raises(InvalidValueError, match=r"one of auto,.*or the folder of a model bundle"):
        stage_of(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"labels": None}, "settings.labels"),
        ({"labels": []}, "settings.labels"),
        ({"labels": "neutral"}, "settings.labels"),
        ({"labels": ["happiness", "surprise", "fear"]}, "settings.labels.*'neutral'"),
        ({"labels": ["neutral", "happiness", "none"]}, "settings.labels.*none of them 'none'"),
        ({"labels": ["neutral", "happiness", "happiness"]}, "settings.labels.*more than once: happiness"),
        ({"features": ["smile", "smile", "jawOpen"]}, "settings.features.*more than once: smile"),
        ({"actions": ["AU12 left", "AU12 left"]}, "settings.actions.*more than once: AU12 left"),
        ({"actions": None}, "settings.actions"),
        ({"actions": ["AU12 left", 12]}, "settings.actions"),
        ({"features": None}, "settings.features"),
        ({"spread": None}, "settings.spread.*3 numbers"),
        ({"spread": [0.1, 0.1]}, "settings.spread.*3 numbers"),
        ({"spread": [0.1, 0.0, 0.1]}, "settings.spread.*above 0"),
        ({"spread": [0.1, "0.1", 0.1]}, "settings.spread.*above 0"),
        ({"spread": 0.1}, "settings.spread"),
        ({"input": None}, "settings.input"),
        ({"input": "pixels"}, "settings.input.*'pixels'"),
        ({"input": "landmarks"}, "settings.features"),
        ({"features": ["smile"], "spread": [0.1]}, "tensors.*features"),
        ({"labels": ["neutral", "fear"]}, "tensors.*labels"),
        ({"actions": ["AU12 left"]}, "tensors.*actions"),
    ],
)
def test_a_manifest_that_says_too_little_is_refused_by_the_key(
    random_bundle: Path, tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    bundle = with_settings(random_bundle, tmp_path / "odd", **changes)
    with pytest.raises(BundleError, match=says):
        meaning_of(load_bundle(bundle))
    with pytest.raises(InvalidValueError, match=f"a model that can be loaded.*{says}"):
        stage_of(bundle)


@pytest.fixture(scope="module")
def tracks() -> dict[str, list[ExpressionTrack]]:
    """Of expressions and of faces that only move their heads, behind the default smoothing and mesh stages."""
    small, found = load_small_test_set(), {}
    with closing(SmoothingStage(SmoothingConfig())) as smoothing, closing(MeshStage(MeshConfig())) as mesh:
        for block in ("expressions", "idle"):
            slow = [one for one in select(small, block) if one.plan.camera.rate_hz <= FASTEST_HZ]
            found[block] = [expression_track(sequence, smoothing, mesh) for sequence in slow]
    return found


@pytest.fixture(scope="module", params=INPUTS)
def shipped(request: pytest.FixtureRequest) -> Iterator[ExpressionStage]:
    stage = ExpressionStage(ExpressionConfig(input=request.param, engine="onnxruntime"))
    yield stage
    stage.close()


def test_most_expressions_are_read_at_their_apex_and_a_smile_as_happiness(
    shipped: ExpressionStage, tracks: dict[str, list[ExpressionTrack]]
) -> None:
    judged = Judged()
    for track in tracks["expressions"]:
        judged.add(track, follow(shipped, track.inputs[shipped._config.input], track.stamps_s))
    truth, answer = np.array(judged.truth), np.array(judged.answer)
    shown = truth != NEUTRAL
    assert shown.sum() >= 8 and (truth == answer)[shown].mean() > 0.75
    smiles = truth == HAPPINESS
    assert smiles.sum() >= 3 and (answer[smiles] == HAPPINESS).mean() > 0.5
    assert set(answer[smiles]) <= {HAPPINESS, NONE}, "nor as another expression"
    assert (answer == truth)[~shown].mean() > 0.75


def test_faces_at_rest_are_not_told_to_show_anything(
    shipped: ExpressionStage, tracks: dict[str, list[ExpressionTrack]]
) -> None:
    for track in tracks["idle"]:
        found = follow(shipped, track.inputs[shipped._config.input], track.stamps_s)
        assert [event for event in found.events if event.label in LABELS[1:]] == []
        assert (found.label >= 0).mean() > 0.9, "faces are answered"

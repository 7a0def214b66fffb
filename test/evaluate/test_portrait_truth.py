"""The measured noise of the detector itself, which later models must reduce."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("mediapipe", reason="MediaPipe is not installed")

from face1d_ros.evaluate.portrait_truth import VARIANTS, PortraitJudge
from face1d_ros.sources.portrait_imaging import PortraitImaging
from face1d_ros.sources.portrait_motion import Constant

FRAMES = 75
CLEAN, NOISY = VARIANTS[0], VARIANTS[1]


@pytest.fixture(scope="module")
def judge() -> PortraitJudge:
    return PortraitJudge(FRAMES)


@pytest.fixture(scope="module")
def clean(judge: PortraitJudge) -> dict[str, Any]:
    return judge.row(CLEAN)


def test_the_detector_follows_the_portrait_closely(clean: dict[str, Any]) -> None:
    assert clean["variant"] == "clean" and clean["missed"] == 0
    assert 0.2 < clean["nrmse_percent"] < 1.5
    assert 0.1 < clean["nme_percent"] < 1.0
    assert 0.05 < clean["stability_percent"] < 0.4
    assert 0.1 < clean["jitter_px"] < 1.0
    assert abs(clean["lag_frames"]) < 0.4


def test_noise_makes_it_tremble(judge: PortraitJudge, clean: dict[str, Any]) -> None:
    noisy = judge.row(NOISY)
    assert noisy["jitter_px"] > 1.2 * clean["jitter_px"]
    assert noisy["stability_percent"] > 1.2 * clean["stability_percent"]
    assert noisy["sta1_percent"] > 1.2 * clean["sta1_percent"]


def test_where_the_face_is_missed_there_are_no_figures(judge: PortraitJudge) -> None:
    dark = type(CLEAN)("dark", PortraitImaging(light=(Constant(-1.0),)))
    assert judge.row(dark) == {"variant": "dark", "missed": FRAMES}

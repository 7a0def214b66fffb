"""A real detector sees on the portrait what was asked of it, on the asked side, and little else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from face1d_ros.sources.portrait import AnimatedPortrait
from face1d_ros.sources.portrait_motion import Constant, PortraitMotion

face_mesh = pytest.importorskip("mediapipe.python.solutions.face_mesh", reason="MediaPipe is not installed")
Detect = Callable[..., dict[str, float]]

DISTANCES = {
    "right lids": (159, 145),
    "left lids": (386, 374),
    "lips": (13, 14),
    "right brow to eye corner": (105, 133),
    "left brow to eye corner": (334, 362),
    "right mouth corner to nose": (61, 168),
    "left mouth corner to nose": (291, 168),
}
"""Pairs of MediaPipe's points, by the person's own sides."""


@pytest.fixture(scope="module")
def seen() -> Iterator[Detect]:
    """Distances in a pose, relative to those in the photo as it is."""
    with face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True, max_num_faces=1) as mesh:

        def points(pose: dict[str, float]) -> NDArray[np.float64]:
            motion = PortraitMotion(**{name: (Constant(value),) for name, value in pose.items()})
            portrait = AnimatedPortrait(motion=motion)
            found = mesh.process(portrait.image(portrait.truth(0.0))).multi_face_landmarks
            assert found, f"no face in the pose {pose}"
            return np.array([(p.x * 640.0, p.y * 480.0) for p in found[0].landmark])

        def distances(pose: dict[str, float]) -> dict[str, float]:
            p = points(pose)
            pairs = {name: float(np.hypot(*(p[a] - p[b]))) for name, (a, b) in DISTANCES.items()}
            return pairs | {"right corner x": p[168, 0] - p[61, 0], "left corner x": p[291, 0] - p[168, 0]}

        rest = distances({})

        def relative(**pose: float) -> dict[str, float]:
            return {name: value / rest[name] for name, value in distances(pose).items()}

        yield relative


@pytest.mark.parametrize(("side", "other"), [("left", "right"), ("right", "left")])
def test_each_eye_closes_alone(seen: Detect, side: str, other: str) -> None:
    now = seen(**{f"eye_closed_{side}": 1.0})
    assert now[f"{side} lids"] < 0.3
    assert now[f"{other} lids"] == pytest.approx(1.0, abs=0.15)
    assert now["lips"] == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(("side", "other"), [("left", "right"), ("right", "left")])
def test_each_brow_rises_alone(seen: Detect, side: str, other: str) -> None:
    now = seen(**{f"brow_{side}": 1.0})
    assert now[f"{side} brow to eye corner"] > 1.07
    assert now[f"{other} brow to eye corner"] == pytest.approx(1.0, abs=0.04)


@pytest.mark.parametrize(("side", "other"), [("left", "right"), ("right", "left")])
def test_each_mouth_corner_smiles_alone(seen: Detect, side: str, other: str) -> None:
    now = seen(**{f"smile_{side}": 1.0})
    assert now[f"{side} corner x"] > 1.1
    assert now[f"{other} corner x"] == pytest.approx(1.0, abs=0.07)
    assert now[f"{side} mouth corner to nose"] < 1.0, "up"


def test_the_mouth_opens_and_shuts(seen: Detect) -> None:
    gaps = [seen(jaw=jaw)["lips"] for jaw in (0.25, 0.5, 1.0)]
    assert 1.2 < gaps[0] < gaps[1] < gaps[2]
    assert gaps[2] > 2.5
    assert seen(lips_closed=1.0)["lips"] < 0.1
    assert seen(lips_closed=1.0, smile_left=-0.7, smile_right=-0.7)["lips"] < 0.1

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from face1d_ros.geometry.opening import openings
from face1d_ros.sources.portrait import AnimatedPortrait
from face1d_ros.sources.portrait_motion import Constant, PortraitMotion

mediapipe = pytest.importorskip("mediapipe", reason="MediaPipe is not installed")

WIDTH, HEIGHT = 640, 480
OPEN, SHUT = 0.1, 0.08
"""The detector reports of a shut eye 0.04 to 0.05 and of shut lips 0.005, of open ones 0.16 and more."""


@pytest.fixture(scope="module")
def face_mesh() -> Iterator[Any]:
    with mediapipe.solutions.face_mesh.FaceMesh(refine_landmarks=True, static_image_mode=True) as detector:
        yield detector


def measured(face_mesh: Any, **channels: float) -> np.ndarray:
    """(3,) right eye, left eye, mouth, as the detector sees the portrait with these channels held."""
    motion = PortraitMotion(**{name: (Constant(value),) for name, value in channels.items()})
    (frame,) = AnimatedPortrait(width=WIDTH, height=HEIGHT, length=1, motion=motion).frames()
    (found,) = face_mesh.process(np.ascontiguousarray(frame.image)).multi_face_landmarks
    return openings(np.array([[p.x * WIDTH, p.y * HEIGHT, p.z * WIDTH] for p in found.landmark]))


@pytest.mark.parametrize("part", range(3))
def test_each_part_shuts_alone(face_mesh: Any, part: int) -> None:
    channel = ("eye_closed_right", "eye_closed_left", "lips_closed")[part]
    found = measured(face_mesh, **{channel: 1.0})
    assert found[part] < SHUT
    assert np.delete(found, part).min() > OPEN


def test_all_are_open_in_the_photo_and_the_jaw_opens_the_mouth_further(face_mesh: Any) -> None:
    still, wide = measured(face_mesh), measured(face_mesh, jaw=1.0)
    assert still.min() > OPEN
    assert wide[2] > 2.0 * still[2]
    np.testing.assert_allclose(wide[:2], still[:2], atol=0.05)

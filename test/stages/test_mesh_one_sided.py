"""The shipped mesh network keeps what one half of a face does apart from the other."""

from __future__ import annotations

import numpy as np
import pytest
from synth.small_face import ICT_PACK

from face1d_ros.config import MeshConfig
from face1d_ros.geometry.camera_model import Camera
from face1d_ros.stages.mesh import MeshStage
from face1d_ros.synth.camera import CameraPlan, project
from face1d_ros.synth.faces.model import load_face_model
from face1d_ros.synth.faces.point_model import PointModel, point_model
from face1d_ros.synth.sequence import placed
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, Header, Topology, TrackState

PLAN = CameraPlan()
CAMERA = Camera(PLAN.width, PLAN.height, (PLAN.focal_px, PLAN.focal_px), (PLAN.centre_x_px, PLAN.centre_y_px))
STRENGTH = 0.8
FRAMES = 10
SIDES = ("_L", "_R")


pytestmark = pytest.mark.skipif(not ICT_PACK.is_file(), reason=f"ICT-FaceKit's pack is not at {ICT_PACK}")


@pytest.fixture(scope="module")
def points() -> PointModel:
    return point_model(load_face_model(ICT_PACK))


def read_of(points: PointModel, name: str, yaw_rad: float) -> dict[str, float]:
    """Coefficients that the stage reads of a face that does one thing alone, by name."""
    expression = np.zeros((1, len(points.expression_names)), np.float32)
    expression[0, points.expression_index(name)] = STRENGTH
    identity = np.random.default_rng(3).standard_normal(len(points.identity_mm)).astype(np.float32)
    turn, place = np.array([[yaw_rad, 0.0, 0.0]], np.float32), np.array([[0.0, 0.0, 600.0]], np.float32)
    seen = project(placed(points.shape(identity, expression), turn, place), PLAN)[0]
    stage = MeshStage(MeshConfig())
    stage.set_camera(CAMERA)
    face = FaceLandmarks(track_id=1, state=TrackState.MEASURED, confidence=0.9, points=seen, topology=Topology.MESH_478)
    for index in range(FRAMES):
        given = FaceLandmarksArray(Header(10**9 + index * 33_000_000, "camera"), PLAN.width, PLAN.height, (face,))
        result = stage.process(given)
    stage.close()
    return dict(zip(result.expression_names, result.faces[0].expression.tolist(), strict=True))


@pytest.mark.parametrize("yaw_rad", [-0.3, 0.0, 0.3])
@pytest.mark.parametrize("kind", ["mouthSmile", "eyeBlink"])
def test_a_one_sided_smile_or_wink_stays_on_its_side(points: PointModel, kind: str, yaw_rad: float):
    for side, other in (SIDES, SIDES[::-1]):
        read = read_of(points, kind + side, yaw_rad)
        assert read[kind + side] > 0.6 * STRENGTH
        assert read[kind + other] < 0.3 * read[kind + side]

"""Bad input through the mesh stage: nothing unsound comes out, nothing grows, and good frames are good at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from mesh_faces import BEGIN_NS, camera_of, frame, frame_of, seen, write_mesh

from face1d_ros.config import MeshConfig
from face1d_ros.convert.bag import to_bytes
from face1d_ros.stages.mesh import MeshStage
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set, select
from face1d_ros.synth.sequence import Sequence
from face1d_ros.types import FaceLandmarksArray, FaceMesh

FRAMES = 30
STEP_NS = 33_333_333
AFTER_NS = BEGIN_NS + 10**15
Spoil = Callable[[FaceLandmarksArray, int], FaceLandmarksArray]


def with_points(change: Callable[[np.ndarray, np.random.Generator], None]) -> Spoil:
    def spoil(given: FaceLandmarksArray, index: int) -> FaceLandmarksArray:
        points = given.faces[0].points.copy()
        change(points, np.random.default_rng(index))
        return dataclasses.replace(given, faces=(dataclasses.replace(given.faces[0], points=points),))

    return spoil


def with_fields(**fields: object) -> Spoil:
    return lambda given, _: dataclasses.replace(given, faces=(dataclasses.replace(given.faces[0], **fields),))


def at(stamp_ns: Callable[[int], int]) -> Spoil:
    return lambda given, index: dataclasses.replace(
        given, header=dataclasses.replace(given.header, stamp_ns=stamp_ns(index))
    )


def _one(value: float) -> Spoil:
    return with_points(lambda points, rng: points.__setitem__((rng.integers(478), rng.integers(3)), value))


def _all(factor: float, noise_px: float = 0.0) -> Spoil:
    return with_points(
        lambda points, rng: np.copyto(points, points * factor + rng.normal(0.0, 1.0, points.shape) * noise_px)
    )


def _many(given: FaceLandmarksArray, index: int) -> FaceLandmarksArray:
    faces = [dataclasses.replace(given.faces[0], track_id=1 + number % 9) for number in range(index % 14)]
    return dataclasses.replace(given, faces=tuple(faces))


SPOILED: dict[str, Spoil] = {
    "nan": _one(np.nan),
    "infinite": _one(np.inf),
    "huge": _one(3e38),
    "nearly a point": _all(1e-5),
    "noise": _all(0.0, 300.0),
    "frozen": lambda given, _: given,
    "one stamp": at(lambda _: BEGIN_NS + 10**12),
    "backward": at(lambda index: BEGIN_NS + 10**12 - index * STEP_NS),
    "to and fro": at(lambda index: BEGIN_NS + 10**12 * (index % 2) + index * STEP_NS),
    "no id": with_fields(track_id=0),
    "no confidence": with_fields(confidence=np.nan),
    "confidence beyond 1": with_fields(confidence=7.0),
    "many faces and ids twice": _many,
    "no image size": lambda given, _: dataclasses.replace(given, image_width=0, image_height=0),
}


@pytest.fixture(scope="module")
def sequence() -> Sequence:
    return select(load_small_test_set(), "mesh")[0]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, sequence: Sequence) -> Iterator[MeshStage]:
    bundle = write_mesh(tmp_path_factory.mktemp("mesh") / "tiny_mesh")
    stage = MeshStage(MeshConfig(model=str(bundle), engine="onnxruntime"))
    stage.set_camera(camera_of(sequence))
    yield stage
    stage.close()


def is_sound(mesh: FaceMesh) -> bool:
    """Coefficients are finite and within bounds; a pose is whole and plausible, or unknown and of no quality."""
    coefficients = (mesh.identity, mesh.identity_stddev, mesh.expression)
    pose = np.concatenate([mesh.pose.position, mesh.pose.orientation, [mesh.scale, mesh.residual_px]])
    known = bool(np.isfinite(pose).all())
    return (
        all(np.isfinite(values).all() for values in coefficients)
        and bool(((mesh.expression >= 0.0) & (mesh.expression <= 1.0)).all())
        and (known or (bool(np.isnan(pose).all()) and mesh.quality == 0.0))
        and 0.0 <= mesh.quality <= 1.0
        and (not known or 0.03 <= mesh.pose.position[2] <= 50.0)
    )


@pytest.mark.parametrize("name", SPOILED)
def test_nothing_unsound_comes_out_and_the_next_good_frame_is_good(stage: MeshStage, sequence: Sequence, name: str):
    stage.reset()
    good = [frame(sequence, index) for index in seen(sequence)[:FRAMES]]
    for index in range(FRAMES):
        given = good[0] if name == "frozen" else good[index % len(good)]
        stamped = at(lambda i: BEGIN_NS + i * STEP_NS)(given, index)
        result = stage.process(SPOILED[name](stamped, index))
        assert all(map(is_sound, result.faces)), result.faces
        assert to_bytes(result)
    assert len(stage._tracks) <= 9
    (mesh,) = stage.process(at(lambda _: AFTER_NS)(good[0], 0)).faces
    assert mesh.expression.size and mesh.identity_frames == 1 and np.isfinite(mesh.pose.position).all()


def test_what_is_like_no_head_says_nothing_about_the_person(stage: MeshStage, sequence: Sequence):
    stage.reset()
    first, second, third = (frame(sequence, index) for index in seen(sequence)[:3])
    (before,) = stage.process(first).faces
    (garbage,) = stage.process(SPOILED["noise"](second, 1)).faces
    assert garbage.quality < 0.1 and garbage.identity_frames in (0, 1)
    (after,) = stage.process(third).faces
    assert after.identity_frames == 2 and before.identity_frames == 1
    assert stage.diagnostics()["mesh.like no head"] >= 1


def test_a_face_that_stands_nowhere_has_no_coefficients(stage: MeshStage, sequence: Sequence):
    stage.reset()
    (mesh,) = stage.process(SPOILED["nearly a point"](frame(sequence, int(seen(sequence)[0])), 0)).faces
    assert mesh.expression.size == mesh.identity.size == 0 and mesh.quality == 0.0


def test_frames_without_faces_stay_frames(stage: MeshStage, sequence: Sequence):
    empty = frame_of([], BEGIN_NS, sequence)
    assert stage.process(empty).faces == () and stage.process(empty).header is empty.header

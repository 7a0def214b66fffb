"""Streams of results as a bag would give them, with one face that turns its head and smiles now and then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.topology import to_68
from face1d_ros.graph import EXPRESSION, IDENTITY, LANDMARKS, MESH, SMOOTHING, STAGES
from face1d_ros.replay.bag_writer import BagWriter
from face1d_ros.replay.report.results import Result
from face1d_ros.stages.mesh_pose import quaternion
from face1d_ros.types import (
    FaceAsymmetry,
    FaceExpression,
    FaceExpressionArray,
    FaceExpressionEvent,
    FaceIdentityArray,
    FaceLandmarks,
    FaceLandmarksArray,
    FaceMesh,
    FaceMeshArray,
    Header,
    Phase,
    Pose,
    Side,
    StageInfo,
    Topology,
)

RATE_HZ = 30.0
STEP_NS = 33_333_333
FIRST_NS = 1_700_000_000_000_000_000
LABELS = ("neutral", "happiness")
COEFFICIENTS = ("jawOpen", "mouthSmile_L", "mouthSmile_R")
SMILE_EVERY, SMILE_FRAMES = 90, 30
TO_ROS = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])


@dataclass(frozen=True)
class Stream:
    """How the face moves, and what the stages are like."""

    noise_px: float = 0.5
    smoothed_noise_px: float = 0.1
    track_id: int = 1
    first_ns: int = FIRST_NS
    duration_s: float = 0.004
    dropped_every: int = 0
    """So many frames are received for one that is dropped; 0: none is."""

    def stamp_ns(self, frame: int) -> int:
        return self.first_ns + frame * STEP_NS

    def truth(self, frame: int) -> np.ndarray:
        """(68, 2) px, 128 px wide, moving to and fro."""
        at_px = np.array([320.0 + 20.0 * np.sin(0.1 * frame), 240.0])
        return face_68() * 128.0 + at_px

    def landmarks(self, frame: int, noise_px: float | None = None, **others: Any) -> FaceLandmarksArray:
        """As detected, of one face."""
        noise = self.noise_px if noise_px is None else noise_px
        points = np.zeros((68, 3), np.float32)
        points[:, :2] = self.truth(frame) + np.random.default_rng(frame).normal(0.0, noise, (68, 2))
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        box = np.concatenate([low, high - low]).astype(np.float32)
        face = FaceLandmarks(points, Topology.FACE_68, self.track_id, confidence=0.9, box=box, **others)
        return self.frame(frame, (face,))

    def frame(self, frame: int, faces: tuple[FaceLandmarks, ...], ended: tuple[int, ...] = ()) -> FaceLandmarksArray:
        """With these faces."""
        return FaceLandmarksArray(self.header(frame), 640, 480, faces, ended, self.info("landmarks", frame))

    def header(self, frame: int) -> Header:
        return Header(self.stamp_ns(frame), "camera")

    def info(self, stage: str, frame: int) -> StageInfo:
        dropped = frame // self.dropped_every if self.dropped_every else 0
        return StageInfo(stage, f"{stage} 1", "test", self.duration_s, frame + 1 + dropped, frame + 1, dropped)

    def mesh(self, frame: int) -> FaceMeshArray:
        """Turned to and fro by 20°."""
        yaw = np.radians(20.0 * np.sin(0.1 * frame))
        c, s = np.cos(yaw), np.sin(yaw)
        turn = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
        pose = Pose(np.array([0.0, 0.0, 0.5]), quaternion(turn @ TO_ROS))
        asymmetry = FaceAsymmetry(motion=np.full(5, 0.2, np.float32), overall=0.2, weaker_side=Side.LEFT)
        coefficients = np.array([0.1, 0.2, 0.3], np.float32)
        face = FaceMesh(self.track_id, 0.9, expression=coefficients, pose=pose, residual_px=1.0, asymmetry=asymmetry)
        info = self.info("mesh", frame)
        return FaceMeshArray(self.header(frame), expression_names=COEFFICIENTS, faces=(face,), info=info)

    def expression(self, frame: int) -> FaceExpressionArray:
        """A smile of a second every three seconds, told by events."""
        place = frame % SMILE_EVERY
        smiles = place < SMILE_FRAMES
        phase = Phase.APEX if smiles else Phase.NEUTRAL
        events: tuple[FaceExpressionEvent, ...] = ()
        if place in (0, SMILE_FRAMES):
            header, began_ns = self.header(frame), self.stamp_ns(frame)
            events = (FaceExpressionEvent(header, self.track_id, LABELS[smiles], phase, Phase.UNKNOWN, began_ns, 0.5),)
        likely = np.array([1.0 - smiles, float(smiles)], np.float32)
        face = FaceExpression(self.track_id, LABELS[smiles], 0.9, likely, 0.1, 0.5 * smiles, phase)
        info = self.info("expression", frame)
        return FaceExpressionArray(self.header(frame), LABELS, (), (face,), events=events, info=info)

    def identity(self, frame: int) -> FaceIdentityArray:
        """Nobody was asked for."""
        return FaceIdentityArray(self.header(frame), info=self.info("identity", frame))

    def results(
        self, frames: range, stages: tuple[str, ...] = tuple(spec.stage for spec in STAGES)
    ) -> Iterator[Result]:
        """Of all these stages, frame after frame, recorded 5 ms after their stamps."""
        for frame in frames:
            for stage in stages:
                yield Result(stage, self.value(stage, frame), self.stamp_ns(frame) + 5_000_000)

    def value(self, stage: str, frame: int) -> Any:
        if stage == LANDMARKS.stage:
            return self.landmarks(frame)
        if stage == SMOOTHING.stage:
            return self.landmarks(frame, self.smoothed_noise_px)
        return {MESH.stage: self.mesh, EXPRESSION.stage: self.expression, IDENTITY.stage: self.identity}[stage](frame)


def face_68() -> np.ndarray:
    """(68, 2) of the mean face, one unit wide, around its middle."""
    plane = to_68(canonical_face().points_cm)[:, :2]
    plane = plane - (plane.max(axis=0) + plane.min(axis=0)) / 2.0
    return plane / float(np.ptp(plane, axis=0).max())


def write_bag(path: Path, results: Iterator[Result]) -> Path:
    """A bag of these results."""
    topics = {spec.stage: spec.publishes[0] for spec in STAGES}
    bag = BagWriter(path, tuple(topics.values()))
    for result in results:
        bag.write({topics[result.stage].name: result.value})
    bag.close()
    return path

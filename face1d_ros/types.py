"""What flows between stages.

Every class has the fields of the ROS message of the same name, with numpy arrays in place of flat sequences and
integer nanoseconds in place of times; `face1d_ros.convert` turns one into the other. Units, frames and what
"unknown" looks like are written in `msg/*.msg`. Shapes: N landmarks, K coefficients, L labels, A actions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float32]
NAN = math.nan


def no_values() -> FloatArray:
    """(0,): nothing is known."""
    return np.empty(0, np.float32)


def unknown_values(count: int) -> FloatArray:
    """(count,) of NaN: each value is unknown."""
    return np.full(count, np.nan, np.float32)


class Topology(IntEnum):
    """Which points a landmark array holds. The value is their number."""

    UNKNOWN = 0
    FACE_68 = 68
    MESH_468 = 468
    MESH_478 = 478


class TrackState(IntEnum):
    """Where the landmarks of a face in one frame come from."""

    UNKNOWN = 0
    MEASURED = 1
    BRIDGED = 2


class Side(IntEnum):
    """The person's own weaker side."""

    UNKNOWN = 0
    NONE = 1
    LEFT = 2
    RIGHT = 3


class Phase(IntEnum):
    """Phase of an expression."""

    UNKNOWN = 0
    NEUTRAL = 1
    ONSET = 2
    APEX = 3
    OFFSET = 4


class Decision(IntEnum):
    """Outcome of an identity judgement."""

    UNKNOWN = 0
    NOT_ENOUGH_MOTION = 1
    VERIFIED = 2
    REJECTED = 3
    NO_MATCH = 4
    LOCKED_OUT = 5


class Factor(IntFlag):
    """What an identity decision rests on."""

    NONE = 0
    MOTION = 1
    APPEARANCE = 2


@dataclass(frozen=True, eq=False)
class Header:
    """Whose frame it is, and when. Taken over unchanged from the image by every stage."""

    stamp_ns: int = 0
    frame_id: str = ""


@dataclass(frozen=True, eq=False)
class Frame:
    """One image, as only the landmark stage sees it."""

    header: Header
    image: NDArray[np.uint8]
    """(height, width, 3) RGB; may be a read-only view of the message it came in."""


@dataclass(frozen=True, eq=False)
class StageInfo:
    """What a stage says about itself and its work."""

    stage: str = ""
    model: str = ""
    engine: str = ""
    duration_s: float = NAN
    received: int = 0
    used: int = 0
    dropped: int = 0


@dataclass(frozen=True, eq=False)
class FaceLandmarks:
    """Landmarks of one face in pixels."""

    points: FloatArray = field(default_factory=lambda: np.empty((0, 3), np.float32), metadata={"columns": 3})
    """(N, 3) x y z."""
    topology: Topology = Topology.UNKNOWN
    track_id: int = 0
    state: TrackState = TrackState.UNKNOWN
    confidence: float = NAN
    point_confidence: FloatArray = field(default_factory=no_values)
    """(N,) or (0,)."""
    blendshapes: FloatArray = field(default_factory=no_values)
    """(52,) or (0,)."""
    box: FloatArray = field(default_factory=lambda: unknown_values(4))
    """(4,) x y width height."""
    tracked_s: float = NAN
    delay_s: float = 0.0


@dataclass(frozen=True, eq=False)
class FaceLandmarksArray:
    """Landmarks of all faces of one frame."""

    header: Header = Header()
    image_width: int = 0
    image_height: int = 0
    faces: tuple[FaceLandmarks, ...] = ()
    ended_track_ids: tuple[int, ...] = ()
    info: StageInfo = StageInfo()


@dataclass(frozen=True, eq=False)
class FaceAsymmetry:
    """Left/right difference of one face: brow, eye, nose, cheek, mouth, and overall."""

    position: FloatArray = field(default_factory=lambda: unknown_values(5))
    """(5,) by region."""
    motion: FloatArray = field(default_factory=lambda: unknown_values(5))
    """(5,) by region."""
    overall: float = NAN
    weaker_side: Side = Side.UNKNOWN
    confidence: float = NAN


@dataclass(frozen=True, eq=False)
class Pose:
    """A rigid pose: position in metres and a unit quaternion."""

    position: NDArray[np.float64] = field(default_factory=lambda: np.full(3, np.nan))
    """(3,) x y z."""
    orientation: NDArray[np.float64] = field(default_factory=lambda: np.full(4, np.nan))
    """(4,) x y z w."""


@dataclass(frozen=True, eq=False)
class FaceMesh:
    """3D model coefficients and head pose of one face."""

    track_id: int = 0
    quality: float = NAN
    identity: FloatArray = field(default_factory=no_values)
    """(K,) standard deviations."""
    identity_stddev: FloatArray = field(default_factory=no_values)
    """(K,) or (0,)."""
    identity_frames: int = 0
    expression: FloatArray = field(default_factory=no_values)
    """(K,) in the array's order of names."""
    pose: Pose = field(default_factory=Pose)
    scale: float = NAN
    residual_px: float = NAN
    anomaly: float = NAN
    intrinsics_assumed: bool = False
    asymmetry: FaceAsymmetry = field(default_factory=FaceAsymmetry)


@dataclass(frozen=True, eq=False)
class FaceMeshArray:
    """3D coefficients of all faces of one frame."""

    header: Header = Header()
    basis: str = ""
    basis_sha256: str = ""
    expression_names: tuple[str, ...] = ()
    faces: tuple[FaceMesh, ...] = ()
    ended_track_ids: tuple[int, ...] = ()
    info: StageInfo = StageInfo()


@dataclass(frozen=True, eq=False)
class FaceReading:
    """Landmarks and coefficients of the same frame, for a stage that reads both; no message of its own."""

    header: Header
    landmarks: FaceLandmarksArray
    mesh: FaceMeshArray

    @classmethod
    def of(cls, landmarks: FaceLandmarksArray, mesh: FaceMeshArray) -> FaceReading:
        """With the header that both have."""
        return cls(landmarks.header, landmarks, mesh)

    @property
    def faces(self) -> tuple[FaceLandmarks, ...]:
        """With their landmarks."""
        return self.landmarks.faces

    @property
    def ended_track_ids(self) -> tuple[int, ...]:
        """Of the frame."""
        return self.landmarks.ended_track_ids

    def mesh_of(self, track_id: int) -> FaceMesh | None:
        """Coefficients of a face; None where it has none."""
        return next((face for face in self.mesh.faces if face.track_id == track_id), None)


@dataclass(frozen=True, eq=False)
class FaceExpression:
    """Expression of one face."""

    track_id: int = 0
    label: str = ""
    confidence: float = NAN
    probabilities: FloatArray = field(default_factory=no_values)
    """(L,) or (0,)."""
    none_probability: float = NAN
    intensity: float = NAN
    phase: Phase = Phase.UNKNOWN
    phase_confidence: float = NAN
    since_onset_s: float = NAN
    actions: FloatArray = field(default_factory=no_values)
    """(A,) or (0,)."""


@dataclass(frozen=True, eq=False)
class FaceExpressionEvent:
    """A phase of an expression begins."""

    header: Header = Header()
    track_id: int = 0
    label: str = ""
    phase: Phase = Phase.UNKNOWN
    previous_phase: Phase = Phase.UNKNOWN
    began_ns: int = 0
    intensity: float = NAN


@dataclass(frozen=True, eq=False)
class FaceExpressionArray:
    """Expressions of all faces of one frame."""

    header: Header = Header()
    labels: tuple[str, ...] = ()
    action_names: tuple[str, ...] = ()
    faces: tuple[FaceExpression, ...] = ()
    ended_track_ids: tuple[int, ...] = ()
    events: tuple[FaceExpressionEvent, ...] = ()
    info: StageInfo = StageInfo()


@dataclass(frozen=True, eq=False)
class FaceIdentity:
    """Identity decision for one face."""

    track_id: int = 0
    decision: Decision = Decision.UNKNOWN
    subject: str = ""
    claimed: bool = False
    score: float = NAN
    threshold: float = NAN
    margin: float = NAN
    false_match_rate: float = NAN
    factors: Factor = Factor.NONE
    template_age_s: float = NAN
    judged_from_ns: int = 0
    judged_to_ns: int = 0


@dataclass(frozen=True, eq=False)
class FaceIdentityArray:
    """Identity decisions for all faces of one frame."""

    header: Header = Header()
    faces: tuple[FaceIdentity, ...] = ()
    ended_track_ids: tuple[int, ...] = ()
    info: StageInfo = StageInfo()


@dataclass(frozen=True, eq=False)
class Subject:
    """One enrolled subject, as the gallery lists it."""

    handle: str = ""
    templates: int = 0
    enrolled_ns: int = 0
    expires_ns: int = 0
    consented_ns: int = 0
    algorithm: str = ""
    damaged: bool = False

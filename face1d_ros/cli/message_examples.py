"""One example of every topic, service and action, for docs/messages.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from face1d_ros.types import (
    Decision,
    FaceAsymmetry,
    FaceExpression,
    FaceExpressionArray,
    FaceExpressionEvent,
    FaceIdentity,
    FaceIdentityArray,
    FaceLandmarks,
    FaceLandmarksArray,
    FaceMesh,
    FaceMeshArray,
    Factor,
    Header,
    Phase,
    Pose,
    Side,
    StageInfo,
    Subject,
    Topology,
    TrackState,
)

RECORDED = Path(__file__).with_name("astronaut_face.json")
STAMP_NS = 1_767_225_600_033_333_333
SMILE_BEGAN_NS = STAMP_NS - 66_666_667
HEADER = Header(STAMP_NS, "camera_optical_frame")
HANDLE = "5f0c9e2ab1d74c38"
ENROLLED_NS = 1_764_547_200_000_000_000


def landmarks() -> FaceLandmarksArray:
    """What MediaPipe found on the astronaut photo."""
    record = json.loads(RECORDED.read_text(encoding="utf-8"))
    points = np.array(record["points"], np.float32)
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    face = FaceLandmarks(
        points=points,
        topology=Topology.MESH_478,
        track_id=1,
        state=TrackState.MEASURED,
        confidence=record["confidence"],
        box=np.concatenate([low, high - low]),
        tracked_s=0.0,
    )
    info = StageInfo("landmarks", record["model"], "mediapipe-cpu", record["duration_s"], received=1, used=1)
    return FaceLandmarksArray(HEADER, record["image_width"], record["image_height"], (face,), (), info)


def mesh() -> FaceMeshArray:
    """A face with an open mouth, a little weaker on its left."""
    face = FaceMesh(
        track_id=1,
        quality=0.91,
        identity=_floats(0.42, -1.13, 0.07, 0.88),
        identity_stddev=_floats(0.11, 0.13, 0.2, 0.24),
        identity_frames=90,
        expression=_floats(0.61, 0.2, 0.34),
        pose=Pose(np.array([0.012, -0.034, 0.62]), np.array([0.5, 0.5, -0.5, 0.5])),
        scale=890.3,
        residual_px=0.74,
        anomaly=0.4,
        intrinsics_assumed=True,
        asymmetry=FaceAsymmetry(
            _floats(-0.03, 0.01, 0.0, -0.05, -0.26),
            _floats(-0.02, 0.02, 0.01, -0.04, -0.21),
            0.19,
            Side.LEFT,
            0.83,
        ),
    )
    names = ("jawOpen", "mouthSmile_L", "mouthSmile_R")
    return FaceMeshArray(HEADER, "example-basis 1", "0" * 64, names, (face,), (), _info("mesh"))


def expression() -> FaceExpressionArray:
    """A smile that has begun."""
    face = FaceExpression(
        track_id=1,
        label="happiness",
        confidence=0.87,
        probabilities=_floats(0.87, 0.06),
        none_probability=0.07,
        intensity=0.2,
        phase=Phase.ONSET,
        phase_confidence=0.92,
        since_onset_s=(STAMP_NS - SMILE_BEGAN_NS) * 1e-9,
        actions=_floats(0.02, 0.22, 0.2),
    )
    actions = ("AU26 jaw drop", "AU12 lip corner puller left", "AU12 lip corner puller right")
    return FaceExpressionArray(
        HEADER, ("happiness", "surprise"), actions, (face,), (), (expression_event(),), _info("expression")
    )


def expression_event() -> FaceExpressionEvent:
    """The beginning of that smile."""
    return FaceExpressionEvent(HEADER, 1, "happiness", Phase.ONSET, Phase.NEUTRAL, SMILE_BEGAN_NS, 0.12)


def identity() -> FaceIdentityArray:
    """A claimed subject, verified."""
    face = FaceIdentity(
        track_id=1,
        decision=Decision.VERIFIED,
        subject=HANDLE,
        claimed=True,
        score=0.82,
        threshold=0.61,
        margin=0.35,
        false_match_rate=0.001,
        factors=Factor.MOTION,
        template_age_s=2_678_400.0,
        judged_from_ns=STAMP_NS - 2_000_000_000,
        judged_to_ns=STAMP_NS,
    )
    return FaceIdentityArray(HEADER, (face,), (), _info("identity"))


def subject() -> Subject:
    """One record of the gallery."""
    return Subject(HANDLE, 3, ENROLLED_NS, ENROLLED_NS + 365 * 86_400 * 10**9, ENROLLED_NS, "motion 1")


TOPIC_EXAMPLES = {
    "FaceLandmarksArray": landmarks,
    "FaceMeshArray": mesh,
    "FaceExpressionArray": expression,
    "FaceExpressionEvent": expression_event,
    "FaceIdentityArray": identity,
}

# By interface, one dictionary of fields for each part.
REQUEST_EXAMPLES: dict[str, tuple[dict[str, Any], ...]] = {
    "VerifySubject": (
        {"subject": HANDLE, "track_id": 0, "timeout_s": 5.0},
        {"accepted": True, "track_id": 1},
    ),
    "IdentifySubject": (
        {"track_id": 0, "timeout_s": 0.0},
        {"accepted": False, "message": "no face is tracked; look at the camera"},
    ),
    "ListSubjects": ({}, {"subjects": [subject()]}),
    "ForgetSubject": ({"subject": HANDLE}, {"success": True, "templates_removed": 3}),
    "RevokeGallery": ({"confirm": "revoke"}, {"success": True, "subjects_revoked": 4}),
    "EnrollSubject": (
        {"consent": True, "consent_text": "I agree …", "repetitions": 3, "timeout_s": 60.0},
        {"success": True, "subject": HANDLE, "templates": 3, "quality": 0.88},
        {
            "state": 2,
            "captured": 1,
            "repetitions": 3,
            "quality": 0.9,
            "hint": "the same again",
            "track_id": 1,
        },
    ),
}


def _info(stage: str) -> StageInfo:
    return StageInfo(stage, "example 1", "onnxruntime-cpu", 0.0008, received=91, used=90, dropped=1)


def _floats(*values: float) -> Any:
    return np.array(values, np.float32)

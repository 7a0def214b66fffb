"""Sees in the results, frame by frame, that something worth a picture happens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from face1d_ros.graph import EXPRESSION_RESULT, IDENTITY_RESULT, LANDMARKS_RAW, LANDMARKS_SMOOTHED, MESH_RESULT
from face1d_ros.replay.report.heads import head_turn
from face1d_ros.types import Decision, FaceIdentity, FaceLandmarksArray, Phase

LEAST_TURN_DEG, FURTHER_DEG = 15.0, 5.0
"""A head turned less tells nothing; a further turn counts when it is so much further."""
UNSPOKEN = ("", "neutral", "none")
"""Labels that name no expression."""
DECIDED = {
    Decision.VERIFIED: "is verified",
    Decision.REJECTED: "is rejected",
    Decision.NO_MATCH: "matches nobody",
    Decision.LOCKED_OUT: "is locked out",
}


@dataclass(frozen=True)
class Event:
    """Something that is worth a picture."""

    kind: str
    caption: str
    weight: float | None = None
    """Of several of a kind those of the largest weight are kept; None: any of them, spread over time."""


class Watch:
    """What was seen so far; as much as there are faces at once."""

    def __init__(self) -> None:
        self._newest_id = 0
        self._most = 1
        self._turned_deg = LEAST_TURN_DEG - FURTHER_DEG
        self._present: set[int] = set()
        self._missing: set[int] = set()
        self._judged: dict[int, list[int]] = {}

    def see(self, values: Mapping[str, Any]) -> list[Event]:
        """What begins with this frame; `values` are its results by topic."""
        found: list[Event] = []
        landmarks = values.get(LANDMARKS_RAW.name) or values.get(LANDMARKS_SMOOTHED.name)
        if landmarks is not None:
            found += self._faces(landmarks)
        if expression := values.get(EXPRESSION_RESULT.name):
            found += [_apex(event) for event in expression.events if event.phase is Phase.APEX]
        if mesh := values.get(MESH_RESULT.name):
            found += self._turns(mesh)
        if identity := values.get(IDENTITY_RESULT.name):
            found += self._decisions(identity)
        return found

    def state(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "newest_id": self._newest_id,
            "most": self._most,
            "turned_deg": self._turned_deg,
            "present": sorted(self._present),
            "missing": sorted(self._missing),
            "judged": [[track_id, *told] for track_id, told in self._judged.items()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._newest_id, self._most = int(state["newest_id"]), int(state["most"])
        self._turned_deg = float(state["turned_deg"])
        self._present, self._missing = set(state["present"]), set(state["missing"])
        self._judged = {track_id: told for track_id, *told in state["judged"]}

    def _faces(self, landmarks: FaceLandmarksArray) -> list[Event]:
        present = {face.track_id for face in landmarks.faces if face.track_id}
        found = [Event("appears", f"face {track_id} appears") for track_id in sorted(present) if self._is_new(track_id)]
        back = sorted(present & self._missing)
        found += [Event("found", f"face {track_id} is found again") for track_id in back]
        gone = self._present - present
        found += [Event("lost", f"face {track_id} is lost") for track_id in sorted(gone)]
        ended = set(landmarks.ended_track_ids)
        self._missing = (self._missing | gone) - present - ended
        for track_id in ended:
            self._judged.pop(track_id, None)
        self._newest_id = max([self._newest_id, *present])
        self._present = present
        if len(landmarks.faces) > self._most:
            self._most = len(landmarks.faces)
            found.append(Event("several", f"{self._most} faces at once", float(self._most)))
        return found

    def _is_new(self, track_id: int) -> bool:
        """Ids of a run go up."""
        return track_id > self._newest_id

    def _turns(self, mesh: Any) -> list[Event]:
        found = []
        for face in mesh.faces:
            turn = head_turn(face.pose.orientation)
            if turn is None:
                continue
            angle_deg = math.degrees(math.acos(min(max(float(turn[2, 2]), -1.0), 1.0)))
            if angle_deg >= self._turned_deg + FURTHER_DEG:
                self._turned_deg = angle_deg
                found.append(Event("turned", f"face {face.track_id} turned by {angle_deg:.0f}°", angle_deg))
        return found

    def _decisions(self, identity: Any) -> list[Event]:
        """Each once, although it stays in the results until the next."""
        found = []
        for face in identity.faces:
            told = [int(face.decision), face.judged_from_ns, face.judged_to_ns]
            if face.decision in DECIDED and self._judged.get(face.track_id) != told:
                self._judged[face.track_id] = told
                found.append(Event("judged", _decided(face)))
        for track_id in identity.ended_track_ids:
            self._judged.pop(track_id, None)
        return found


def _apex(event: Any) -> Event:
    weight = float(event.intensity) if math.isfinite(event.intensity) else 0.0
    label = "an expression" if event.label in UNSPOKEN else event.label
    return Event("apex", f"{label} at its apex, face {event.track_id}", weight)


def _decided(face: FaceIdentity) -> str:
    words = f"face {face.track_id} {DECIDED[face.decision]}"
    return f"{words} as {face.subject}" if face.subject and face.decision is Decision.VERIFIED else words

"""What the tracker knows of one face, and how that is kept."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from face1d_ros.detect.assignment import Points, Shape

PREDICTION_S = 0.5
"""The velocity carries a lost track for so long; then it waits where it is."""
VELOCITY_TIME_S = 0.1
"""Averaging time of the velocity: above the detector's jitter, below a change of direction."""
NS = 1_000_000_000


@dataclass(eq=False)
class Track:
    """What is known of one face."""

    track_id: int
    first_ns: int
    last_ns: int
    shape: Shape
    velocity: tuple[float, float] = (0.0, 0.0)
    """Px/s."""
    updates: int = 1
    seen: bool = True
    """In the last frame."""

    def unseen_ns(self, stamp_ns: int) -> int:
        """How long it was not seen."""
        return stamp_ns - self.last_ns

    def predicted_shift(self, stamp_ns: int) -> tuple[float, float]:
        """How far it will have moved since it was last seen, px."""
        time_s = min(self.unseen_ns(stamp_ns) / NS, PREDICTION_S)
        return self.velocity[0] * time_s, self.velocity[1] * time_s

    def see(self, shape: Shape, stamp_ns: int) -> None:
        """It is there now."""
        elapsed_s = self.unseen_ns(stamp_ns) / NS
        if elapsed_s > 0.0:
            gain = max(elapsed_s / (elapsed_s + VELOCITY_TIME_S), 1.0 / self.updates)
            (x, y), (x_before, y_before), (vx, vy) = shape.centre, self.shape.centre, self.velocity
            vx += gain * ((x - x_before) / elapsed_s - vx)
            vy += gain * ((y - y_before) / elapsed_s - vy)
            self.velocity = vx, vy
            self.updates += 1
        self.shape, self.last_ns, self.seen = shape, stamp_ns, True


def told(track: Track) -> dict[str, Any]:
    """All of it as plain JSON values, from which `track_of` makes the same again to the last bit."""
    return {
        "track_id": track.track_id,
        "first_ns": track.first_ns,
        "last_ns": track.last_ns,
        "points": _text_of(track.shape.points),
        "box": list(track.shape.box),
        "velocity": list(track.velocity),
        "updates": track.updates,
        "seen": track.seen,
    }


def track_of(values: Mapping[str, Any]) -> Track:
    """The track that was told."""
    left, top, right, bottom = values["box"]
    x_px_s, y_px_s = values["velocity"]
    return Track(
        track_id=values["track_id"],
        first_ns=values["first_ns"],
        last_ns=values["last_ns"],
        shape=Shape(_array_of(values["points"]), (left, top, right, bottom)),
        velocity=(x_px_s, y_px_s),
        updates=values["updates"],
        seen=values["seen"],
    )


def _text_of(points: Points) -> dict[str, Any]:
    data = base64.b64encode(np.ascontiguousarray(points).tobytes()).decode()
    return {"dtype": points.dtype.str, "shape": list(points.shape), "base64": data}


def _array_of(values: Mapping[str, Any]) -> Points:
    flat: Points = np.frombuffer(base64.b64decode(values["base64"]), np.dtype(values["dtype"]))
    return flat.reshape(values["shape"])

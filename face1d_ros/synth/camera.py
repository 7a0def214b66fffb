"""The camera of a synthetic sequence: a pinhole, and frames that come when they come."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError, InvalidValueError

Points = NDArray[np.floating[Any]]
RATES_HZ = (10.0, 12.5, 15.0, 20.0, 24.0, 25.0, 30.0, 30.0, 30.0, 48.0, 50.0, 60.0, 60.0, 90.0, 120.0)
"""Common ones stand more than once."""
SIZES_PX = ((640, 480), (640, 360), (960, 540), (1280, 720), (1920, 1080))
FOCAL_PER_WIDTH = (0.55, 1.8)
"""From 85° to 31° of horizontal view."""
CENTRE_SHARE = 0.02
"""The optical axis lies off the image's middle by up to this part of its width."""
JITTER_SHARE, DROP_SHARE = 0.2, 0.1
"""At most, of a frame's time and of the frames."""
LARGEST_JITTER_SHARE = 0.45
"""Two stamps that are moved towards each other by this part of a frame's time keep their order."""
DROPS_AGAIN = 0.5
"""After a dropped frame the next is dropped too with this probability: a busy machine loses frames in runs."""


@dataclass(frozen=True)
class CameraPlan:
    """A pinhole camera and its timing."""

    width: int = 640
    height: int = 480
    focal_px: float = 600.0
    centre_x_px: float = 319.5
    centre_y_px: float = 239.5
    rate_hz: float = 30.0
    jitter_s: float = 0.0
    """Each stamp is off by up to so much, either way."""
    drop_share: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("width", "height", "focal_px", "rate_hz"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InvalidValueError(f"CameraPlan.{name}", value, "a number above 0")
        for name in ("centre_x_px", "centre_y_px"):
            if not math.isfinite(getattr(self, name)):
                raise InvalidValueError(f"CameraPlan.{name}", getattr(self, name), "a finite number")
        largest = LARGEST_JITTER_SHARE / self.rate_hz
        if not 0.0 <= self.jitter_s <= largest:
            raise InvalidValueError(
                "CameraPlan.jitter_s", self.jitter_s, f"0 to {largest:.6f} s at {self.rate_hz:g} Hz"
            )
        if not 0.0 <= self.drop_share <= 0.5:
            raise InvalidValueError("CameraPlan.drop_share", self.drop_share, "0 to 0.5")


def draw_camera(rng: np.random.Generator, rate_hz: float | None = None) -> CameraPlan:
    """Any camera a robot may have; the rate is drawn too unless it is given."""
    width, height = SIZES_PX[int(rng.integers(len(SIZES_PX)))]
    drawn_hz = RATES_HZ[int(rng.integers(len(RATES_HZ)))]
    rate_hz = drawn_hz if rate_hz is None else float(rate_hz)
    focal, x, y, steady, jitter, drops = rng.random(6).tolist()
    low, high = FOCAL_PER_WIDTH
    return CameraPlan(
        width=width,
        height=height,
        focal_px=round(width * (low + (high - low) * focal * focal), 6),
        centre_x_px=round((width - 1) / 2.0 + width * CENTRE_SHARE * (2.0 * x - 1.0), 6),
        centre_y_px=round((height - 1) / 2.0 + width * CENTRE_SHARE * (2.0 * y - 1.0), 6),
        rate_hz=rate_hz,
        jitter_s=round(JITTER_SHARE * jitter / rate_hz, 6) if steady > 0.3 else 0.0,
        drop_share=round(DROP_SHARE * (2.0 * drops - 1.0), 6) if drops > 0.5 else 0.0,
        seed=int(rng.integers(2**31)),
    )


def frame_stamps(plan: CameraPlan, duration_s: float) -> NDArray[np.float64]:
    """(T,) seconds, strictly rising, the first at 0 s and the last before the end.

    The first frame is never dropped. Of the others the plan's share is, in the long run.
    """
    if not (math.isfinite(duration_s) and duration_s > 0.0):
        raise InvalidValueError("duration_s", duration_s, "a number of seconds above 0")
    count = max(math.ceil(duration_s * plan.rate_hz - 1e-9), 1)
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((plan.seed, 0xCA))))
    chances, shifts = rng.random(count), rng.random(count)
    stamps = np.arange(count) / plan.rate_hz
    stamps[1:] += plan.jitter_s * (2.0 * shifts[1:] - 1.0)
    kept = ~_dropped(chances, plan.drop_share)
    return np.asarray(stamps[kept & (stamps < duration_s)])


def project(points_mm: Points, plan: CameraPlan) -> NDArray[np.float32]:
    """(T, N, 3) in the optical frame → x, y in pixels and z as MediaPipe gives it.

    That z is the depth beyond the mean depth of all the points, in pixels at that mean depth: the nose's is negative.
    MediaPipe's points have a mean z of 0.000 of the face's size, and their z is 1.0 to 1.1 times that of its canonical
    face in the same pose and scale (`face1d synth fit-noise` prints what was measured): the excess belongs to the
    detector and stands in its noise model. Project all points of a face together, and choose among them afterwards.
    """
    points = np.asarray(points_mm)
    if points.ndim != 3 or points.shape[2] != 3:
        raise GeometryError("points to project", f"shape {points.shape}", "(frames, points, 3)")
    depth = points[..., 2]
    if not (depth > 0.0).all():
        behind = int((~(depth > 0.0)).any(axis=1).sum())
        raise GeometryError("points to project", f"{behind} frames with points not before the camera", "z above 0 mm")
    head = depth.mean(axis=1, keepdims=True)
    projected = np.empty(points.shape, np.float32)
    scale = plan.focal_px / depth
    projected[..., 0] = points[..., 0] * scale + plan.centre_x_px
    projected[..., 1] = points[..., 1] * scale + plan.centre_y_px
    projected[..., 2] = (depth - head) * (plan.focal_px / head)
    return projected


def _dropped(chances: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    """(T,) runs of dropped frames: a two-state chain whose long-run share is the one given."""
    dropped = np.zeros(len(chances), np.bool_)
    if share <= 0.0:
        return dropped
    begins = share * (1.0 - DROPS_AGAIN) / (1.0 - share)
    lost = False
    for index, chance in enumerate(chances[1:].tolist(), 1):
        lost = chance < (DROPS_AGAIN if lost else begins)
        dropped[index] = lost
    return dropped

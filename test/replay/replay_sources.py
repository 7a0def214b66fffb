"""A source and a detector that cost next to nothing, and what a results bag holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rosbags.highlevel import AnyReader

from face1d_ros.config import CameraConfig, LandmarksConfig
from face1d_ros.convert.bag import from_bytes
from face1d_ros.errors import SourceBrokenOffError
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.topology import indices_in
from face1d_ros.replay import frames as frames_module
from face1d_ros.replay import looking_here
from face1d_ros.replay.job import Job, Outcome, Progress, run_job
from face1d_ros.sources.base import Opened
from face1d_ros.stages import landmarks as landmarks_module
from face1d_ros.types import FaceLandmarks, Frame, Header, Topology

RATE_HZ = 30.0
FRAMES = 60
SIZE = (320, 240)
FACE_PX = 80.0


class CountedSource(Opened):
    """So many frames; each image holds its number. It may break off, or break."""

    description = "frames with numbers"
    width, height = SIZE
    rate_hz = RATE_HZ
    live = False

    def __init__(self, length: int, breaks_at: int | None = None, error: Exception | None = None) -> None:
        self.length = length
        self.skipped: Counter[str] = Counter()
        self.given = 0
        self._breaks_at = breaks_at
        self._error = error or SourceBrokenOffError("numbers", f"ended after {breaks_at} frames")

    def frames(self) -> Iterator[Frame]:
        for index in range(self.length):
            if index == self._breaks_at:
                raise self._error
            self.given += 1
            image = np.zeros((self.height, self.width, 3), np.uint8)
            image[0, :2, 0] = divmod(index, 256)
            yield Frame(Header(round(index * 1e9 / RATE_HZ), "camera"), image)


class ForgetfulDetector:
    """Two faces whose places follow from the images' numbers and from what was there before; one is not always seen."""

    model = "walking faces"

    def __init__(self, config: LandmarksConfig | None = None) -> None:
        self.reset()

    def detect(self, image: NDArray[np.uint8]) -> tuple[FaceLandmarks, ...]:
        number = 256 * int(image[0, 0, 0]) + int(image[0, 1, 0])
        self._x_px += 0.9 * np.sin(number / 7.0) - 0.01 * self._x_px
        rng = np.random.default_rng(number)
        found = [_face(80.0 + self._x_px, 120.0, rng)]
        if number % 50 > 8:
            found.append(_face(230.0 - self._x_px, 110.0, rng))
        return tuple(found)

    def reset(self) -> None:
        self._x_px = 0.0

    def close(self) -> None:
        """Nothing."""


class WalkingDetector(ForgetfulDetector):
    """The same, and what it knows can be saved."""

    def state(self) -> dict[str, Any]:
        return {"x_px": float(self._x_px)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._x_px = state["x_px"]


class Detector68(WalkingDetector):
    """The same faces by 68 points."""

    def detect(self, image: NDArray[np.uint8]) -> tuple[FaceLandmarks, ...]:
        chosen = indices_in(Topology.FACE_68, Topology.MESH_478)
        found = super().detect(image)
        return tuple(replace(each, points=each.points[chosen], topology=Topology.FACE_68) for each in found)


def _face(x: float, y: float, rng: np.random.Generator) -> FaceLandmarks:
    points = canonical_face().points_cm
    points = (points - points.mean(axis=0)) * (FACE_PX / np.ptp(points, axis=0).max()) + [x, y, 0.0]
    points += rng.normal(0.0, 0.3, points.shape)
    return FaceLandmarks(points=points.astype(np.float32), topology=Topology.MESH_478, confidence=0.9375)


def use_fakes(patch: pytest.MonkeyPatch, source: CountedSource, detector: type = WalkingDetector) -> None:
    """Jobs have this source and this detector, which no other process could know of."""

    def opened(camera: CameraConfig, *, clock: object) -> CountedSource:
        return source

    patch.setattr(looking_here, "open_configured", opened)
    patch.setattr(frames_module, "LookingApart", looking_here.LookingHere)
    patch.setattr(landmarks_module, "make_detector", detector)


def job(folder: Path, **changes: Any) -> Job:
    """Without report and pictures."""
    values = {"source": "portrait", "max_frames": 10_000, "pictures": False, "report": False, **changes}
    return Job(folder=str(folder / "out"), **values)


def done(work: Job, stop_after: int | None = None) -> Outcome:
    """Run it; stopped after so many frames."""
    seen: list[Progress] = []
    return run_job(work, seen.append, lambda: stop_after is not None and seen[-1].frames >= stop_after)


def contents(folder: Path) -> list[tuple[str, int, str]]:
    """(topic, time, value without its duration) of every message of the results, in words that lose nothing."""
    found = []
    with AnyReader([folder / "out" / "results"]) as reader:
        for connection, stamp_ns, data in reader.messages():
            found.append((connection.topic, stamp_ns, exactly(from_bytes(bytes(data), connection.msgtype))))
    return found


def exactly(value: Any) -> str:
    """All fields but durations; arrays by their bytes."""
    if isinstance(value, np.ndarray):
        return value.tobytes().hex()
    if isinstance(value, tuple):
        return f"({', '.join(map(exactly, value))})"
    if hasattr(value, "__dataclass_fields__"):
        return f"{type(value).__name__}({', '.join(exactly(v) for k, v in vars(value).items() if k != 'duration_s')})"
    return repr(value)

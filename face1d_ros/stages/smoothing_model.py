"""What steadies landmarks, behind one interface: a network, a classical filter, or nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from face1d_ros.config import LONGEST_BRIDGE_S
from face1d_ros.engines.background import ModelRunner
from face1d_ros.engines.bundle import Bundle
from face1d_ros.filters.filter import Filter
from face1d_ros.filters.make import make_filter
from face1d_ros.stages.smoothing_tracks import NS, Row
from face1d_ros.types import FloatArray

LOOK_AHEAD = "look_ahead"
VELOCITY_TIME_S = 0.1
"""Averaging time of a face's velocity: above the detector's jitter, below a change of direction."""
DAMPING_S = 0.15
"""Within this the velocity of a face that is not seen has fallen to a third."""


class Smoother(Protocol):
    """Used by one thread; `values` and `engine` may be asked for by any."""

    model: str
    """As `StageInfo.model` says it."""
    bridges: bool
    """Whether it predicts faces that are not seen."""
    look_ahead: int
    """Frames: the answers of a step belong to those of the same faces so many steps ago."""
    why: str
    """Why it was chosen."""
    notice: str
    """What the user should know, because it was not what was asked for; '' for nothing."""

    @property
    def engine(self) -> str:
        """As `StageInfo.engine` says it."""

    def step(self, stamp_ns: int, rows: Sequence[Row]) -> Sequence[FloatArray]:
        """(N, 3) for each row, valid until the next step. Raises EngineError."""

    def values(self) -> Mapping[str, object]:
        """For diagnostics."""

    def close(self) -> None:
        """Free what it holds."""


class Nothing:
    """Landmarks stay as they were measured; who is missing is not predicted."""

    model, engine, why, notice = "", "", "as asked for", ""
    bridges, look_ahead = False, 0

    def step(self, stamp_ns: int, rows: Sequence[Row]) -> Sequence[FloatArray]:
        """The measured arrays themselves."""
        return [row.points for row in rows if row.points is not None]

    def values(self) -> Mapping[str, object]:
        """None."""
        return {}

    def close(self) -> None:
        """Nothing."""


class NetworkSmoother:
    """A bundle: all faces of a frame in one call."""

    notice = ""
    bridges = True

    def __init__(self, bundle: Bundle, engine: str, why: str) -> None:
        """Raises EngineError where nothing runs it."""
        self.model = f"{bundle.manifest.name} {bundle.manifest.version}"
        self.why = why
        self.look_ahead = int(bundle.manifest.settings.get(LOOK_AHEAD, 0))
        self._runner = ModelRunner(bundle, engine, LONGEST_BRIDGE_S)

    @property
    def engine(self) -> str:
        """Which runtime, and on what."""
        engine = self._runner.engine
        return f"{engine.name}-{engine.device.lower()}"

    def step(self, stamp_ns: int, rows: Sequence[Row]) -> Sequence[FloatArray]:
        """(B, N, 3)."""
        inputs = self._runner.begin(stamp_ns, [row.key for row in rows])
        landmarks, confidence, dt = inputs["landmarks"], inputs["confidence"], inputs["dt"]
        for index, row in enumerate(rows):
            landmarks[index] = 0.0 if row.points is None else row.points
            confidence[index] = row.confidence
            dt[index] = row.dt_s
        return list(self._runner.run()["refined"])

    def values(self) -> Mapping[str, object]:
        """Which engine, why, and what is being prepared."""
        return self._runner.status().values()

    def close(self) -> None:
        """Free the engine."""
        self._runner.close()


class FilterSmoother:
    """A classical filter for each face; who is missing goes on with the face's velocity, which dies down."""

    engine = "numpy"
    bridges, look_ahead = True, 0

    def __init__(self, name: str, why: str, notice: str = "") -> None:
        self.model, self.why, self.notice = name, why, notice
        self._faces: dict[int, FilteredFace] = {}

    def step(self, stamp_ns: int, rows: Sequence[Row]) -> Sequence[FloatArray]:
        """One after the other: a call is faster than gathering the faces would be."""
        known = self._faces
        self._faces = {row.key: known.get(row.key) or FilteredFace(make_filter(self.model), stamp_ns) for row in rows}
        return [self._faces[row.key].step(stamp_ns, row) for row in rows]

    def values(self) -> Mapping[str, object]:
        """None."""
        return {}

    def close(self) -> None:
        """Forget all faces."""
        self._faces = {}


class FilteredFace:
    """One face's filter, and the velocity of the whole face."""

    def __init__(self, filter_: Filter, begin_ns: int) -> None:
        self._filter = filter_
        self._begin_ns = begin_ns
        self._seen_s: float | None = None
        self._points: FloatArray = np.empty((0, 3), np.float32)
        self._centre = self._velocity = np.zeros(3)

    def step(self, stamp_ns: int, row: Row) -> FloatArray:
        """(N, 3) filtered, or predicted."""
        # A double knows every nanosecond of the time since it began, but not of that since 1970.
        stamp_s = (stamp_ns - self._begin_ns) / NS
        if row.points is None:
            return self._carried(stamp_s)
        confidence = row.confidence if isinstance(row.confidence, np.ndarray) else None
        self._points = np.asarray(self._filter(row.points, stamp_s, confidence), np.float32)
        self._follow(stamp_s)
        return self._points

    def _follow(self, stamp_s: float) -> None:
        before, self._centre = self._centre, self._points.mean(axis=0, dtype=np.float64)
        if self._seen_s is not None and stamp_s > self._seen_s:
            elapsed_s = stamp_s - self._seen_s
            gain = elapsed_s / (elapsed_s + VELOCITY_TIME_S)
            self._velocity = self._velocity + gain * ((self._centre - before) / elapsed_s - self._velocity)
        self._seen_s = stamp_s

    def _carried(self, stamp_s: float) -> FloatArray:
        """(N, 3) the last points + velocity · τ · (1 − exp(−t / τ))."""
        unseen_s = stamp_s - (stamp_s if self._seen_s is None else self._seen_s)
        shift = self._velocity * (DAMPING_S * -math.expm1(-unseen_s / DAMPING_S))
        return self._points + shift.astype(np.float32)

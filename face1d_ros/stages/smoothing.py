"""From measured landmarks to steady ones: a memory for each face, short losses bridged, nothing bad let through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from face1d_ros.config import SmoothingConfig
from face1d_ros.errors import EngineError
from face1d_ros.stages.smoothing_delay import Delay, Waiting
from face1d_ros.stages.smoothing_input import (
    BAD_CONFIDENCE,
    NO_EXTENT,
    NOT_FINITE,
    TOO_FAR,
    UNKNOWN_TOPOLOGY,
    WRONG_COUNT,
    is_within,
    refusal,
    size_px,
    with_points,
)
from face1d_ros.stages.smoothing_switch import Switch
from face1d_ros.stages.smoothing_tracks import Row, Tracks
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, FloatArray, StageInfo

TWICE = "id twice in a frame"
OTHER_TOPOLOGY = "two topologies in a frame"
OF_A_FACE = (NOT_FINITE, TOO_FAR, WRONG_COUNT, NO_EXTENT, UNKNOWN_TOPOLOGY, BAD_CONFIDENCE, TWICE, OTHER_TOPOLOGY)
REPEATED, BACK = "stamp repeated", "stamp went back"
LEFT_RAW = "faces left as measured"
BAD_ANSWER = "answers refused"
ENGINE_FAILED = "engine failed"


class SmoothingStage:
    """Steadies the landmarks of each face over time. The same frames give the same values."""

    name = "smoothing"

    def __init__(self, config: SmoothingConfig) -> None:
        """Loads the model. Raises InvalidValueError where it cannot be had."""
        self._config = config
        self._switch = Switch(config.model, config.engine)
        self._counts = dict.fromkeys((*OF_A_FACE, REPEATED, BACK, LEFT_RAW, BAD_ANSWER, ENGINE_FAILED), 0)
        self._tracks = Tracks()
        self._delay = Delay(self._switch.smoother.look_ahead)
        self._stamp_ns: int | None = None

    def process(self, frame: FaceLandmarksArray) -> FaceLandmarksArray | None:
        """The frame with steady landmarks; the one of some frames ago where the model looks ahead, None until then.

        A face that cannot be used counts as not seen. A frame with the stamp of the one before it is no step in time:
        its faces stay as measured, and none is predicted.
        """
        if self._switch.take_over(self._config.model):
            self._begin_anew()
        stamp_ns, before_ns = frame.header.stamp_ns, self._stamp_ns
        self._stamp_ns = stamp_ns
        faces = self._usable(frame.faces)
        self._tracks.end(frame.ended_track_ids)
        rows: list[Row] = []
        if stamp_ns == before_ns:
            self._counts[REPEATED] += 1
        else:
            if before_ns is not None and stamp_ns < before_ns:
                self._counts[BACK] += 1
                self._tracks.clear()
            rows = self._tracks.rows(stamp_ns, [face for face in faces if face.track_id], self._bridge_s)
        stepped = {id(row.face) for row in rows}
        others = [face for face in faces if id(face) not in stepped]
        self._counts[LEFT_RAW] += len(others)
        self._delay.put(frame, rows, others)
        if rows:
            self._step(stamp_ns, rows)
        due = self._delay.take()
        return None if due is None else self._given_out(due)

    def prepare(self, config: SmoothingConfig) -> None:
        """Begin to load another model. Raises InvalidValueError if it cannot be had; the old one goes on."""
        if config.model != self._config.model:
            self._switch.prepare(config.model)

    def configure(self, config: SmoothingConfig) -> None:
        """Take over model, strength and bridge; a model that `prepare` has not seen is loaded at once."""
        if config.model != self._config.model:
            self._switch.prepare(config.model, None)
        self._config = config

    def diagnostics(self) -> Mapping[str, object]:
        """Which model and engine and why, what was refused, and how many faces are remembered."""
        counts = {f"smoothing.{reason}": count for reason, count in self._counts.items() if count}
        return {**self._switch.values(), "faces remembered": len(self._tracks), **counts}

    def reset(self) -> None:
        """Forget all faces, and the frames that wait."""
        self._stamp_ns = None
        self._begin_anew()

    def close(self) -> None:
        """Free the model."""
        self._switch.close()

    @property
    def _bridge_s(self) -> float:
        return self._config.bridge_s if self._switch.smoother.bridges else 0.0

    def _begin_anew(self) -> None:
        self._tracks.clear()
        self._delay = Delay(self._switch.smoother.look_ahead)

    def _usable(self, faces: Sequence[FaceLandmarks]) -> list[FaceLandmarks]:
        """Sound faces, each id once, all of one topology, for which the right model is at work then."""
        usable: list[FaceLandmarks] = []
        ids: set[int] = set()
        for face in faces:
            reason = refusal(face)
            if not reason and face.track_id in ids:
                reason = TWICE
            if not reason and usable and face.topology != usable[0].topology:
                reason = OTHER_TOPOLOGY
            if reason:
                self._counts[reason] += 1
                continue
            usable.append(face)
            if face.track_id:
                ids.add(face.track_id)
        if usable and usable[0].topology != self._switch.topology:
            self._switch.turn_to(usable[0].topology)
            self._begin_anew()
        return usable

    def _step(self, stamp_ns: int, rows: Sequence[Row]) -> None:
        try:
            refined = self._switch.smoother.step(stamp_ns, rows)
        except EngineError:
            self._counts[ENGINE_FAILED] += 1
            for row in rows:
                self._tracks.begin_anew(row)
            return
        self._delay.answer(rows, refined)

    def _given_out(self, due: Waiting) -> FaceLandmarksArray:
        answered = [self._answered(row, due.answers.get(row.key), due.delay_s) for row in due.rows]
        smoother, frame = self._switch.smoother, due.frame
        return FaceLandmarksArray(
            header=frame.header,
            image_width=frame.image_width,
            image_height=frame.image_height,
            faces=(*(face for face in answered if face is not None), *due.others),
            ended_track_ids=frame.ended_track_ids,
            info=StageInfo(self.name, smoother.model, smoother.engine),
        )

    def _answered(self, row: Row, refined: FloatArray | None, delay_s: float) -> FaceLandmarks | None:
        """The face of this row with the model's answer, if it has a good one; else as measured, if it was."""
        if refined is not None and refined is row.points:
            return row.face
        if refined is None or not _is_near(refined, row):
            if refined is not None:
                self._counts[BAD_ANSWER] += 1
                self._tracks.begin_anew(row)
            return None if row.points is None else row.face
        strength = np.float32(self._config.strength)
        if row.points is None or strength == 1.0:
            points = refined.astype(np.float32)
        else:
            points = row.points + strength * (refined - row.points)
        row.track.given = points
        return with_points(row.face, points, delay_s)


def _is_near(refined: FloatArray, row: Row) -> bool:
    """Whether an answer is finite and nowhere further than a face from the measurement, or else the last answer."""
    reference = row.track.given if row.points is None else row.points
    if reference is None:
        return False
    size = size_px(reference)
    return is_within(refined - reference, -size, size)

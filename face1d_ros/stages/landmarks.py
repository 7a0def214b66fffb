"""From an image to tracked faces with their landmarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from face1d_ros.config import LandmarksConfig
from face1d_ros.detect.detector import Detector, ResumableDetector, make_detector
from face1d_ros.detect.tracker import MAX_GAP_S, Tracker
from face1d_ros.errors import DetectorError
from face1d_ros.types import FaceLandmarksArray, Frame, StageInfo

ENGINE = "TensorFlow Lite on the CPU"
NS = 1_000_000_000


class LandmarksStage:
    """Detector and tracker, one after the other."""

    name = "landmarks"

    def __init__(self, config: LandmarksConfig, detector: Detector | None = None) -> None:
        """The detector that the configuration asks for, or the given one; it is closed with the stage."""
        self._detector = make_detector(config) if detector is None else detector
        self._tracker = Tracker(config.lost_after_s)
        self._stamp_ns: int | None = None
        self._info = StageInfo(stage=self.name, model=self._detector.model, engine=ENGINE)

    def process(self, frame: Frame) -> FaceLandmarksArray:
        """The faces of one frame, and which ids end with it."""
        height, width = frame.image.shape[:2]
        self._notice_a_jump(frame.header.stamp_ns)
        detections = self._detector.detect(frame.image)
        faces, ended = self._tracker.update(frame.header.stamp_ns, detections)
        return FaceLandmarksArray(
            header=frame.header,
            image_width=width,
            image_height=height,
            faces=faces,
            ended_track_ids=ended,
            info=self._info,
        )

    def _notice_a_jump(self, stamp_ns: int) -> None:
        """After a jump in time it is another scene, in which the places of faces in the last one mean nothing."""
        before_ns, self._stamp_ns = self._stamp_ns, stamp_ns
        if before_ns is not None and not 0 <= stamp_ns - before_ns <= MAX_GAP_S * NS:
            self._detector.reset()

    def prepare(self, config: LandmarksConfig) -> None:
        """Whatever may change, fits."""

    def configure(self, config: LandmarksConfig) -> None:
        """Take over `lost_after_s`; everything else needs a new stage."""
        self._tracker.lost_after_s = config.lost_after_s

    def diagnostics(self) -> Mapping[str, object]:
        """Nothing beside `StageInfo`."""
        return {}

    def reset(self) -> None:
        """Forget where faces were. Their ids end with the next frame."""
        self._detector.reset()
        self._tracker.reset()
        self._stamp_ns = None

    def state(self) -> dict[str, Any] | None:
        """What detector and tracker know after the last frame, as plain JSON values; None where the detector keeps it.

        Settings are not part of it.
        """
        if not isinstance(self._detector, ResumableDetector):
            return None
        return {"stamp_ns": self._stamp_ns, "detector": self._detector.state(), "tracker": self._tracker.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there, with the same settings. Raises DetectorError where the detector cannot."""
        if not isinstance(self._detector, ResumableDetector):
            raise DetectorError(f"{self._detector.model} cannot go on from a saved state; begin with the first frame")
        self._detector.restore(state["detector"])
        self._tracker.restore(state["tracker"])
        self._stamp_ns = state["stamp_ns"]

    def close(self) -> None:
        """Free the detector's models."""
        self._detector.close()

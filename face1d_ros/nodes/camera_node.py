"""Any source of frames as a ROS camera: `camera/image_raw` and `camera/camera_info`, with the same stamps."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from dataclasses import dataclass
from typing import Any

from sensor_msgs.msg import CameraInfo

from face1d_ros.errors import Face1dError, SourceBrokenOffError, SourceError
from face1d_ros.graph import CAMERA
from face1d_ros.nodes.base import EXIT_FAILED, EXIT_OK, FaceNode
from face1d_ros.nodes.calibration import camera_info_of
from face1d_ros.nodes.camera_topics import CameraTopics
from face1d_ros.nodes.diagnostics import Level, Rate, Report
from face1d_ros.nodes.runner import run_node
from face1d_ros.nodes.source_watch import SourceWatch
from face1d_ros.sources import open_configured
from face1d_ros.sources.base import Source, told
from face1d_ros.sources.pacing import paced
from face1d_ros.sources.reopen import BackOff, reopening
from face1d_ros.types import Header

STOP_S = 1.0
LISTENER_S, LISTENER_POLL_S = 10.0, 0.02
BACK_OFF = BackOff()


@dataclass(frozen=True)
class Progress:
    """What the source's thread has done so far. Times are wall time (monotonic)."""

    published: int = 0
    at_s: float = 0.0
    stamp_ns: int = 0


class CameraNode(FaceNode):
    """Publishes a source as a ROS camera.

    Frames of a camera keep the time they were taken; all others are stamped when they are published, in real time, as
    a camera's would be: whoever listens compares stamps with the present. `ros2 bag play` keeps those of a bag.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(CAMERA, **options)
        self._opened: Source | None = None
        self._live = False
        self._description = ""
        self._topics: CameraTopics | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._progress = Progress()
        self._watch = SourceWatch()
        self._trouble: tuple[Level, str] | None = None
        self._rate = Rate()
        self._since_s = 0.0

    def set_up(self) -> None:
        """Open the source, which tells the size of its images, and read the calibration for it."""
        source = self._open()
        self._opened, self._live = source, source.live
        self._topics = CameraTopics(self, self._camera_info(source))
        self.get_logger().info(source.description)

    def start(self) -> None:
        """Begin to publish."""
        self._stopping = threading.Event()
        self._progress, self._watch, self._trouble, self._rate = Progress(), SourceWatch(), None, Rate()
        self._since_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, args=(self._stopping,), name="source", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop to publish. A camera that gives no frames may hold its thread a little longer than us."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(STOP_S)
            if thread.is_alive():
                self.get_logger().warning("the source does not answer and is left behind")

    def tick(self) -> None:
        """Say it when more and more is left out."""
        if grown := self._watch.grown():
            self.get_logger().warning(grown, throttle_duration_sec=5.0)

    def tear_down(self) -> None:
        """Close the source and the topics."""
        source, self._opened = self._opened, None
        if source is not None:
            source.__exit__(None, None, None)
        topics, self._topics = self._topics, None
        if topics is not None:
            topics.close()

    # Source.

    def _open(self) -> Source:
        return open_configured(self.config, clock=self.now_ns)

    def _open_again(self) -> Source:
        """The source opened by `set_up` at first, later a new one."""
        source, self._opened = self._opened, None
        return self._open() if source is None else source

    def _camera_info(self, source: Source) -> CameraInfo:
        return camera_info_of(source, self.config.calibration)

    def _on_opened(self, source: Source) -> None:
        if self._trouble is not None:
            if self._topics is not None:
                self._topics.info = self._camera_info(source)
            self.get_logger().info(f"the source is back: {source.description}")
        self._watch.opened(source)
        self._description, self._trouble = source.description, None

    def _on_failed(self, error: SourceError, pause_s: float) -> None:
        self._trouble = (Level.ERROR, f"{error}; trying again")
        self.get_logger().error(f"{error}; trying again in {pause_s:g} s", throttle_duration_sec=5.0)

    # In the source's thread.

    def _run(self, stopping: threading.Event) -> None:
        """Until the source has ended. An error that is nobody's plan must not stop a camera for good, either."""
        failures = seen = 0
        while not stopping.is_set():
            try:
                self._publish_all(stopping)
            except SourceBrokenOffError as error:
                self._end_of_source(Level.ERROR, str(error), EXIT_FAILED)
                return
            except Exception as error:
                failures = failures + 1 if self._progress.published == seen else 1
                seen, pause_s = self._progress.published, BACK_OFF.pause_s(failures)
                text = str(error) if isinstance(error, Face1dError) else traceback.format_exc()
                self._trouble = (Level.ERROR, f"the source failed: {error}; trying again")
                self.get_logger().error(
                    f"the source failed: {text}; trying again in {pause_s:g} s", throttle_duration_sec=5.0
                )
                stopping.wait(pause_s)
            else:
                if not stopping.is_set():
                    count = self._progress.published
                    self._end_of_source(Level.STALE, f"the source has ended after {count} frames", EXIT_OK)
                return

    def _end_of_source(self, level: Level, message: str, exit_code: int) -> None:
        skipped, logger = told(self._watch.skipped), self.get_logger()
        if skipped:
            message += f"; it left out: {skipped}"
        self._trouble = (level, message)
        if level is Level.ERROR:
            logger.error(message)
        elif skipped:
            logger.warning(message)
        else:
            logger.info(message)
        if self.config.end_with_source:
            self.say_now()
            self.end(exit_code)

    def _await_listener(self, stopping: threading.Event) -> None:
        """A source that is played once must not begin while the nodes that are to hear it still start."""
        end_s = time.monotonic() + LISTENER_S
        while self._topics is not None and not self._topics.has_listener and time.monotonic() < end_s:
            if stopping.wait(LISTENER_POLL_S):
                return

    def _publish_all(self, stopping: threading.Event) -> None:
        if self.config.end_with_source and not self._live:
            self._await_listener(stopping)
        frames = reopening(
            self._open_again,
            sleep=stopping.wait,
            failed=self._on_failed,
            opened=self._on_opened,
            back_off=BACK_OFF,
        )
        if not self._live:
            frames = paced(frames, clock=time.monotonic_ns, sleep=stopping.wait)
        for frame in frames:
            topics = self._topics
            if stopping.is_set() or topics is None:
                return
            stamp_ns = frame.header.stamp_ns if self._live else self._restamped(frame.header)
            topics.publish(frame.image, stamp_ns, frame.header.frame_id or self.config.frame_id)
            self._progress = Progress(self._progress.published + 1, time.monotonic(), stamp_ns)

    def _restamped(self, header: Header) -> int:
        if jump := self._watch.note(header.stamp_ns):
            self.get_logger().warning(jump, throttle_duration_sec=5.0)
        return self.now_ns()

    # Diagnostics.

    def report(self) -> Report:
        """The source, its rate, and what is wrong with it."""
        progress, topics = self._progress, self._topics
        values: dict[str, object] = {
            "source": self.config.source,
            "description": self._description,
            "topic": topics.image_topic if topics is not None else "",
            "rate_out_hz": self._rate.update(progress.published),
            "published": progress.published,
            "calibrated": topics is not None and topics.info.k[0] > 0.0,
            **self._watch.values(),
        }
        if progress.published:
            values["newest_output_age_s"] = self.age_s(progress.stamp_ns)
        level, message = self._verdict(progress)
        return Report(level, message, values)

    def _verdict(self, progress: Progress) -> tuple[Level, str]:
        if self._trouble is not None:
            return self._trouble
        silent_s = time.monotonic() - (progress.at_s or self._since_s)
        if silent_s > self.config.stall_after_s:
            left_out = f"; it left out: {skipped}" if (skipped := told(self._watch.skipped)) else ""
            return Level.WARN, f"the source gives no frames since {silent_s:.0f} s{left_out}"
        if recent := self._watch.recent(self.told_for_s()):
            return Level.WARN, recent
        if clock := self.clock_problem():
            return Level.WARN, clock
        return Level.OK, self._description or "opening"


if __name__ == "__main__":
    sys.exit(run_node(CameraNode))

"""Where the results of `face1d run` go, beside the table: a bag, a video, a window, ROS topics."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.cli.run_publisher import Publisher
from face1d_ros.cli.run_source import PlayedSource
from face1d_ros.drawing import draw_faces
from face1d_ros.errors import Face1dError, RecordingError
from face1d_ros.graph import SHOWN, STAGES
from face1d_ros.paths import printable, user_path
from face1d_ros.replay.bag_writer import BagWriter
from face1d_ros.replay.video_writer import VideoWriter, check_video_path
from face1d_ros.types import Frame

TITLE = "face1d run"
KEYS_TO_END = (27, ord("q"))
"""Escape, q."""
PROBE_S = 20.0


class Output(Protocol):
    """Takes each result while it is open."""

    pictures: bool
    """Whether it needs the image with the faces drawn onto it."""

    def take(self, stamp_ns: int, values: Mapping[str, Any], picture: NDArray[np.uint8] | None) -> None:
        """The results of one frame, by topic; the picture is (height, width, 3) BGR."""

    def idle(self) -> None:
        """Called about ten times a second, also when no frame comes."""

    def close(self) -> None:
        """Finish; a second call does nothing. Raises RecordingError if what was written is not usable."""

    def told(self) -> str:
        """A line for the summary; '' for none."""


class BagOutput:
    """All results to an MCAP bag."""

    pictures = False

    def __init__(self, path: str) -> None:
        self._bag = BagWriter(path, tuple(spec.publishes[0] for spec in STAGES))

    def take(self, stamp_ns: int, values: Mapping[str, Any], picture: NDArray[np.uint8] | None) -> None:
        """Write."""
        self._bag.write(values)

    def idle(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Complete the bag."""
        self._bag.close()

    def told(self) -> str:
        """Path and size."""
        return f"Bag   {self._bag.path}  ({self._bag.messages} messages, {self._bag.size_bytes / 1e6:.1f} MB)"


class VideoOutput:
    """The pictures to an MP4 file."""

    pictures = True

    def __init__(self, path: str, width: int, height: int, rate_hz: float | None) -> None:
        self._video = VideoWriter(path, width=width, height=height, rate_hz=rate_hz)

    def take(self, stamp_ns: int, values: Mapping[str, Any], picture: NDArray[np.uint8] | None) -> None:
        """Write."""
        if picture is not None:
            self._video.write(picture, stamp_ns)

    def idle(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Complete the file."""
        self._video.close()

    def told(self) -> str:
        """Path and size."""
        if not self._video.frames:
            return ""
        return f"Video {self._video.path}  ({self._video.frames} frames, {self._video.size_bytes / 1e6:.1f} MB)"


class Window:
    """The pictures on the screen; Escape, q or closing it ends the run."""

    pictures = True

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._shown = False

    def take(self, stamp_ns: int, values: Mapping[str, Any], picture: NDArray[np.uint8] | None) -> None:
        """Show."""
        if picture is not None:
            cv2.imshow(TITLE, picture)
            self._shown = True

    def idle(self) -> None:
        """Let the window answer."""
        if not self._shown:
            return
        key = cv2.waitKey(1) & 0xFF
        if key in KEYS_TO_END or cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:
            self._stop()

    def close(self) -> None:
        """Close it."""
        if self._shown:
            self._shown = False
            cv2.destroyAllWindows()

    def told(self) -> str:
        """Nothing."""
        return ""


def why_no_window() -> str:
    """What keeps a window from being shown; '' if nothing. A toolkit without its display ends its whole process."""
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        return "no display here"
    probe = [sys.executable, "-c", "import cv2; cv2.namedWindow('face1d'); cv2.waitKey(1); cv2.destroyAllWindows()"]
    with suppress(subprocess.TimeoutExpired):
        if subprocess.run(probe, capture_output=True, timeout=PROBE_S, check=False).returncode == 0:
            return ""
    return f"the display {os.environ.get('DISPLAY') or os.environ['WAYLAND_DISPLAY']} cannot be used"


@dataclass(frozen=True)
class Wanted:
    """Which outputs there shall be."""

    bag: str | None = None
    video: str | None = None
    window: bool = False
    publish: bool = False


def check_paths(wanted: Wanted) -> None:
    """Refuse what exists already or stands for two things, before anything is started."""
    video = None if wanted.video is None else check_video_path(wanted.video)
    if wanted.bag is not None:
        bag = user_path(wanted.bag).absolute()
        if bag == video:
            raise RecordingError(
                f"{bag} cannot be the bag's folder and the video's file at once; name another with --bag"
            )
        if os.path.lexists(bag):
            raise RecordingError(f"{bag} exists already; choose another folder with --bag")


class Outputs:
    """All that are wanted, together."""

    def __init__(self, wanted: Wanted, source: PlayedSource, stopping: threading.Event) -> None:
        """`stopping` is set by somebody who wants the run to end; an output may do so, too."""
        self._wanted = wanted
        self._source = source
        self._stopping = stopping
        self._outputs: list[Output] = []

    def open(self) -> None:
        """Open all. The bag comes last, since it cannot be taken back when another one fails."""
        wanted, source = self._wanted, self._source
        if wanted.window:
            if obstacle := why_no_window():
                click.echo(f"No window: {obstacle}; going on as with --headless")
            else:
                self._outputs.append(Window(self._stopping.set))
        if wanted.video is not None:
            self._outputs.append(VideoOutput(wanted.video, source.width, source.height, source.rate_hz))
        if wanted.publish:
            self._outputs.append(Publisher(self._stopping))
        if wanted.bag is not None:
            self._outputs.append(BagOutput(wanted.bag))

    def take(self, frame: Frame, values: Mapping[str, Any]) -> None:
        """Give each the results of one frame, by topic."""
        picture = None
        if any(output.pictures for output in self._outputs):
            there = (values[topic.name] for topic in SHOWN if topic.name in values)
            result = next((each for each in there if each.header.stamp_ns == frame.header.stamp_ns), None)
            image = draw_faces(frame.image, result) if result is not None else frame.image
            picture = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)
        for output in self._outputs:
            output.take(frame.header.stamp_ns, values, picture)

    def idle(self) -> None:
        """Called often, also when no frame comes."""
        for output in self._outputs:
            output.idle()

    def close(self) -> Face1dError | None:
        """Finish all, whatever happens to one of them. The first problem; a second call does nothing."""
        first = None
        for output in self._outputs:
            try:
                output.close()
            except Face1dError as error:
                first = first or error
        return first

    def tell(self) -> None:
        """A line for each that has something to say."""
        for output in self._outputs:
            if line := output.told():
                click.echo(printable(line))

"""The face that `face1d identity` looks at: sources one after the other, and of each frame the largest face."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import click
import numpy as np

from face1d_ros.cli.identity_options import counted
from face1d_ros.cli.interrupts import Check, between
from face1d_ros.config import CameraConfig
from face1d_ros.graph import LANDMARKS, LANDMARKS_SMOOTHED, SMOOTHING
from face1d_ros.replay.feed import NewestFrame
from face1d_ros.replay.pipeline import Pipeline, make_steps
from face1d_ros.sources import open_source
from face1d_ros.sources.base import Source, told
from face1d_ros.sources.pacing import paced
from face1d_ros.stages.base import SeesFrames
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, Frame

FACE = 1
"""The track of the face that is looked at, whatever source it is in."""
NS = 1_000_000_000
BETWEEN_NS = 2 * NS
"""From the last frame of a source to the first of the next: longer than any motion goes on through."""
PASSING_S = 1.0
"""A face that is tracked for less is taken for a mistake of the detector, and another one is looked at."""
SETTLED_S = 0.3
"""After which a face that is seen anew is where the detector thinks it is."""
HELD_S, REST_S, ADDED_RATE_HZ = 1.4, 2.0, 30.0
"""Longer than it takes to tell that a motion is over."""
SOURCE_END_S = 4.0
"""A camera that gives no frames holds its thread about three seconds."""
LIVE_WIDTH, LIVE_HEIGHT, LIVE_RATE_HZ = CameraConfig.width, CameraConfig.height, CameraConfig.rate_hz


@contextmanager
def opened(name: str, image_topic: str = "") -> Iterator[Source]:
    """The source of that name. Raises SourceError."""
    source = open_source(
        name,
        clock=time.time_ns,
        width=LIVE_WIDTH,
        height=LIVE_HEIGHT,
        rate_hz=LIVE_RATE_HZ,
        image_topic=image_topic,
    )
    with source:
        yield source


def recorded(source: Source, check: Check) -> Iterator[Frame]:
    """Every frame, as fast as they are looked at."""
    if source.live:
        raise click.UsageError(f"{source.description} is no recording: name it with --live --source")
    return between(source.frames(), check)


@contextmanager
def live(source: Source, check: Check) -> Iterator[Iterator[Frame | None]]:
    """The newest frames, in real time, and None now and then while there is none."""
    stopping = threading.Event()
    frames = source.frames() if source.live else paced(source.frames(), clock=time.monotonic_ns, sleep=stopping.wait)
    feed = NewestFrame(frames, stopping)
    try:
        yield between(feed, check)
    finally:
        feed.close(SOURCE_END_S)


class Looker:
    """Detector and smoothing, as they are by default, and the time line that all sources share. Close it."""

    def __init__(self, begin_ns: int, watcher: SeesFrames | None = None) -> None:
        """`begin_ns` is the time of the first frame, whatever the source says; a camera's own times differ little.

        `watcher` is shown the images whose faces are looked at, when it wants them.
        """
        self.watcher = watcher
        self.pipeline = Pipeline(make_steps({}, (LANDMARKS, SMOOTHING)))
        self.next_ns = begin_ns

    def look(self, name: str, source: Source, *, stays: bool) -> View:
        """At the next source. `stays`: at one face alone; otherwise at the next largest once it is lost."""
        self.pipeline.reset()
        self.pipeline.set_camera(source.camera)
        return View(self, name, stays)

    def close(self) -> None:
        """Free the models."""
        self.pipeline.close()


class View:
    """One source, of which the largest face is looked at."""

    def __init__(self, looker: Looker, name: str, stays: bool) -> None:
        self.name = name
        self.frames = 0
        self.frames_with_faces = 0
        self.most_faces = 0
        self.lost_s: float | None = None
        """When the face was lost, if that was the end."""
        self.begin_ns = looker.next_ns
        self._looker = looker
        self._stays = stays
        self._offset_ns: int | None = None
        self._chosen = 0
        self._since_s = 0.0
        self._first: FaceLandmarksArray | None = None
        self._last: FaceLandmarksArray | None = None
        self._image: Frame | None = None
        self._first_image: Frame | None = None
        self._last_image: Frame | None = None
        self._last_ns = self.begin_ns

    def faces(self, frames: Iterable[Frame | None]) -> Iterator[FaceLandmarksArray | None]:
        """The face, as track FACE, on the common time line; None where there is nothing yet."""
        for frame in frames:
            found = None if frame is None else self._looker.pipeline.process(self._shown(self._timed(frame)))
            smoothed = None if found is None else found.get(LANDMARKS_SMOOTHED.name)
            if smoothed is None:
                yield None
                continue
            one = self._look(smoothed)
            if self.lost_s is not None:
                return
            yield one

    def rest(self) -> Iterator[FaceLandmarksArray]:
        """What follows a recording, so that a motion at its end is over: the last frame for a while, which is enough
        where the face rests in it; then the face as it was at first.
        """
        if not self._chosen or self._first is None or self._last is None:
            return
        held = round(HELD_S * ADDED_RATE_HZ)
        for index in range(held + round(REST_S * ADDED_RATE_HZ)):
            one = self._last if index < held else self._first
            stamp_ns = self._last_ns + round((index + 1) * NS / ADDED_RATE_HZ)
            self._looker.next_ns = stamp_ns + BETWEEN_NS
            self._show_again(self._last_image if index < held else self._first_image, stamp_ns)
            yield replace(one, header=replace(one.header, stamp_ns=stamp_ns))

    def seconds(self, stamp_ns: int) -> float:
        """Since the source began."""
        return (stamp_ns - self.begin_ns) / NS

    @property
    def now_ns(self) -> int:
        """The stamp of the newest frame."""
        return self._last_ns

    def remarks(self, skipped: Counter[str]) -> list[str]:
        """What the user should know of it."""
        remarks = []
        if not self.frames_with_faces:
            remarks.append(f"no face in any of {counted(self.frames, 'frame')}")
        if self.most_faces > 1:
            remarks.append(f"up to {self.most_faces} faces at once; the largest was looked at")
        if self.lost_s is not None:
            remarks.append(f"the face was lost at {self.lost_s:.1f} s; what follows was left out")
        if reasons := told(skipped):
            remarks.append(f"frames left out by the source: {reasons}")
        return remarks

    def _timed(self, frame: Frame) -> Frame:
        if self._offset_ns is None:
            self._offset_ns = self.begin_ns - frame.header.stamp_ns
        self._last_ns = frame.header.stamp_ns + self._offset_ns
        self._looker.next_ns = max(self._looker.next_ns, self._last_ns + BETWEEN_NS)
        self.frames += 1
        return replace(frame, header=replace(frame.header, stamp_ns=self._last_ns))

    def _shown(self, frame: Frame) -> Frame:
        watcher = self._looker.watcher
        if watcher is not None and watcher.wants_frames:
            self._image = frame
            watcher.see(frame)
        return frame

    def _show_again(self, frame: Frame | None, stamp_ns: int) -> None:
        if frame is not None and self._looker.watcher is not None:
            self._looker.watcher.see(replace(frame, header=replace(frame.header, stamp_ns=stamp_ns)))

    def _look(self, found: FaceLandmarksArray) -> FaceLandmarksArray:
        at_s = self.seconds(found.header.stamp_ns)
        self.most_faces = max(self.most_faces, len(found.faces))
        self.frames_with_faces += bool(found.faces)
        has_ended = bool(self._chosen) and self._chosen in found.ended_track_ids
        if has_ended:
            self._chosen = 0
            if self._stays and at_s - self._since_s > PASSING_S:
                self.lost_s = at_s
        elif not self._chosen and found.faces:
            self._chosen, self._since_s = max(found.faces, key=_area).track_id, at_s
            self._first = None
        faces = tuple(replace(face, track_id=FACE) for face in found.faces if face.track_id == self._chosen)
        one = replace(found, faces=faces, ended_track_ids=(FACE,) if has_ended and not self._stays else ())
        if faces:
            if self._first is None or at_s - self._since_s <= SETTLED_S:
                self._first, self._first_image = one, self._image
            self._last, self._last_image = one, self._image
        return one


def _area(face: FaceLandmarks) -> float:
    low, high = face.points[:, :2].min(axis=0), face.points[:, :2].max(axis=0)
    return float(np.nan_to_num(np.prod(high - low)))

"""Recordings for `face1d identity`: videos of the portrait, and clips of faces that no detector has to find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from stages.identity_faces import MOTIONS, Clip, face, motion, moving, resting

from face1d_ros.cli import identity_faces
from face1d_ros.cli.identity import command
from face1d_ros.config import SmoothingConfig
from face1d_ros.errors import SourceNotFoundError
from face1d_ros.graph import LANDMARKS, SMOOTHING
from face1d_ros.replay.pipeline import Step
from face1d_ros.replay.video_writer import VideoWriter
from face1d_ros.sources.base import Opened
from face1d_ros.sources.portrait import AnimatedPortrait
from face1d_ros.sources.portrait_motion import Constant, Event, PortraitMotion, Repeat
from face1d_ros.stages.smoothing import SmoothingStage
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, Frame, Header

RATE_HZ = 25.0
NS = 1_000_000_000
Faces = Sequence[FaceLandmarks]
Recording = list[tuple[Faces, tuple[int, ...]]]
"""Faces and ended tracks of each frame."""


def run(*words: object, answer: str | None = None) -> Result:
    """`face1d identity …` in this process."""
    return CliRunner().invoke(command, [str(word) for word in words], input=answer)


def of_one(clip: Clip, track_id: int = 1) -> Recording:
    return [((face(points, track_id),), ()) for points in clip]


def repeated(name: str, times: int = 1) -> Recording:
    """A person who makes a motion so many times, with rest before and after each."""
    return of_one([*resting(), *(points for _ in range(times) for points in [*moving(MOTIONS[name]), *resting(1.8)])])


def once(name: str) -> Recording:
    return of_one(motion(MOTIONS[name]))


class Clips:
    """Sources of these names give these faces; MediaPipe is not asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.recordings: dict[str, Recording] = {}
        self.before: Callable[[int], None] = lambda index: None
        """Called before each frame with its number."""
        self.images: dict[str, np.ndarray] = {}
        """What is behind the faces of a source; black where nothing is said."""
        self._shown: Recording = []
        monkeypatch.setattr(identity_faces, "open_source", self._open)
        monkeypatch.setattr(identity_faces, "make_steps", self._steps)

    def __setitem__(self, name: str, recording: Recording) -> None:
        self.recordings[name] = recording

    def _open(self, name: str, **_: Any) -> _ClipSource:
        if name not in self.recordings:
            raise SourceNotFoundError(name, "check the path")
        return _ClipSource(self, name)

    def _steps(self, *_: object) -> list[Step]:
        smoothing = SmoothingStage(SmoothingConfig(model="none", bridge_s=0.0))
        return [Step(LANDMARKS, _Detector(self)), Step(SMOOTHING, smoothing)]


class _ClipSource(Opened):
    live = False
    width, height, rate_hz = 640, 480, RATE_HZ

    def __init__(self, clips: Clips, name: str) -> None:
        self.description = f"clip {name}"
        self.skipped: Counter[str] = Counter()
        self._clips, self._name = clips, name
        self.length = len(clips.recordings[name])

    def frames(self) -> Iterator[Frame]:
        for index in range(self.length):
            self._clips.before(index)
            image = self._clips.images.get(self._name, np.zeros((2, 2, 3), np.uint8))
            yield Frame(Header(round(index * NS / RATE_HZ), f"{self._name} {index}"), image)


class _Detector:
    name = "landmarks"

    def __init__(self, clips: Clips) -> None:
        self._clips = clips

    def process(self, frame: Frame) -> FaceLandmarksArray:
        name, index = frame.header.frame_id.rsplit(" ", 1)
        faces, ended = self._clips.recordings[name][int(index)]
        return FaceLandmarksArray(frame.header, 640, 480, tuple(faces), ended)

    def prepare(self, config: object) -> None: ...

    def configure(self, config: object) -> None: ...

    def reset(self) -> None: ...

    def close(self) -> None: ...

    def diagnostics(self) -> dict[str, object]:
        return {}


def portrait_motion(what: str, period_s: float) -> PortraitMotion:
    """The portrait with lips shut; `jaw` and `brows` move once a period, after a second at rest."""

    def once(amount: float) -> Repeat:
        return Repeat(Event(1.0, 0.4, 0.3, 0.4, amount), period_s)

    lips = (Constant(0.95), once(-0.6)) if what == "jaw" else (Constant(0.95),)
    brows = (once(0.9),) if what == "brows" else ()
    relaxed = (Constant(-0.5),)
    return PortraitMotion(
        jaw=(once(0.7),) if what == "jaw" else (),
        lips_closed=lips,
        smile_left=relaxed,
        smile_right=relaxed,
        brow_left=brows,
        brow_right=brows,
    )


def write_video(path: Path, what: str, times: int, period_s: float = 3.0, rate_hz: float = 15.0) -> Path:
    """A small video of the portrait."""
    length = round(times * period_s * rate_hz)
    portrait = AnimatedPortrait(
        width=320, height=240, rate_hz=rate_hz, length=length, motion=portrait_motion(what, period_s)
    )
    writer = VideoWriter(path, width=320, height=240, rate_hz=rate_hz)
    for frame in portrait.frames():
        writer.write(np.ascontiguousarray(frame.image[:, :, ::-1]), frame.header.stamp_ns)
    writer.close()
    return path

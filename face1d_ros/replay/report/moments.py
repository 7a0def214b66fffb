"""Pictures of interesting moments, chosen while the frames go by.

A picture is made only of a frame that is kept for now, so that most frames cost nothing; how many are kept does not
grow with the length of the recording. The same frames give the same pictures, also where the work was broken off and
went on.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from face1d_ros.graph import LANDMARKS_RAW, LANDMARKS_SMOOTHED, STAGES
from face1d_ros.replay.json_file import read_json, write_json
from face1d_ros.replay.report.content import Moment
from face1d_ros.replay.report.moment_picture import picture, plain_ground
from face1d_ros.replay.report.moment_watch import Event, Watch
from face1d_ros.replay.report.timeline import LATE_S, LEAP_S, NS
from face1d_ros.types import FaceLandmarksArray, Frame, Header

MOST = 24
KEPT = {"appears": 4, "several": 2, "apex": 5, "turned": 1, "judged": 3, "lost": 2, "found": 2}
REGULAR, FIRST_DISTANCE_S = 12, 1.0
"""Regular ones: every second at first; when they become too many, every other one goes, and the distance doubles."""
NEAR_S = 0.3
"""A regular one that lies nearer to another picture shows nothing new."""
FILE, FOLDER, FORMAT = "moments.json", "kept", 1
TOPICS = {spec.stage: spec.publishes[0].name for spec in STAGES}


@dataclass(frozen=True)
class Kept:
    """A picture, and why it was kept."""

    index: int
    """Of its frame."""
    t_s: float
    kind: str
    caption: str
    weight: float
    jpeg: bytes


class Clock:
    """Seconds since the first frame; where stamps have jumped, what follows stands one step behind."""

    def __init__(self, first_ns: int = 0, newest_ns: int = 0, begins_s: float = 0.0, step_s: float = 0.0) -> None:
        self.state = (first_ns, newest_ns, begins_s, step_s)

    def begin(self, stamp_ns: int) -> None:
        """With the first frame."""
        self.state = (stamp_ns, stamp_ns, 0.0, 0.0)

    def place_s(self, stamp_ns: int) -> float:
        """Of the next frame."""
        first_ns, newest_ns, begins_s, step_s = self.state
        ahead_s = (stamp_ns - newest_ns) * NS
        if not -LATE_S <= ahead_s <= LEAP_S:
            first_ns, newest_ns, begins_s = stamp_ns, stamp_ns, begins_s + (newest_ns - first_ns) * NS + step_s
        elif ahead_s > 0.0:
            newest_ns, step_s = stamp_ns, ahead_s
        self.state = (first_ns, newest_ns, begins_s, step_s)
        return max(begins_s + (stamp_ns - first_ns) * NS, 0.0)


class Moments:
    """Keeps at most `MOST` pictures of all frames that it is shown.

    `folder` is where `save` puts them; None: nowhere. `ground`: frames without an image are drawn on plain ground.
    """

    def __init__(self, folder: Path | None, ground: bool = True) -> None:
        self.frames = 0
        """Shown so far."""
        self._folder = folder
        self._ground = ground
        self._watch = Watch()
        self._clock = Clock()
        self._kept: dict[str, list[Kept]] = {kind: [] for kind in (*KEPT, "regular")}
        self._distance_s = FIRST_DISTANCE_S
        self._next_s = 0.0
        self._saved: set[int] = set()
        self._skip = 0

    @classmethod
    def resumed(cls, folder: Path, frames: int | None = None) -> Moments:
        """As they were when last saved; none where nothing was.

        `frames`: so many were worked through where the work goes on. Those that come again are passed over.
        """
        found = cls(folder)
        state = read_json(folder / FILE)
        if state is not None and state.get("format") == FORMAT:
            with suppress(KeyError, TypeError, ValueError):
                restored = cls(folder)
                restored._restore(state)
                found = restored
        if frames is not None:
            found._skip = max(0, found.frames - frames)
        return found

    @classmethod
    def of_results(cls, bag: Path) -> Moments:
        """From the landmarks of a bag alone, on plain ground."""
        from face1d_ros.replay.report.results import Results

        found = cls(None)
        values: dict[str, Any] = {}
        for result in Results(bag):
            topic = TOPICS[result.stage]
            if topic in values:
                found._take_values(values)
                values = {}
            values[topic] = result.value
        if values:
            found._take_values(values)
        return found

    def take(self, frame: Frame, values: Mapping[str, Any]) -> None:
        """The next frame with its results by topic, as `Pipeline.process` gives them."""
        if self._skip:
            self._skip -= 1
            return
        if not self.frames:
            self._clock.begin(frame.header.stamp_ns)
        t_s = self._clock.place_s(frame.header.stamp_ns)
        events = [event for event in self._watch.see(values) if self._is_kept(event)]
        if t_s >= self._next_s:
            self._next_s = self._after(t_s)
            events.append(Event("regular", "", t_s))
        if events:
            self._keep(events, t_s, frame, values)
        self.frames += 1

    def moments(self) -> tuple[Moment, ...]:
        """In the order of their times; one for each frame, whatever there was to see in it."""
        special = [one for kind in KEPT for one in self._kept[kind]]
        by_frame: dict[int, list[Kept]] = {}
        for one in sorted(special, key=lambda one: one.index):
            by_frame.setdefault(one.index, []).append(one)
        times = [several[0].t_s for several in by_frame.values()]
        regular = [one for one in self._kept["regular"] if all(abs(one.t_s - t_s) >= NEAR_S for t_s in times)]
        for one in _spread(regular, MOST - len(by_frame)):
            by_frame[one.index] = [one]
        return tuple(_moment(by_frame[index]) for index in sorted(by_frame))

    def save(self) -> None:
        """Pictures first, then the file that names them; what it no longer names goes last. Raises RecordingError."""
        if self._folder is None:
            return
        folder = self._folder / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        pictures = {one.index: one.jpeg for several in self._kept.values() for one in several}
        for index in pictures.keys() - self._saved:
            (folder / _file_name(index)).write_bytes(pictures[index])
        write_json(self._folder / FILE, self._state(), indent=None)
        for index in self._saved - pictures.keys():
            (folder / _file_name(index)).unlink(missing_ok=True)
        self._saved = set(pictures)

    def _take_values(self, values: Mapping[str, Any]) -> None:
        landmarks = _landmarks(values, None)
        header = next(iter(values.values())).header
        if landmarks is not None or self.frames:
            self.take(Frame(Header(header.stamp_ns), plain_ground(landmarks)), values)

    def _is_kept(self, event: Event) -> bool:
        several = self._kept[event.kind]
        return len(several) < KEPT[event.kind] or self._weight(event) > min(one.weight for one in several)

    def _weight(self, event: Event) -> float:
        """Those without one get one by chance, but always the same: then those that are kept are spread over time."""
        if event.weight is not None:
            return event.weight
        return zlib.crc32(f"{event.kind} {self.frames}".encode()) / 2.0**32

    def _keep(self, events: Iterable[Event], t_s: float, frame: Frame, values: Mapping[str, Any]) -> None:
        landmarks = _landmarks(values, frame.header.stamp_ns)
        if frame.image.size == 0 and not self._ground:
            return
        image = frame.image if frame.image.size else plain_ground(landmarks)
        jpeg = picture(image, landmarks)
        for event in events if jpeg else ():
            several = self._kept[event.kind]
            several.append(Kept(self.frames, t_s, event.kind, event.caption, self._weight(event), jpeg))
            if event.kind == "regular":
                self._thin()
            elif len(several) > KEPT[event.kind]:
                several.remove(min(several, key=lambda one: (one.weight, -one.index)))

    def _thin(self) -> None:
        if len(self._kept["regular"]) > REGULAR:
            self._kept["regular"] = self._kept["regular"][::2]
            self._distance_s *= 2.0
            self._next_s = self._after(self._kept["regular"][-1].t_s)

    def _after(self, t_s: float) -> float:
        """When the next regular one is due."""
        return self._distance_s * (math.floor(t_s / self._distance_s) + 1)

    def _state(self) -> dict[str, Any]:
        names = ("index", "t_s", "kind", "caption", "weight")
        return {
            "format": FORMAT,
            "frames": self.frames,
            "clock": list(self._clock.state),
            "watch": self._watch.state(),
            "distance_s": self._distance_s,
            "next_s": self._next_s,
            "kept": [
                {name: getattr(one, name) for name in names} for several in self._kept.values() for one in several
            ],
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        """Raises KeyError, TypeError or ValueError for what `save` did not write."""
        assert self._folder is not None
        self.frames = int(state["frames"])
        self._clock = Clock(*state["clock"])
        self._watch.restore(state["watch"])
        self._distance_s, self._next_s = float(state["distance_s"]), float(state["next_s"])
        for told in state["kept"]:
            path = self._folder / FOLDER / _file_name(int(told["index"]))
            if path.is_file():
                self._kept[told["kind"]].append(Kept(**told, jpeg=path.read_bytes()))
                self._saved.add(int(told["index"]))


def _moment(several: list[Kept]) -> Moment:
    """Of one frame; of the kind that comes first."""
    captions = [one.caption for one in several if one.caption]
    return Moment(several[0].t_s, "; ".join(captions) or "at regular distances", several[0].kind, several[0].jpeg)


def _spread(several: list[Kept], count: int) -> list[Kept]:
    """So many of them, at like distances."""
    if len(several) <= count:
        return several
    return [several[(2 * place + 1) * len(several) // (2 * count)] for place in range(max(count, 0))]


def _landmarks(values: Mapping[str, Any], stamp_ns: int | None) -> FaceLandmarksArray | None:
    """The smoothed ones, if they are of this frame and not of one before."""
    smoothed, raw = (values.get(topic.name) for topic in (LANDMARKS_SMOOTHED, LANDMARKS_RAW))
    if smoothed is not None and (raw is None or stamp_ns is None or smoothed.header.stamp_ns == stamp_ns):
        return smoothed
    return raw


def _file_name(index: int) -> str:
    return f"{index:07d}.jpg"

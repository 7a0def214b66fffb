"""What is known to be true of a source: landmarks, labels, phases, head poses, by stamp.

From a topic of our landmark message in the source's bag, from a CSV file or from an NPZ file; docs/report.md says what
these hold. T rows, N landmarks.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import TruthError
from face1d_ros.geometry.topology import KNOWN
from face1d_ros.replay.report.results import messages, topics_of
from face1d_ros.sources.bag_topics import is_bag
from face1d_ros.types import FaceLandmarksArray, Phase, TrackState

LANDMARKS_TYPE = "face1d_ros/msg/FaceLandmarksArray"
NONE = "none"
"""No truth, whatever there is."""
TRUTH = "truth"
"""A topic with this in its name is taken without being asked for."""
NEAR_NS = 2_000_000
"""A row of a file belongs to the frame whose stamp is no further away: stamps in files may be rounded to ms."""
RELATIVE_S = 1e7
"""Files whose stamps all lie below this count from the first frame, where that one's stamp does not (four months)."""
AHEAD = 512
"""Frames of a truth topic that are kept, and read ahead at most."""


@dataclass(frozen=True, eq=False)
class TrueFace:
    """One face of one frame."""

    face: int = 1
    """The same in all frames of one person."""
    points: NDArray[np.float32] | None = None
    """(N, 2) px, NaN where a point is not known."""
    label: str = ""
    """'' where it is not known."""
    phase: Phase = Phase.UNKNOWN
    orientation: NDArray[np.float64] | None = None
    """(4,) x y z w, as in FaceMesh.pose."""
    position_m: NDArray[np.float64] | None = None
    """(3,)."""


class Truth(Protocol):
    """Tells what is true of a frame."""

    @property
    def description(self) -> str:
        """Where it is from."""

    @property
    def data(self) -> str:
        """`real` or `synthetic`: what the source is."""

    def begin(self, stamp_ns: int) -> None:
        """The stamp of the first frame."""

    def at(self, stamp_ns: int) -> tuple[TrueFace, ...] | None:
        """The faces of a frame; None where the truth says nothing of it."""


@dataclass(frozen=True, eq=False)
class Rows:
    """A truth file's content, each row a face in a frame; what it does not have is None."""

    stamps_ns: NDArray[np.int64]
    """(T,) in any order."""
    face: NDArray[np.int64] | None = None
    points: NDArray[np.float32] | None = None
    """(T, N, 2)."""
    label: NDArray[np.str_] | None = None
    phase: NDArray[np.int64] | None = None
    orientation: NDArray[np.float64] | None = None
    position_m: NDArray[np.float64] | None = None


class FileTruth:
    """Of a file, which is held in memory."""

    def __init__(self, rows: Rows, description: str, data: str = "real") -> None:
        self.description, self.data = description, data
        self._rows = rows
        self._order = np.argsort(rows.stamps_ns, kind="stable")
        self._stamps_ns = rows.stamps_ns[self._order]
        self._shift_ns = 0

    def begin(self, stamp_ns: int) -> None:
        """Count from here where the file's stamps count from 0 and those of the frames do not."""
        relative_ns = RELATIVE_S * 1e9
        if stamp_ns > relative_ns > self._stamps_ns[-1]:
            self._shift_ns = stamp_ns

    def at(self, stamp_ns: int) -> tuple[TrueFace, ...] | None:
        """The rows of the nearest stamp, if it is near enough."""
        wanted = stamp_ns - self._shift_ns
        place = int(np.searchsorted(self._stamps_ns, wanted))
        near = [self._stamps_ns[index] for index in (place - 1, place) if 0 <= index < len(self._stamps_ns)]
        nearest = min(near, key=lambda stamp: abs(int(stamp) - wanted))
        if abs(int(nearest) - wanted) > NEAR_NS:
            return None
        first, last = (
            np.searchsorted(self._stamps_ns, nearest, "left"),
            np.searchsorted(self._stamps_ns, nearest, "right"),
        )
        return tuple(self._face(int(row)) for row in self._order[first:last])

    def _face(self, row: int) -> TrueFace:
        rows = self._rows
        return TrueFace(
            1 if rows.face is None else int(rows.face[row]),
            None if rows.points is None else rows.points[row],
            "" if rows.label is None else str(rows.label[row]),
            Phase.UNKNOWN if rows.phase is None else Phase(int(rows.phase[row])),
            None if rows.orientation is None else rows.orientation[row],
            None if rows.position_m is None else rows.position_m[row],
        )


@dataclass
class TopicTruth:
    """Of a topic of landmarks, read beside the results; frames are matched by their exact stamps."""

    path: Path
    topic: str
    data: str = "real"
    _frames: Iterator[FaceLandmarksArray] | None = None
    _kept: OrderedDict[int, FaceLandmarksArray] = field(default_factory=OrderedDict)
    _newest_ns: int = -1

    @property
    def description(self) -> str:
        """Topic and bag."""
        return f"topic {self.topic} of {self.path.name}"

    def begin(self, stamp_ns: int) -> None:
        """Its stamps are those of the frames."""

    def at(self, stamp_ns: int) -> tuple[TrueFace, ...] | None:
        """Read on until the frame is there, or one that is later."""
        if self._frames is None:
            self._frames = _landmarks(self.path, self.topic)
        read = 0
        while stamp_ns not in self._kept and read < AHEAD and not self._newest_ns > stamp_ns:
            frame = next(self._frames, None)
            if frame is None:
                break
            read += 1
            self._newest_ns = frame.header.stamp_ns
            self._kept[self._newest_ns] = frame
            if len(self._kept) > AHEAD:
                self._kept.popitem(last=False)
        found = self._kept.get(stamp_ns)
        if found is None:
            return None
        return tuple(
            TrueFace(face.track_id or index + 1, face.points[:, :2])
            for index, face in enumerate(found.faces)
            if face.state is not TrackState.BRIDGED and len(face.points) in KNOWN
        )


def load_truth(spec: str, source: str | Path) -> Truth | None:
    """A CSV or NPZ file, or a topic of the source's bag; '': a topic whose name holds `truth`, if there is one.

    'none' is no truth. Raises TruthError.
    """
    from face1d_ros.replay.report.truth_files import SUFFIXES, read_file

    if spec == NONE:
        return None
    if Path(spec).suffix.lower() in SUFFIXES:
        return read_file(Path(spec))
    path = Path(source)
    topics = _truth_topics(path)
    if not spec:
        named = [topic for topic in topics if TRUTH in topic.rsplit("/", 1)[-1] or f"/{TRUTH}/" in topic]
        if len(named) > 1:
            raise TruthError(path, f"holds several truth topics: {', '.join(named)}; name one, or 'none'")
        return TopicTruth(path, named[0]) if named else None
    wanted = spec if spec.startswith("/") else f"/{spec}"
    if wanted not in topics:
        there = ", ".join(topics) or "none"
        raise TruthError(spec, f"is no CSV or NPZ file and no landmark topic of {path}; its landmark topics: {there}")
    return TopicTruth(path, wanted)


def _truth_topics(path: Path) -> list[str]:
    if not is_bag(path):
        return []
    return sorted({topic for topic, kind in topics_of(path) if kind == LANDMARKS_TYPE})


def _landmarks(path: Path, topic: str) -> Iterator[FaceLandmarksArray]:
    for message in messages(path, lambda name, kind: (name, kind) == (topic, LANDMARKS_TYPE), []):
        assert isinstance(message.value, FaceLandmarksArray)
        yield message.value


def known_vector(values: NDArray[np.float64] | None) -> bool:
    """Whether a truth says it, and without NaN."""
    return values is not None and math.isfinite(float(values.sum()))

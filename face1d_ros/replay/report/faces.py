"""How many faces there are over time, and how long there are none."""

from __future__ import annotations

from dataclasses import dataclass, field

from face1d_ros.replay.report.binned import Group, Line, Spans
from face1d_ros.replay.report.content import HIGHER, LOWER, Figure
from face1d_ros.replay.report.tracks import TrackBook
from face1d_ros.types import FaceLandmarksArray, TrackState

COUNT = Group("faces", (Line("faces.count", "faces", ""),))
FACE = Group(
    "face", (Line("faces.confidence", "detector's confidence"), Line("faces.size_px", "size of the face", "px"))
)


class Presence:
    """Of the frames of one topic, whichever it is."""

    def __init__(self) -> None:
        self.frames = 0
        self.with_face = 0
        self.several = 0
        self.most = 0
        self.longest_loss_s = 0.0
        """The longest time without a face after one had been seen."""
        self.spans = Spans("no_face")
        self._without_since_s: float | None = None

    def take(self, count: int, t_s: float) -> None:
        """The next frame with so many faces."""
        self.frames += 1
        self.with_face += count > 0
        self.several += count > 1
        if not count and self._without_since_s is None:
            self._without_since_s = t_s
        if count:
            self._found(t_s)
        self.most = max(self.most, count)

    def close(self, t_s: float) -> None:
        """The bag has ended."""
        self._found(t_s)

    def figures(self) -> list[Figure]:
        """Those of faces alone."""
        frames = self.frames or None
        shares = (None if frames is None else 100.0 * count / frames for count in (self.with_face, self.several))
        with_face, several = shares
        return [
            Figure("faces.with_face_percent", "frames with a face", with_face, "%", HIGHER),
            Figure("faces.several_percent", "frames with several faces", several, "%"),
            Figure("faces.most_at_once", "most faces at once", float(self.most)),
            Figure("faces.longest_loss_s", "longest time without a face", self.longest_loss_s, "s", LOWER),
        ]

    def _found(self, t_s: float) -> None:
        since_s, self._without_since_s = self._without_since_s, None
        if since_s is not None and t_s > since_s:
            self.spans.add(None, "", since_s, t_s)
            if self.most:
                self.longest_loss_s = max(self.longest_loss_s, t_s - since_s)


@dataclass
class Bridge:
    """A loss that is being bridged."""

    from_s: float
    to_s: float


@dataclass
class Bridges:
    """Short losses of a track that the smoother has bridged."""

    frames: int = 0
    bridged: int = 0
    """Of all faces in all frames."""
    spans: Spans = field(default_factory=lambda: Spans("bridged"))
    _open: dict[int, Bridge] = field(default_factory=dict)

    def take(self, frame: FaceLandmarksArray, t_s: float) -> None:
        """The next smoothed frame."""
        for face in frame.faces:
            self.frames += 1
            if face.state is TrackState.BRIDGED:
                self.bridged += 1
                bridge = self._open.setdefault(face.track_id, Bridge(t_s, t_s))
                bridge.to_s = t_s
            elif face.track_id in self._open:
                self._open[face.track_id].to_s = t_s
                self.forget(face.track_id)

    def forget(self, track_id: int) -> None:
        """It is measured again, or has ended."""
        bridge = self._open.pop(track_id, None)
        if bridge is not None:
            self.spans.add(track_id, "", bridge.from_s, bridge.to_s)

    def figures(self) -> list[Figure]:
        """Nothing where there was no smoothed face."""
        if not self.frames:
            return []
        share = 100.0 * self.bridged / self.frames
        return [Figure("faces.bridged_percent", "faces bridged by the smoother", share, "%")]


def take_faces(frame: FaceLandmarksArray, t_s: float, book: TrackBook) -> None:
    """Series of the detector's faces."""
    book.add(None, COUNT, t_s, [float(len(frame.faces))])
    for face in frame.faces:
        book.add(face.track_id, FACE, t_s, [face.confidence, float(face.box[2:].max())])

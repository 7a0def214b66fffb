"""The detector on real images with marked landmarks.

Of several faces in an image the one is taken whose middle is nearest to the marked one's; a face whose middle lies
further from it than half the marked face's size is another face, and the marked one was missed. Each sequence is
looked at from scratch. What the detector's 68 points are is another matter than what people marked: its jaw is a line
on the skin, theirs the outline that is seen, so that part of the error is one of definition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from face1d_ros.config import LandmarksConfig
from face1d_ros.datasets.base import RealSequence
from face1d_ros.datasets.images import Image, Images
from face1d_ros.detect.detector import make_detector
from face1d_ros.errors import DatasetFileError
from face1d_ros.evaluate import metrics
from face1d_ros.evaluate.metrics_3d import gte_percent
from face1d_ros.evaluate.tracks import Floats
from face1d_ros.geometry.topology import to_68
from face1d_ros.types import FaceLandmarks

MEASURES = (
    ("nme", metrics.nme_percent, metrics.frame_nme_percent),
    ("nrmse", metrics.nrmse_percent, metrics.frame_nrmse_percent),
)
COUNTED = ("frames", "missed")
OTHER_FACE = 0.5
"""Of the marked face's size."""
BALANCED = "balanced"
Advance = Callable[[], None]
Skip = Callable[[DatasetFileError], None]


class RealJudge:
    """Measures the detector sequence by sequence; `close` frees it."""

    def __init__(self, faces: int, most_frames: int | None = None, skip: Skip | None = None) -> None:
        """How many faces are looked for, and how many frames of a sequence are used at most.

        An image that cannot be read is an error; with `skip` it is told there and does not count.
        """
        config = LandmarksConfig(max_faces=faces)
        self._detector = make_detector(config)
        self.model = self._detector.model
        self._most = most_frames
        self._skip = skip

    def row(self, sequence: RealSequence, truth: Floats, advance: Advance = lambda: None) -> dict[str, Any]:
        """All figures of one sequence; its truth is (T, 68, 2) or with depth (T, 68, 3), NaN what is not marked."""
        self._detector.reset()
        truth, found = truth.copy(), np.full_like(truth, np.nan)
        count = 0
        for points, image in zip(truth[: self._most], readable(sequence.images, self._skip), strict=False):
            face = nearest(self._detector.detect(image), points) if image is not None else None
            if image is None:
                points[:] = np.nan
            if face is not None:
                found[count] = face[:, : truth.shape[2]]
            count += 1
            advance()
        found, truth = found[:count], truth[:count]
        row = {"sequence": sequence.name, "split": sequence.split}
        row |= figures(found[..., :2], truth[..., :2], motion=sequence.video)
        return row | _depth_figures(found, truth)

    def close(self) -> None:
        """Free the models."""
        self._detector.close()


def readable(images: Images, skip: Skip | None) -> Iterator[Image | None]:
    """Each image, or None for one that cannot be read, if `skip` is there to be told of it."""
    reading = iter(images)
    while True:
        try:
            image = next(reading, None)
        except DatasetFileError as error:
            if skip is None:
                raise
            skip(error)
            yield None
            continue
        if image is None:
            return
        yield image


def _depth_figures(found: Floats, truth: Floats) -> dict[str, float]:
    """GTE over the faces of which every point is known with its depth; nothing without depth in the truth."""
    if truth.shape[2] != 3:
        return {}
    whole = (np.isfinite(found) & np.isfinite(truth)).all(axis=(1, 2))
    return {"gte_percent": gte_percent(found[whole], truth[whole])} if whole.any() else {}


def balanced(splits: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The plain mean of each figure over splits of several sizes: each counts the same; what is counted is a sum."""
    counted = sum(row["sequences"] for row in splits)
    rows = [{key: value for key, value in row.items() if value is not None} for row in splits]
    return summary([{**row, "sequence": "", "sequences": 0} for row in rows], BALANCED) | {"sequences": counted}


def figures(found: Floats, truth: Floats, *, motion: bool) -> dict[str, Any]:
    """Of one sequence (T, 68, 2); a face that was not found is NaN, and frames without any truth do not count."""
    marked = np.isfinite(truth).all(axis=2)
    present = np.isfinite(found).all(axis=2) & marked
    asked, seen = marked.any(axis=1), present.any(axis=1)
    row: dict[str, Any] = {"frames": int(asked.sum()), "missed": int((asked & ~seen).sum())}
    if not asked.any():
        return row
    nothing = np.full(len(truth), np.inf)
    for name, mean, of_each in MEASURES:
        if seen.any():
            row[f"{name}_percent"] = mean(found, truth, present)
        errors = of_each(found, truth, present) if seen.any() else nothing
        row |= {f"{name}_{key}": value for key, value in metrics.cumulative_errors(errors[asked]).items()}
    if motion and len(truth) >= 3 and np.logical_and.reduce([present[:-2], present[1:-1], present[2:]]).any():
        row |= metrics.landmark_motion(found, truth, present)
    return row


def summary(rows: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    """The plain mean over sequences of each figure that a sequence has; frames and misses are sums."""
    keys = dict.fromkeys(key for row in rows for key in row if key not in ("sequence", "split"))
    found: dict[str, Any] = {"split": name, "sequences": len(rows)}
    for key in keys:
        values = [row[key] for row in rows if key in row and np.isfinite(row[key])]
        if key in COUNTED:
            found[key] = sum(values)
        else:
            found[key] = float(np.mean(values)) if values else None
    return found


def nearest(faces: Sequence[FaceLandmarks], truth: Floats) -> Floats | None:
    """(68, 3) px of the face that is meant by (68, 2) or (68, 3); None if there is none or nothing was marked."""
    truth = truth[:, :2]
    known = truth[np.isfinite(truth).all(axis=1)]
    if not faces or not known.size:
        return None
    low, high = known.min(axis=0), known.max(axis=0)
    points = [to_68(face.points.astype(np.float64)) for face in faces]
    apart = [float(np.linalg.norm(_middle(one[:, :2], truth) - known.mean(axis=0))) for one in points]
    best = int(np.argmin(apart))
    return points[best] if apart[best] <= OTHER_FACE * float((high - low).max()) else None


def _middle(points: Floats, truth: Floats) -> Floats:
    """Of the points that are marked in the truth."""
    return np.asarray(points[np.isfinite(truth).all(axis=1)].mean(axis=0))

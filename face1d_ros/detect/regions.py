"""Square, turned regions of an image that the landmark model looks at. Geometry as in MediaPipe's own graphs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from face1d_ros.detect.landmark_list import Box
from face1d_ros.types import FloatArray

MARGIN = 1.5
"""Side of a region over the longer side of the face's box."""
RIGHT_EYE_OUTER, LEFT_EYE_OUTER = 33, 263
"""Points of the mesh whose line is level in the region."""
SAME_PLACE_OVERLAP = 0.5
"""Of two regions of about one size; those of faces side by side have about 0.2."""
SAME_FACE_SHARE = 0.3
"""Centres of two regions closer than that share of the larger one's side: found twice, once perhaps in a view that
cuts the face off. Half a face's width."""


@dataclass(frozen=True)
class Region:
    """A square around (x, y), turned clockwise."""

    x_px: float
    y_px: float
    side_px: float
    angle_rad: float = 0.0

    def overlap(self, other: Region) -> float:
        """Intersection over union, both taken as not turned."""
        reach = (self.side_px + other.side_px) / 2.0
        longest = min(self.side_px, other.side_px)
        width = min(reach - abs(self.x_px - other.x_px), longest)
        height = min(reach - abs(self.y_px - other.y_px), longest)
        if width <= 0.0 or height <= 0.0:
            return 0.0
        both = width * height
        return both / (self.side_px**2 + other.side_px**2 - both)

    def overlaps(self, others: Iterable[Region]) -> bool:
        """Whether one of the others is about the same place and size."""
        return any(self.overlap(other) >= SAME_PLACE_OVERLAP for other in others)

    def same_face(self, others: Iterable[Region], share: float = SAME_FACE_SHARE) -> bool:
        """Whether the middle of one of the others is in the middle of this one, whatever their sizes."""
        return any(
            max(abs(self.x_px - other.x_px), abs(self.y_px - other.y_px)) < share * max(self.side_px, other.side_px)
            for other in others
        )


@dataclass(frozen=True)
class Found:
    """A face as the face detection model finds it: its score and where to look for landmarks."""

    score: float
    region: Region


def around_box(box: Box, right_eye: Sequence[float], left_eye: Sequence[float]) -> Region:
    """The region of a box, turned so that the eyes are level. All in pixels."""
    x, y, width, height = box
    angle = math.atan2(left_eye[1] - right_eye[1], left_eye[0] - right_eye[0])
    return Region(x + width / 2.0, y + height / 2.0, MARGIN * max(width, height), angle)


def around_points(points: FloatArray, box: Box) -> Region:
    """The region where to look for a face in the next image, from its (N, 3) points in this one and their box."""
    return around_box(box, points[RIGHT_EYE_OUTER].tolist(), points[LEFT_EYE_OUTER].tolist())


def distinct(found: Iterable[Found], taken: Sequence[Region]) -> list[Region]:
    """One region of each face that is not among those taken, the best scores first."""
    # Equal scores are told apart by position, so that the order they came in means nothing.
    best_first = sorted(found, key=lambda f: (-f.score, f.region.x_px, f.region.y_px, f.region.side_px))
    chosen: list[Region] = []
    for candidate in best_first:
        if not candidate.region.same_face([*taken, *chosen]):
            chosen.append(candidate.region)
    return chosen

"""From MediaPipe's landmark messages to pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from face1d_ros.detect.confidence import point_confidence
from face1d_ros.detect.installed import load_part
from face1d_ros.geometry.topology import topology_of
from face1d_ros.types import FaceLandmarks, FloatArray, TrackState, no_values

Box = tuple[float, float, float, float]
"""x y width height around a face's points, px."""
LANDMARK_BYTES = 17
"""A landmark in a serialized `NormalizedLandmarkList`, as MediaPipe writes it: x, y and z and nothing else."""
FIRST_FLOAT, FLOAT_STRIDE = 3, 5
"""Where x begins in it, and how far y is from x and z from y."""
FRAMING = {0: b"\x0a", 1: b"\x0f", 2: b"\x0d", 7: b"\x15", 12: b"\x1d"}
"""What else stands in it: the tag and the length of the rest, and the tags of x, y and z."""


def normalized_points(serialized: Sequence[bytes]) -> FloatArray:
    """(B, N, 3) in shares of the image, from B serialized lists of N landmarks each.

    Read as one strided array they take 5 µs a face; asking each landmark for x, y and z takes 200 µs, and is done
    only where a list holds something else too.
    """
    data = b"".join(serialized)
    count = len(data) // LANDMARK_BYTES
    plain = len(data) == LANDMARK_BYTES * count
    if plain and all(data[start::LANDMARK_BYTES] == byte * count for start, byte in FRAMING.items()):
        numbers: FloatArray = np.ndarray((count, 3), "<f4", data, FIRST_FLOAT, (LANDMARK_BYTES, FLOAT_STRIDE))
        return numbers.reshape(len(serialized), -1, 3)
    message = load_part("framework.formats.landmark_pb2").NormalizedLandmarkList
    lists = [message.FromString(face).landmark for face in serialized]
    return np.array([[(p.x, p.y, p.z) for p in landmarks] for landmarks in lists], np.float32)


def points_px(normalized: FloatArray, width: int, height: int) -> FloatArray:
    """(B, N, 3) in pixels, (0, 0) the centre of the first one; z is in shares of the width.

    MediaPipe crops faces with OpenCV's `warpPerspective`, where whole numbers are pixel centres, so that no half pixel
    is taken off: with image and region turned upside down, the points are at width - 1 - x to 0.003 px, and mirrored
    pictures of a face say the same (docs/landmarks.md).
    """
    return np.multiply(normalized, np.array((width, height, width), np.float32), dtype=np.float32)


def boxes(points: FloatArray) -> list[Box]:
    """The boxes around (B, N, 3) points."""
    # Extremes along contiguous rows, of all faces at once: a fifth of the time.
    flat = np.ascontiguousarray(np.swapaxes(points[..., :2], 1, 2))
    corners = zip(flat.min(axis=2).tolist(), flat.max(axis=2).tolist(), strict=True)
    return [(left, top, right - left, bottom - top) for (left, top), (right, bottom) in corners]


def measured_faces(
    points: FloatArray,
    image_size: tuple[int, int],
    confidences: Sequence[float],
    blendshapes: Sequence[FloatArray] = (),
    known_boxes: Sequence[Box] = (),
) -> tuple[FaceLandmarks, ...]:
    """Faces of (B, N, 3) in pixels of an image (width, height).

    With B confidences, B or no arrays (52,) of blendshapes, and B boxes or none, which are then measured.
    """
    if not len(points):
        return ()
    around = np.array(known_boxes or boxes(points), np.float32)
    faces = zip(
        points,
        confidences,
        point_confidence(points, *image_size, confidences, around),
        around,
        blendshapes or [no_values()] * len(points),
        strict=True,
    )
    topology = topology_of(points.shape[1])
    return tuple(
        FaceLandmarks(
            points=face,
            topology=topology,
            state=TrackState.MEASURED,
            confidence=confidence,
            point_confidence=of_points,
            blendshapes=shapes,
            box=box,
        )
        for face, confidence, of_points, box, shapes in faces
    )

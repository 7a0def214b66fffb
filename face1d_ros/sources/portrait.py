"""The animated portrait: a public-domain photo moved by known motion, with the exact truth of every point.

Image and truth go through one and the same map: rendering asks where each pixel comes from, `move` where a
point goes, both in closed form or to 1e-9 px.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import ConversionError, InvalidValueError, MissingDependencyError
from face1d_ros.sources.base import Opened, stamp_of
from face1d_ros.sources.portrait_face import FACE_CENTER, FACE_HEIGHT_PX, Eyelids, Mouth, face_warps
from face1d_ros.sources.portrait_imaging import Camera, PortraitImaging
from face1d_ros.sources.portrait_motion import Channels, PortraitMotion, demo_motion
from face1d_ros.sources.portrait_warp import Box, Warp
from face1d_ros.types import Frame, Header

LIP_SHADOW = np.array([62, 24, 22], np.float32)
LASH_SHADOW = np.array([58, 38, 28], np.float32)
WARPED_MARGIN_PX = 10.0
"""Photo pixels by which warps may shift each other's place."""


@lru_cache(maxsize=1)
def astronaut() -> NDArray[np.uint8]:
    """(512, 512, 3) RGB: NASA's portrait of Eileen Collins, public domain, inside scikit-image's package."""
    try:
        from skimage.data import astronaut as load
    except ImportError as error:
        how = "pip install scikit-image"
        raise MissingDependencyError("scikit-image", "the animated portrait", how) from error
    photo = np.ascontiguousarray(load(), np.uint8)
    photo.setflags(write=False)
    return photo


@dataclass(frozen=True)
class PortraitTruth:
    """Where every point of the photo is at one time."""

    t_s: float
    channels: Channels
    similarity: NDArray[np.float64]
    """(2, 3): the head's part of the motion, from photo to frame pixels; the face moves before it."""
    warps: tuple[Warp, ...]

    def move(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """(N, 2) points of the still photo to their pixels in the frame; a third column z is scaled along."""
        points = _checked_points(points)
        x, y = points[:, 0], points[:, 1]
        for warp in self.warps:
            x, y = warp.forward(x, y)
        (a, b, c), (d, e, f) = self.similarity
        moved = [a * x + b * y + c, d * x + e * y + f]
        return np.stack([*moved, *(points[:, 2:] * math.hypot(a, d)).T], axis=1)

    def trace_back(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """(N, 2) pixels of the frame to the points of the still photo seen there; the reverse of `move`."""
        points = _checked_points(points)
        (a, b, c), (d, e, f) = cv2.invertAffineTransform(self.similarity)
        x = a * points[:, 0] + b * points[:, 1] + c
        y = d * points[:, 0] + e * points[:, 1] + f
        for warp in reversed(self.warps):
            x, y = warp.backward(x, y)
        return np.stack([x, y, *(points[:, 2:] * math.hypot(a, d)).T], axis=1)


class AnimatedPortrait(Opened):
    """Frames of a moving face, endless by default; `frames_with_truth` gives the truth beside them."""

    live = False

    def __init__(
        self,
        *,
        width: int = 640,
        height: int = 480,
        rate_hz: float = 30.0,
        length: int | None = None,
        motion: PortraitMotion | None = None,
        imaging: PortraitImaging | None = None,
        face_height: float = 0.5,
        frame_id: str = "",
        photo: NDArray[np.uint8] | None = None,
        shadows: bool = True,
    ) -> None:
        """A face that is `face_height` of the frame high (fringe to chin), in its middle at rest.

        `photo` (512, 512, 3) takes the place of the astronaut; without `shadows` the inside of the mouth is
        not darkened. Both serve tests of the map.
        """
        numbers = {"width": width, "height": height, "rate_hz": rate_hz, "face_height": face_height}
        for name, number in numbers.items():
            if not (math.isfinite(number) and number > 0):
                raise InvalidValueError(f"AnimatedPortrait.{name}", number, "a number above 0")
        self.width, self.height, self.rate_hz, self.length = width, height, rate_hz, length
        self.motion = motion if motion is not None else demo_motion()
        self.skipped: Counter[str] = Counter()
        self._frame_id = frame_id
        self._shadows = shadows
        self._scale = face_height * height / FACE_HEIGHT_PX
        imaging = imaging if imaging is not None else PortraitImaging()
        self._sample_times = imaging.sample_times
        self._camera = Camera(imaging, width, height)
        self._photo, self._photo_factor = _resampled(astronaut() if photo is None else photo, self._scale)
        self._x = np.arange(width, dtype=np.float32)
        self._y = np.arange(height, dtype=np.float32)[:, None]

    @property
    def description(self) -> str:
        """Name, size and rate."""
        return f"animated portrait, {self.width}×{self.height} at {self.rate_hz:g} Hz"

    def truth(self, t_s: float) -> PortraitTruth:
        """Where everything is at this time."""
        channels = self.motion.at(t_s)
        scale = self._scale * (1.0 + channels.zoom)
        face_height_px = self._scale * FACE_HEIGHT_PX
        cos, sin = scale * math.cos(channels.roll_rad), scale * math.sin(channels.roll_rad)
        x = (self.width - 1) / 2.0 + channels.shift_x * face_height_px
        y = (self.height - 1) / 2.0 + channels.shift_y * face_height_px
        cx, cy = FACE_CENTER
        similarity = np.array([[cos, -sin, x - cos * cx + sin * cy], [sin, cos, y - sin * cx - cos * cy]])
        return PortraitTruth(t_s, channels, similarity, tuple(face_warps(channels)))

    def move(self, points_px: NDArray[np.floating[Any]], t_s: float) -> NDArray[np.float64]:
        """(N, 2) or (N, 3) points of the still photo to their place in the frame at this time."""
        return self.truth(t_s).move(points_px)

    def frames(self) -> Iterator[Frame]:
        """Frames at the rate, the first at 0 s."""
        for frame, _ in self.frames_with_truth():
            yield frame

    def frames_with_truth(self) -> Iterator[tuple[Frame, PortraitTruth]]:
        """Each frame with where everything is in it."""
        index = 0
        while self.length is None or index < self.length:
            truth = self.truth(index / self.rate_hz)
            header = Header(stamp_ns=stamp_of(index, self.rate_hz), frame_id=self._frame_id)
            yield Frame(header, self.image(truth, index)), truth
            index += 1

    def image(self, truth: PortraitTruth, index: int = 0) -> NDArray[np.uint8]:
        """(H, W, 3) RGB as the camera sees it; the index chooses the noise."""
        times = self._sample_times(truth.t_s)
        if len(times) == 1:
            return self._camera.take(self._render(truth), truth.t_s, index)
        total = np.zeros((self.height, self.width, 3), np.float32)
        for t_s in times:
            cv2.accumulate(self._render(self.truth(t_s)), total)
        averaged = np.rint(total / len(times)).astype(np.uint8)
        return self._camera.take(averaged, truth.t_s, index)

    def _render(self, truth: PortraitTruth) -> NDArray[np.uint8]:
        """The photo seen through the map, without the camera's disturbances."""
        (a, b, c), (d, e, f) = cv2.invertAffineTransform(truth.similarity).astype(np.float32)
        map_x = (a * self._x + c) + b * self._y
        map_y = (d * self._x + f) + e * self._y
        shadows = []
        for warp in reversed(truth.warps):
            part = self._part_of_frame(warp.box, truth.similarity)
            x, y = map_x[part], map_y[part]
            if not x.size:
                continue
            if self._shadows and isinstance(warp, (Eyelids, Mouth)):
                color = LIP_SHADOW if isinstance(warp, Mouth) else LASH_SHADOW
                shadows.append((part, warp.darkness(x, y), color))
            map_x[part], map_y[part] = warp.backward(x, y)
        factor = self._photo_factor
        for grid in (map_x, map_y):
            grid *= factor
            grid += 0.5 * factor - 0.5
        image = cv2.remap(self._photo, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        for part, darkness, color in shadows:
            weight = darkness[..., None].astype(np.float32)
            image[part] = image[part] * (1.0 - weight) + (color * weight + 0.5)
        return np.asarray(image, np.uint8)

    def _part_of_frame(self, box: Box, similarity: NDArray[np.float64]) -> tuple[slice, slice]:
        """The rows and columns of the frame in which a box of the photo lies."""
        x0, y0, x1, y1 = box
        margin = WARPED_MARGIN_PX
        xs = np.array([x0 - margin, x1 + margin, x0 - margin, x1 + margin])
        ys = np.array([y0 - margin, y0 - margin, y1 + margin, y1 + margin])
        columns = similarity[0, 0] * xs + similarity[0, 1] * ys + similarity[0, 2]
        rows = similarity[1, 0] * xs + similarity[1, 1] * ys + similarity[1, 2]
        return _whole(rows, self.height), _whole(columns, self.width)


def _whole(span: NDArray[np.float64], size: int) -> slice:
    """The whole pixels around a span, inside the frame."""
    first = min(max(math.floor(span.min()), 0), size)
    return slice(first, min(max(math.ceil(span.max()) + 1, first), size))


def _resampled(photo: NDArray[np.uint8], scale: float) -> tuple[NDArray[np.uint8], float]:
    """The photo at about the resolution at which it will be seen, and its factor."""
    if photo.shape != (512, 512, 3) or photo.dtype != np.uint8:
        came = (photo.shape, photo.dtype)
        raise InvalidValueError("AnimatedPortrait.photo", came, "(512, 512, 3) of uint8")
    factor = float(min(2 ** round(math.log2(max(scale, 1.0 / 16.0)) + 0.25), 8))
    if factor == 1.0:
        return photo, factor
    method = cv2.INTER_CUBIC if factor > 1.0 else cv2.INTER_AREA
    return np.asarray(cv2.resize(photo, None, fx=factor, fy=factor, interpolation=method), np.uint8), factor


def _checked_points(points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or points.shape[1] not in (2, 3):
        raise ConversionError("points", f"shape {points.shape}", "(N, 2) or (N, 3)")
    return points

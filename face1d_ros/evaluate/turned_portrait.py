"""The photo turned in space: its face as a mesh with the detector's own depth, shown from another side.

Where the depth is wrong, the turned face is a little other than the person's; it is a face all the same, and where
each of its points is in the image is known exactly. What the photo does not show (the far side of the nose, an ear)
cannot be shown: the mesh hides it up to about 40 degrees. Projection without perspective, as in MediaPipe's own depth.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry.topology import curve, triangles
from face1d_ros.sources.portrait import astronaut
from face1d_ros.sources.portrait_imaging import Camera, PortraitImaging
from face1d_ros.types import Topology

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]
RINGS = ((1.25, 0.25), (1.8, 0.55), (6.0, 0.7))
"""Around the face: the outline grown by a factor, and so far behind it, in face sizes: hair, neck and surroundings."""
FRAME_OVER_FACE = 1.9
PIVOT_BEHIND = 0.35
"""The head turns around a point so far behind the mean of its landmarks, in face sizes."""
SUBPIXEL_BITS = 4


class TurnedPortrait:
    """Renders the turned photo."""

    def __init__(self, places: Floats, size_px: float, imaging: PortraitImaging) -> None:
        """With the landmarks' places (478, 3) in the photo and their depth, for a face of this size when not turned."""
        self._photo = astronaut()
        self._side = 2 * round(FRAME_OVER_FACE * size_px / 2.0)
        self._scale = size_px / float(np.ptp(places[:, :2], axis=0).max())
        self._camera = Camera(imaging, self._side, self._side)
        outline = curve("face_oval", Topology.MESH_468).indices
        self._mesh, self._corners = _with_surroundings(places, outline)
        self._pivot = places[:468].mean(axis=0) + np.array([0.0, 0.0, PIVOT_BEHIND * size_px / self._scale])
        self._places = places

    def frame(self, index: int, yaw_rad: float, pitch_rad: float, t_s: float) -> tuple[Image, Floats]:
        """The image (S, S, 3), and where the landmarks (478, 3) are in it, z around its mean."""
        wobble = 0.01 * np.array([np.sin(7.1 * t_s), np.cos(4.3 * t_s)]) * self._side
        seen = self._seen(self._mesh, yaw_rad, pitch_rad, wobble)
        image = self._camera.take(self._render(seen), t_s, index)
        points = self._seen(self._places, yaw_rad, pitch_rad, wobble)
        points[:, 2] -= points[:468, 2].mean()
        return image, points

    def _seen(self, points: Floats, yaw: float, pitch: float, wobble: Floats) -> Floats:
        """(M, 3) of the photo → pixels, turned around a point inside the head."""
        cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
        turn = np.array([[cy, sy * sp, sy * cp], [0.0, cp, -sp], [-sy, cy * sp, cy * cp]])
        turned = (points - self._pivot) @ turn.T * self._scale
        middle = (self._side - 1) / 2.0 + wobble
        return np.column_stack([turned[:, :2] + middle, turned[:, 2]])

    def _render(self, seen: Floats) -> Image:
        """Triangles from the back to the front; each pixel then looks up its place in the photo."""
        corners = seen[self._corners]
        ids = np.full((self._side, self._side), -1, np.int32)
        order = np.argsort(-corners[..., 2].mean(axis=1))
        whole = np.rint(corners[..., :2] * (1 << SUBPIXEL_BITS)).astype(np.int32)
        for index in order.tolist():
            cv2.fillConvexPoly(ids, whole[index], index, cv2.LINE_8, SUBPIXEL_BITS)
        maps = _affine_maps(corners[..., :2], self._mesh[self._corners][..., :2])[np.maximum(ids, 0)]
        x = np.arange(self._side, dtype=np.float32)
        y = x[:, None]
        map_x = maps[..., 0] * x + maps[..., 1] * y + maps[..., 2]
        map_y = maps[..., 3] * x + maps[..., 4] * y + maps[..., 5]
        shrink = min(self._scale, 1.0)
        photo = self._photo if shrink == 1.0 else cv2.GaussianBlur(self._photo, (0, 0), 0.4 / shrink)
        return np.asarray(cv2.remap(photo, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101), np.uint8)


def _affine_maps(seen: Floats, photo: Floats) -> NDArray[np.float32]:
    """(F, 6) maps from the image (F, 3, 2) to the photo (F, 3, 2); of triangles seen edge-on anything finite."""
    ones = np.concatenate([seen, np.ones_like(seen[..., :1])], axis=-1)
    flat = np.abs(np.linalg.det(ones)) < 1e-9
    ones[flat] = np.eye(3)
    return np.linalg.solve(ones, photo).swapaxes(1, 2).reshape(-1, 6).astype(np.float32)


def _with_surroundings(places: Floats, outline: NDArray[np.intp]) -> tuple[Floats, NDArray[np.intp]]:
    """The mesh (M, 3) of face and surroundings, and its triangles (F, 3)."""
    points, corners = [places[:468]], [triangles(Topology.MESH_468)]
    rim, middle = outline, places[outline].mean(axis=0)
    size = float(np.ptp(places[:468, :2], axis=0).max())
    for factor, behind in RINGS:
        ring = middle + (places[outline] - middle) * [factor, factor, 1.0]
        ring[:, 2] = np.maximum(ring[:, 2], places[outline, 2].max()) + behind * size
        first = sum(len(part) for part in points)
        grown = np.arange(first, first + len(outline))
        after, grown_after = np.roll(rim, -1), np.roll(grown, -1)
        corners += [np.stack([rim, after, grown], axis=1), np.stack([after, grown_after, grown], axis=1)]
        points.append(ring)
        rim = grown
    return np.concatenate(points), np.concatenate(corners)

"""The detector against the known motion of the animated portrait.

What a landmark is, only the detector itself can say: the place in the photo of each landmark is where it finds it in
the photo at rest, on average over many small shifts and zooms. The truth of a frame is that place moved by the frame's
known motion. So the figures hold all that motion, expression and the camera's disturbances do to the detector, but not
by how much its landmarks lie beside a face's own. Irises are left out: shut eyes hide them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.config import LandmarksConfig
from face1d_ros.detect.detector import Detector, make_detector
from face1d_ros.evaluate.metrics import landmark_motion
from face1d_ros.sources.portrait import AnimatedPortrait, PortraitTruth
from face1d_ros.sources.portrait_imaging import PortraitImaging
from face1d_ros.sources.portrait_motion import Constant, PortraitMotion, Wave
from face1d_ros.types import Frame, Topology

Floats = NDArray[np.float64]
POINTS = Topology.MESH_468
REST_FRAMES = 60
REST_MOTION = PortraitMotion(
    shift_x=(Wave(0.02, 1.31),), shift_y=(Wave(0.02, 0.83, 1.0),), zoom=(Wave(0.03, 1.7),), roll_rad=(Wave(0.02, 0.59),)
)
"""Every part of a pixel is met, and the face is the photo's."""


@dataclass(frozen=True)
class Variant:
    """One way to look at the portrait; noise is in grey levels."""

    name: str
    imaging: PortraitImaging
    motion: PortraitMotion | None = None
    """None: the demo's motion."""


VARIANTS = (
    Variant("clean", PortraitImaging()),
    Variant("noise 8", PortraitImaging(noise=8.0)),
    Variant("defocus 2 px", PortraitImaging(defocus_px=2.0)),
    Variant("motion blur 1/60 s", PortraitImaging(exposure_s=1.0 / 60.0, exposure_samples=4)),
    Variant("20 % of the light, noise 6", PortraitImaging(light=(Constant(-0.8),), noise=6.0)),
    Variant("at rest, noise 8", PortraitImaging(noise=8.0), PortraitMotion()),
)


class PortraitJudge:
    """Measures a detector variant by variant; frees it at the end."""

    def __init__(self, frames: int, rate_hz: float = 30.0, advance: Callable[[], None] = lambda: None) -> None:
        """So many frames of each variant, at least 3. `advance` is called before each of them; it may raise."""
        self._frames, self._rate_hz, self._advance = frames, rate_hz, advance
        self._config = LandmarksConfig(max_faces=1)
        self.places = self._places_in_photo()
        """(468, 2) px of the photo: where each landmark lies in it."""

    def row(self, variant: Variant) -> dict[str, Any]:
        """All figures of one variant; without values if the face was missed in a frame."""
        predicted, true = [], []
        missed = 0
        for points, truth in self._seen(self._frames, variant.imaging, variant.motion):
            if points is None:
                missed += 1
                continue
            predicted.append(points)
            true.append(truth.move(self.places))
        row: dict[str, Any] = {"variant": variant.name, "missed": missed}
        return row if missed else row | landmark_motion(np.array(predicted), np.array(true))

    def _places_in_photo(self) -> Floats:
        """Their mean over the frames at rest."""
        found = [
            truth.trace_back(points)
            for points, truth in self._seen(REST_FRAMES, PortraitImaging(), REST_MOTION)
            if points is not None
        ]
        return np.asarray(np.mean(found, axis=0))

    def _seen(
        self, frames: int, imaging: PortraitImaging, motion: PortraitMotion | None
    ) -> Iterator[tuple[Floats | None, PortraitTruth]]:
        """The landmarks (468, 2) in each frame, None if there are none, with the truth."""
        portrait = AnimatedPortrait(length=frames, rate_hz=self._rate_hz, imaging=imaging, motion=motion)
        detector = make_detector(self._config)
        try:
            for frame, truth in portrait.frames_with_truth():
                self._advance()
                yield _landmarks(detector, frame), truth
        finally:
            detector.close()


def _landmarks(detector: Detector, frame: Frame) -> Floats | None:
    faces = detector.detect(frame.image)
    return faces[0].points[:POINTS, :2].astype(np.float64) if faces else None

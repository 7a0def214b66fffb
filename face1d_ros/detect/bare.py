"""MediaPipe's face mesh as MediaPipe offers it: what the speed of this package is compared with, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.detect.detector import BUNDLED_VERSIONS
from face1d_ros.detect.quiet_start import quiet_start
from face1d_ros.errors import DetectorError


class BareFaceMesh:
    """`mediapipe.solutions.face_mesh.FaceMesh` with attention, following faces from image to image."""

    def __init__(self, max_faces: int) -> None:
        try:
            from mediapipe.python.solutions.face_mesh import FaceMesh
        except ImportError as error:
            raise DetectorError(
                f"MediaPipe's face mesh, to compare with, is not there: {error}; pip install {BUNDLED_VERSIONS}"
            ) from error
        with quiet_start():
            self._mesh: Any = FaceMesh(max_num_faces=max_faces, refine_landmarks=True, static_image_mode=False)
            self.process(np.zeros((64, 64, 3), np.uint8))

    def process(self, image: NDArray[np.uint8]) -> int:
        """The number of faces of a (height, width, 3) RGB image; nothing is done with their landmarks."""
        return len(self._mesh.process(image).multi_face_landmarks or ())

    def close(self) -> None:
        """Free the models."""
        self._mesh.close()

"""What finds faces in one image, and the choice of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from face1d_ros.config import LandmarksConfig
from face1d_ros.types import FaceLandmarks

BUNDLED_VERSIONS = "'mediapipe>=0.10.18,<=0.10.21'"
"""They carry face detection and face mesh models inside; newer ones carry none."""


class Detector(Protocol):
    """Used by one thread at a time, which need not be the one that made it."""

    model: str
    """What finds the faces, in a few words."""

    def detect(self, image: NDArray[np.uint8]) -> tuple[FaceLandmarks, ...]:
        """Faces of the next (height, width, 3) RGB image of a stream, with point confidences, not yet tracked.

        Their order means nothing. The image may be read-only; it is not changed, and not copied if its rows lie close
        together.
        """

    def reset(self) -> None:
        """Forget where faces were."""

    def close(self) -> None:
        """Free the models; a second call does nothing."""


@runtime_checkable
class ResumableDetector(Protocol):
    """A detector that can be put back to where it was."""

    def state(self) -> dict[str, Any]:
        """What it knows after the last image, as plain JSON values."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there: the next image gives what it would have given then."""


def make_detector(config: LandmarksConfig) -> Detector:
    """The detector a configuration asks for, ready to use: the models inside MediaPipe, or those of a `.task` file."""
    if config.model_file:
        from face1d_ros.detect.task_file import TaskFileDetector

        return TaskFileDetector(config)
    from face1d_ros.detect.face_mesh import FaceMeshDetector

    return FaceMeshDetector(config)

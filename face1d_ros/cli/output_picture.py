"""The picture of real output: moments of the built-in portrait, with what the landmark stage found."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from face1d_ros.config import LandmarksConfig
from face1d_ros.drawing import draw_faces
from face1d_ros.errors import RecordingError
from face1d_ros.sources.portrait import AnimatedPortrait
from face1d_ros.stages.landmarks import LandmarksStage

MOMENTS_S = (0.5, 2.3, 4.4, 6.6)
RATE_HZ = 30.0
SIZE_PX = (480, 360)


def write_output_picture(path: Path) -> None:
    """Run the stage over the portrait and write a contact sheet of some of its frames."""
    wanted = {round(moment_s * RATE_HZ) for moment_s in MOMENTS_S}
    portrait = AnimatedPortrait(rate_hz=RATE_HZ, face_height=0.65)
    stage = LandmarksStage(LandmarksConfig())
    tiles = []
    try:
        for index, frame in enumerate(islice(portrait.frames(), max(wanted) + 1)):
            result = stage.process(frame)
            if index in wanted:
                drawn = draw_faces(frame.image, result)
                tiles.append(cv2.resize(drawn, SIZE_PX, interpolation=cv2.INTER_AREA))
    finally:
        stage.close()
    sheet = np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])
    if not cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)):
        raise RecordingError(f"cannot write {path}")

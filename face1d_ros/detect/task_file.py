"""Face landmarks with a `face_landmarker.task` file of the user's, through MediaPipe's tasks, from 0.10.18 on.

Differences to the bundled models: 478 points only (a 468 topology leaves the irises out), 52 blendshapes, no presence
score (the task keeps it to itself: confidence is unknown), and short range only. In video mode the task smooths
landmarks over time if it is asked for one face, and cannot be told not to; asked for two or more it never smooths. So
it is asked for two at least, and the surplus is left out.
"""

from __future__ import annotations

import math
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.config import LandmarksConfig
from face1d_ros.detect.detector import BUNDLED_VERSIONS
from face1d_ros.detect.installed import load_mediapipe, load_tasks, version_of
from face1d_ros.detect.landmark_list import boxes, measured_faces, points_px
from face1d_ros.detect.quiet_start import quiet_start
from face1d_ros.errors import DetectorError, ModelFileError
from face1d_ros.paths import user_path
from face1d_ros.types import FaceLandmarks, FloatArray, Topology, no_values

NOT_SMOOTHED_FROM = 2
"""Faces asked for, from which on the task does not smooth."""
TICK_MS = 33
"""Between two frames on the task's own time line, which only orders them."""
PARTS = ("face_detector.tflite", "face_landmarks_detector.tflite", "face_blendshapes.tflite")
"""What a face_landmarker.task, which is a ZIP archive, holds."""
BLENDSHAPES = 52
GET = (
    "take a face_landmarker.task (MediaPipe's model page for the face landmarker offers it), or leave model_file empty"
    f" to use the models inside {BUNDLED_VERSIONS}"
)


class TaskFileDetector:
    """MediaPipe's face landmarker task in video mode. The order of calls is the only time it knows."""

    def __init__(self, config: LandmarksConfig) -> None:
        self._file = user_path(config.model_file)
        check_task_file(self._file)
        if config.detection_range == "full":
            raise ModelFileError(
                self._file,
                "finds faces at short range only, but detection_range is 'full'",
                "set detection_range to 'short', or leave model_file empty",
            )
        self._config = config
        self._topology = Topology(config.topology)
        self._mediapipe = load_mediapipe()
        self.model = f"MediaPipe {version_of(self._mediapipe)} face landmarker, {self._file.name}"
        self._task: Any = None
        self.reset()

    def reset(self) -> None:
        """Forget where faces were: the task has no other way than a new one, which takes as long as a start."""
        self.close()
        self._frames = 0
        self._centers: FloatArray = np.empty((0, 2), np.float32)
        config, tasks = self._config, load_tasks()
        options = tasks.vision.FaceLandmarkerOptions(
            base_options=tasks.BaseOptions(model_asset_path=str(self._file)),
            running_mode=tasks.vision.RunningMode.VIDEO,
            num_faces=max(config.max_faces, NOT_SMOOTHED_FROM),
            min_face_detection_confidence=config.min_detection_confidence,
            min_face_presence_confidence=config.min_tracking_confidence,
            min_tracking_confidence=config.min_tracking_confidence,
            output_face_blendshapes=True,
        )
        with quiet_start():
            try:
                self._task = tasks.vision.FaceLandmarker.create_from_options(options)
            except (RuntimeError, ValueError, OSError) as error:
                version = version_of(self._mediapipe)
                raise ModelFileError(self._file, f"was refused by MediaPipe {version}: {error}", GET) from error

    def close(self) -> None:
        """Free the models."""
        if self._task is not None:
            running, self._task = self._task, None
            with suppress(RuntimeError):  # the failure that `detect` has reported already
                running.close()

    def detect(self, image: NDArray[np.uint8]) -> tuple[FaceLandmarks, ...]:
        """Faces of a (height, width, 3) RGB image."""
        if self._task is None:
            raise DetectorError("the detector was closed; make a new one")
        self._frames += 1
        mediapipe = self._mediapipe
        shown = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image))
        try:
            result = self._task.detect_for_video(shown, self._frames * TICK_MS)
        except (RuntimeError, ValueError) as error:
            self.reset()  # a graph that has failed never works again
            raise DetectorError(f"MediaPipe broke at an image of shape {image.shape}: {error}") from error
        return self._faces(result, image.shape[1], image.shape[0])

    def _faces(self, result: Any, width: int, height: int) -> tuple[FaceLandmarks, ...]:
        if not result.face_landmarks:
            self._centers = np.empty((0, 2), np.float32)
            return ()
        points = points_px(self._normalized(result.face_landmarks), width, height)
        shapes = [_scores(shapes) for shapes in result.face_blendshapes] or [no_values()] * len(points)
        sizes_px = [max(box[2:]) for box in boxes(points)]
        chosen = [i for i in self._followed_first(points, sizes_px) if sizes_px[i] >= self._config.min_face_px]
        chosen = chosen[: self._config.max_faces]
        self._centers = points[chosen, :, :2].mean(axis=1)
        if not chosen:
            return ()
        return measured_faces(
            points[chosen], (width, height), [math.nan] * len(chosen), [shapes[index] for index in chosen]
        )

    def _normalized(self, lists: Any) -> FloatArray:
        """(B, N, 3) of the topology asked for."""
        fewest = min(map(len, lists))
        if fewest < self._topology:
            raise ModelFileError(
                self._file, f"gives {fewest} points of a face, expected {int(self._topology)} or more", GET
            )
        return np.array([[(p.x, p.y, p.z) for p in points[: self._topology]] for points in lists], np.float32)

    def _followed_first(self, points: FloatArray, sizes_px: list[float]) -> list[int]:
        """Positions in (B, N, 3): first those nearest to the faces given out last, or the larger ones if none were."""
        sizes = np.array(sizes_px)
        if not len(self._centers):
            return np.argsort(-sizes, kind="stable").tolist()
        centers = points[:, :, :2].mean(axis=1)
        apart = np.linalg.norm(centers[:, None] - self._centers[None], axis=2).min(axis=1)
        return np.argsort(apart / sizes, kind="stable").tolist()


def _scores(shapes: Any) -> FloatArray:
    """(52,) of one face."""
    if len(shapes) != BLENDSHAPES:
        raise DetectorError(f"the model file gives {len(shapes)} blendshapes, expected {BLENDSHAPES}")
    return np.array([shape.score for shape in shapes], np.float32)


def check_task_file(path: Path) -> None:
    """Refuse what is not there or no face landmarker, before MediaPipe says so in its own words."""
    if not path.is_file():
        raise ModelFileError(path, "is not there", GET)
    try:
        with zipfile.ZipFile(path) as archive:
            missing = sorted(set(PARTS) - set(archive.namelist()))
    except (zipfile.BadZipFile, OSError) as error:
        raise ModelFileError(path, f"is no task file: {error}", GET) from error
    if missing:
        raise ModelFileError(path, f"is no face landmarker: it has no {', '.join(missing)} inside", GET)

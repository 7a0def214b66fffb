"""MediaPipe, as it is installed: imported when a detector is made, with an error that says what to do."""

from __future__ import annotations

import importlib
from functools import cache
from types import ModuleType

from face1d_ros.detect.detector import BUNDLED_VERSIONS
from face1d_ros.detect.quiet_start import quiet_start
from face1d_ros.errors import DetectorMissingError

INSTALL = (
    f"pip install {BUNDLED_VERSIONS}, which brings the models, or set model_file to a face_landmarker.task file,"
    " which any later MediaPipe can use"
)


@cache
def load_mediapipe() -> ModuleType:
    """The package `mediapipe`."""
    try:
        with quiet_start():
            return importlib.import_module("mediapipe")
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "mediapipe":
            raise DetectorMissingError("MediaPipe is not installed", INSTALL) from error
        # Its own imports: a system library such as libGL, or a package that does not fit.
        raise DetectorMissingError(
            f"MediaPipe does not load: {error}", "`face1d doctor` says what is missing and which package brings it"
        ) from error


@cache
def load_part(name: str) -> ModuleType:
    """A module inside MediaPipe that only versions with bundled models have."""
    version = version_of(load_mediapipe())
    try:
        with quiet_start():
            return importlib.import_module(f"mediapipe.{name}")
    except ImportError as error:
        raise DetectorMissingError(f"MediaPipe {version} brings no face models with it", INSTALL) from error


def version_of(mediapipe: ModuleType) -> str:
    """Its version, for messages."""
    return str(getattr(mediapipe, "__version__", "of unknown version"))

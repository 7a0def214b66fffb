"""MediaPipe, as it is installed: imported when a detector is made, with an error that says what to do."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.machinery import PathFinder
from types import ModuleType
from typing import cast

from face1d_ros.detect.detector import BUNDLED_VERSIONS
from face1d_ros.detect.quiet_start import quiet_start
from face1d_ros.errors import DetectorMissingError

PACKAGE = "mediapipe"
INSTALL = (
    f"pip install {BUNDLED_VERSIONS}, which brings the models, or set model_file to a face_landmarker.task file,"
    " which any later MediaPipe can use"
)


@cache
def load_mediapipe() -> ModuleType:
    """The package `mediapipe`. Its own `__init__` is run when somebody asks for what only that defines.

    It loads what draws and what listens, too: matplotlib, and a search for sound devices by a C compiler. That is half
    a second and 40 MB, and no face needs it.
    """
    with _import_errors_explained(), quiet_start():
        return importlib.import_module(PACKAGE) if PACKAGE in sys.modules else _begun()


def load_tasks() -> ModuleType:
    """`mediapipe.tasks`."""
    with _import_errors_explained(), quiet_start():
        return cast("ModuleType", load_mediapipe().tasks)


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


def _begun() -> ModuleType:
    """The package with the part that has no imports of its own but the C++ library, where this version has it."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named '{PACKAGE}'", name=PACKAGE)
    module, loader = importlib.util.module_from_spec(spec), spec.loader

    def run_init(name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(f"module '{PACKAGE}' has no attribute '{name}'")
        vars(module).pop("__getattr__", None)
        loader.exec_module(module)
        return getattr(module, name)

    with suppress(importlib.metadata.PackageNotFoundError):
        vars(module)["__version__"] = importlib.metadata.version(PACKAGE)
    vars(module)["__getattr__"] = run_init  # as if the module defined it
    sys.modules[PACKAGE] = module
    try:
        if PathFinder.find_spec(f"{PACKAGE}.python", list(module.__path__)):
            importlib.import_module(f"{PACKAGE}.python")
    except BaseException:
        sys.modules.pop(PACKAGE, None)
        raise
    return module


@contextmanager
def _import_errors_explained() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == PACKAGE:
            raise DetectorMissingError("MediaPipe is not installed", INSTALL) from error
        # Its own imports: a system library such as libGL, or a package that does not fit.
        raise DetectorMissingError(
            f"MediaPipe does not load: {error}", "`face1d doctor` says what is missing and which package brings it"
        ) from error

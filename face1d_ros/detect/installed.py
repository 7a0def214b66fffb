"""MediaPipe, as it is installed: imported when a detector is made, with an error that says what to do."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.machinery import PathFinder
from types import ModuleType

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
        return importlib.import_module(PACKAGE) if PACKAGE in sys.modules else _without_init()


def load_tasks() -> ModuleType:
    """What `mediapipe.tasks` is for MediaPipe's users."""
    load_mediapipe()
    with _import_errors_explained(), quiet_start():
        return importlib.import_module(f"{PACKAGE}.tasks.python")


@cache
def load_part(name: str) -> ModuleType:
    """A module inside MediaPipe that only versions with bundled models have."""
    version = version_of(load_mediapipe())
    try:
        with quiet_start():
            return importlib.import_module(f"{PACKAGE}.{name}")
    except ImportError as error:
        raise DetectorMissingError(f"MediaPipe {version} brings no face models with it", INSTALL) from error


def version_of(mediapipe: ModuleType) -> str:
    """Its version, for messages."""
    return str(getattr(mediapipe, "__version__", "of unknown version"))


class _Package(ModuleType):
    """A package whose `__init__` has not been run yet: it is, as soon as something is wanted that only that defines."""

    def __getattr__(self, name: str) -> object:
        if name == "__all__" or not name.startswith("__"):
            self._run_init()
        if name in vars(self):
            return vars(self)[name]
        raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'")

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "tasks":  # a part was imported that `__init__` gives another name to
            self._run_init()

    def _run_init(self) -> None:
        with _one_at_a_time:
            if type(self) is not _Package or vars(self).get("_is_running"):
                return
            loader = self.__spec__.loader if self.__spec__ else None
            assert loader is not None
            vars(self)["_is_running"] = True
            try:
                loader.exec_module(self)
            finally:
                del vars(self)["_is_running"]
            self.__class__ = ModuleType  # type: ignore[assignment]


_one_at_a_time = threading.RLock()


def _without_init() -> ModuleType:
    """The package with the part that imports nothing but the C++ library, where this version has it."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named '{PACKAGE}'", name=PACKAGE)
    module = importlib.util.module_from_spec(spec)
    module.__class__ = _Package
    with suppress(importlib.metadata.PackageNotFoundError):
        vars(module)["__version__"] = importlib.metadata.version(PACKAGE)
    module = sys.modules.setdefault(PACKAGE, module)
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

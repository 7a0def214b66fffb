"""A model bundle at work, and what is said of it; what goes into it and comes out is each stage's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from face1d_ros.engines.background import ModelRunner
from face1d_ros.engines.bundle import MANIFEST, Bundle, load_bundle, shipped_bundles
from face1d_ros.errors import BundleError, Face1dError, InvalidValueError
from face1d_ros.paths import user_path

FORGET_AFTER_S = 1.0
AS_ASKED, SHIPPED = "as asked for", "auto: the shipped model"
"""Why a model was chosen."""
TOO_MANY, BAD_ANSWER, ENGINE_FAILED = "faces beyond eight", "answers refused", "engine failed"
"""Counted where a face is not answered."""


class BundleRunner:
    """One for all faces of a frame."""

    def __init__(self, bundle: Bundle, engine: str, why: str) -> None:
        """Raises EngineError where nothing runs it."""
        self.model = f"{bundle.manifest.name} {bundle.manifest.version}"
        self.why = why
        self._runner = ModelRunner(bundle, engine, FORGET_AFTER_S)

    @property
    def engine(self) -> str:
        """Which runtime, and on what."""
        engine = self._runner.engine
        return f"{engine.name}-{engine.device.lower()}"

    def values(self) -> Mapping[str, object]:
        """For diagnostics."""
        return self._runner.status().values()

    def reset(self) -> None:
        """Forget all faces."""
        self._runner.reset()

    def close(self) -> None:
        """Free the engine."""
        self._runner.close()


Runner = TypeVar("Runner", bound=BundleRunner)


def named_runner(name: str, task: str, make: Callable[[Bundle], Runner], *words: str, key: str = "model") -> Runner:
    """What runs the bundle of this name among those that come with the package, or the one in this folder.

    `words` can be said in place of a name; `key` is the setting. Raises InvalidValueError where there is none, or
    `make` refuses it.
    """
    shipped = {path.name: path for path in shipped_bundles()}
    folder = shipped.get(name.replace("-", "_")) or user_path(name)
    if not (folder / MANIFEST).is_file():
        there = [path for path in shipped if path.startswith(task)]
        known = f"one of {', '.join((*words, *there))}, or " if words or there else ""
        raise InvalidValueError(key, name, f"{known}the folder of a model bundle")
    try:
        return make(load_bundle(folder))
    except Face1dError as error:
        raise InvalidValueError(key, name, f"a model that can be loaded: {error}") from error


def check_task(bundle: Bundle, task: str) -> None:
    """Raises BundleError for a bundle of another task."""
    if bundle.manifest.task != task:
        raise BundleError(bundle.path, "task", f"'{bundle.manifest.task}'", f"'{task}'")


def texts(bundle: Bundle, key: str) -> tuple[str, ...]:
    """A list of names among a bundle's settings. Raises BundleError."""
    found = bundle.manifest.settings.get(key)
    if not isinstance(found, list) or not found or not all(isinstance(text, str) and text for text in found):
        raise BundleError(bundle.path, f"settings.{key}", repr(found)[:80], "a list of names")
    twice = sorted({text for text in found if found.count(text) > 1})
    if twice:
        raise BundleError(bundle.path, f"settings.{key}", f"more than once: {', '.join(twice)[:80]}", "each name once")
    return tuple(found)

"""A model bundle at work, and what is said of it; what goes into it and comes out is each stage's own."""

from __future__ import annotations

from collections.abc import Mapping

from face1d_ros.engines.background import ModelRunner
from face1d_ros.engines.bundle import Bundle
from face1d_ros.errors import BundleError

FORGET_AFTER_S = 1.0


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


def texts(bundle: Bundle, key: str) -> tuple[str, ...]:
    """A list of names among a bundle's settings. Raises BundleError."""
    found = bundle.manifest.settings.get(key)
    if not isinstance(found, list) or not found or not all(isinstance(text, str) and text for text in found):
        raise BundleError(bundle.path, f"settings.{key}", repr(found)[:80], "a list of names")
    return tuple(found)

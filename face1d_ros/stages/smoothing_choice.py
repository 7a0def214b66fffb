"""Which smoother is meant by a name, and whether it can be had."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from face1d_ros.engines.bundle import MANIFEST, Bundle, load_bundle, shipped_bundles
from face1d_ros.engines.manifest import FACES
from face1d_ros.errors import BundleError, EngineError, Face1dError, InvalidValueError, MissingDependencyError
from face1d_ros.filters.make import FILTERS
from face1d_ros.paths import user_path
from face1d_ros.stages.smoothing_model import LOOK_AHEAD, FilterSmoother, NetworkSmoother, Nothing, Smoother
from face1d_ros.types import Topology

AUTO, NONE = "auto", "none"
FALLBACK = "one_euro"
"""The filter in place of a model that is not there."""
TASK = "smoothing"
DEFAULT = "gru"
"""The family of the shipped models that `auto` takes: the smallest that is good enough (docs/smoothing.md)."""
MOST_FRAMES_AHEAD = 60
KNOWN = tuple(int(topology) for topology in Topology if topology)
NOT_THERE = (BundleError, EngineError, MissingDependencyError)


@dataclass(frozen=True, eq=False)
class Wanted:
    """What a name stands for, checked but not running yet."""

    name: str
    bundle: Bundle | None = None
    """Where the name is one of a bundle."""
    topology: Topology = Topology.MESH_478
    """For which it is loaded before the first face is seen: that of the bundle, or the detector's usual one."""


def find(name: str) -> Wanted:
    """What is meant. Raises InvalidValueError for what is not there, or cannot be used."""
    if name in (AUTO, NONE) or name in FILTERS:
        return Wanted(name)
    shipped = _shipped()
    folder = shipped.get(_same(name)) or user_path(name)
    if not (folder / MANIFEST).is_file():
        there = [path.name for path in shipped.values()]
        known = ", ".join((AUTO, NONE, *FILTERS, *there))
        raise InvalidValueError("model", name, f"one of {known}, or the folder of a model bundle")
    try:
        bundle = load_bundle(folder)
        return Wanted(name, bundle, topology_of(bundle))
    except NOT_THERE as error:
        raise refused(name, error) from error


def make(wanted: Wanted, topology: Topology, engine: str) -> Smoother:
    """The smoother for landmarks of this topology.

    Where `auto` has none for it, or a bundle is for another one, it is the filter `FALLBACK`, with a notice. Raises
    InvalidValueError for a bundle that no engine runs.
    """
    if wanted.name == NONE:
        return Nothing()
    if wanted.name in FILTERS:
        return FilterSmoother(wanted.name, "as asked for")
    if wanted.bundle is None:
        return _automatic(topology, engine)
    if wanted.topology is not topology:
        return fallback(f"{wanted.name} takes {int(wanted.topology)} landmarks, these faces have {int(topology)}")
    try:
        return NetworkSmoother(wanted.bundle, engine, "as asked for")
    except NOT_THERE as error:
        raise refused(wanted.name, error) from error


def topology_of(bundle: Bundle) -> Topology:
    """Of the landmarks that a smoothing bundle takes. Raises BundleError for a bundle that is none."""
    manifest, path = bundle.manifest, bundle.path
    if manifest.task != TASK:
        raise BundleError(path, "task", f"'{manifest.task}'", f"'{TASK}'")
    memory = {memory.input for memory in manifest.memory}
    given = {spec.name: spec.shape for spec in manifest.inputs if spec.name not in memory}
    count = given["landmarks"][1] if len(given.get("landmarks", ())) == 3 else 0
    expected = {"landmarks": (FACES, count, 3), "confidence": (FACES, count), "dt": (FACES, 1)}
    if count not in KNOWN or given != expected:
        of_each = (
            f"landmarks (faces, N, 3), confidence (faces, N), dt (faces, 1), N one of {', '.join(map(str, KNOWN))}"
        )
        raise BundleError(path, "inputs", given, of_each)
    refined = manifest.shapes.get("refined")
    if refined is None or refined.shape != (FACES, count, 3):
        raise BundleError(path, "outputs", [s.name for s in manifest.outputs], f"refined (faces, {count}, 3)")
    ahead = manifest.settings.get(LOOK_AHEAD, 0)
    if type(ahead) is not int or not 0 <= ahead <= MOST_FRAMES_AHEAD:
        raise BundleError(path, f"settings.{LOOK_AHEAD}", ahead, f"a whole number from 0 to {MOST_FRAMES_AHEAD}")
    return Topology(count)


def fallback(problem: str) -> Smoother:
    """What is there always."""
    return FilterSmoother(FALLBACK, "in place of the model", f"{problem}: the filter {FALLBACK} is in its place")


def refused(name: str, error: Face1dError) -> InvalidValueError:
    """For a model that is there, but cannot be used."""
    return InvalidValueError("model", name, f"a model that can be loaded: {error}")


def _automatic(topology: Topology, engine: str) -> Smoother:
    name = f"{TASK}_{DEFAULT}_{int(topology)}"
    folder = _shipped().get(_same(name))
    if folder is None:
        return fallback(f"no model {name} comes with this version")
    try:
        bundle = load_bundle(folder)
        if topology_of(bundle) is not topology:
            return fallback(f"{name} takes {int(topology_of(bundle))} landmarks")
        return NetworkSmoother(bundle, engine, f"auto: the shipped model for {int(topology)} landmarks")
    except NOT_THERE as error:
        return fallback(str(error))


def _shipped() -> dict[str, Path]:
    """Folders by name."""
    return {_same(path.name): path for path in shipped_bundles()}


def _same(name: str) -> str:
    """A manifest knows no hyphens, people write them."""
    return name.replace("-", "_")

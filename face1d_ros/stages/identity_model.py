"""The network behind the identity stage, and the threshold that a wanted rate of false matches needs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from face1d_ros.engines.bundle import Bundle, shipped_bundles
from face1d_ros.engines.manifest import FACES
from face1d_ros.errors import BundleError, EngineError, InvalidValueError
from face1d_ros.geometry.motion_clip import FRAMES, POINTS, RATE_HZ
from face1d_ros.stages.bundle_runner import AS_ASKED, BAD_ANSWER, SHIPPED, BundleRunner, check_task, named_runner
from face1d_ros.stages.identity_motion import Motion
from face1d_ros.types import FloatArray

AUTO = "auto"
TASK = "identity"
DEFAULT = "identity_n_pair"
CURVES, MAPS = "curves", "maps"
"""What an encoder reads of each frame: landmarks, or features of the face's crop."""
MAP_SHAPE = (512, 7, 7)
UNIT_TOLERANCE = 0.01
LARGEST = 1e38


@dataclass(frozen=True)
class OperatingPoints:
    """Thresholds at which different people's motions were taken for one at these rates, as measured."""

    model: str
    rates: tuple[float, ...]
    """Falling."""
    thresholds: tuple[float, ...]
    """Rising."""

    def threshold(self, rate: float, key: str = "false_match_rate") -> float:
        """At a rate between those that were measured, on its logarithm. Raises InvalidValueError outside them."""
        if not self.rates[-1] <= rate <= self.rates[0]:
            measured = f"a number from {self.rates[-1]:g} to {self.rates[0]:g}, as measured for {self.model}"
            raise InvalidValueError(key, rate, measured)
        return self.nearest(rate)

    def nearest(self, rate: float) -> float:
        """At a rate, or at that measured one which is nearest to it."""
        logarithms = [-math.log(value) for value in self.rates]
        return float(np.interp(-math.log(rate), logarithms, self.thresholds))


class EncoderRunner(BundleRunner):
    """A motion encoder at work."""

    def __init__(self, bundle: Bundle, engine: str, why: str) -> None:
        """Raises BundleError for what encodes no motions of landmarks, EngineError where nothing runs it."""
        self.points = operating_points(bundle)
        self.reads_maps = bundle.manifest.settings.get("spatial") == MAPS
        self.dimension = _dimension(bundle)
        super().__init__(bundle, engine, why)

    def encode(self, motion: Motion, maps: FloatArray | None = None) -> FloatArray:
        """(E,) of length 1; maps (FRAMES, 512, 7, 7) for an encoder that reads them.

        Raises EngineError, also for an answer that cannot be meant.
        """
        inputs = self._runner.begin(0, [1])
        if self.reads_maps:
            if maps is None:
                raise EngineError(self.engine, "no features were given to an encoder that reads them")
            inputs["maps"][0] = maps
        else:
            inputs["points"][0] = motion.points
        inputs["mask"][0] = motion.mask
        found: FloatArray = self._runner.run()["embedding"][0].astype(np.float32)
        if not abs(float(np.linalg.norm(found)) - 1.0) <= UNIT_TOLERANCE:
            raise EngineError(self.engine, BAD_ANSWER)
        return found


def make_runner(name: str, engine: str) -> tuple[EncoderRunner | None, str]:
    """The encoder that is meant, and what the user should know. None where `auto` finds that none is shipped."""
    if name != AUTO:
        return named_runner(name, TASK, lambda bundle: EncoderRunner(bundle, engine, AS_ASKED), AUTO), ""
    if all(path.name != DEFAULT for path in shipped_bundles()):
        return None, f"no model {DEFAULT} comes with this version: nobody can be enrolled or judged"
    return named_runner(DEFAULT, TASK, lambda bundle: EncoderRunner(bundle, engine, SHIPPED), AUTO), ""


def operating_points(bundle: Bundle) -> OperatingPoints:
    """What a bundle says about its thresholds. Raises BundleError."""
    given = bundle.manifest.settings.get("operating_points")
    pairs = given if isinstance(given, list) else []
    are_pairs = all(isinstance(pair, list) and len(pair) == 2 and all(map(is_number, pair)) for pair in pairs)
    if len(pairs) < 2 or not are_pairs or not _fall_and_rise(pairs):
        expected = "pairs of a falling rate from 1 to above 0 and a rising threshold from -1 to 1, two or more"
        raise BundleError(bundle.path, "settings.operating_points", repr(given)[:80], expected)
    manifest = bundle.manifest
    rates, thresholds = zip(*((float(rate), float(threshold)) for rate, threshold in pairs), strict=True)
    return OperatingPoints(f"{manifest.name} {manifest.version}", rates, thresholds)


def _fall_and_rise(pairs: list[list[float]]) -> bool:
    rates, thresholds = np.array(pairs, np.float64).T
    are_rates = rates.min() > 0.0 and rates.max() <= 1.0 and bool((np.diff(rates) < 0.0).all())
    return are_rates and bool((np.abs(thresholds) <= 1.0).all() and (np.diff(thresholds) >= 0.0).all())


def is_number(value: object) -> bool:
    """Whether a manifest's value is a number that single precision can hold."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST


def _dimension(bundle: Bundle) -> int:
    """The size of its vectors. Raises BundleError for a bundle that takes or gives something else."""
    check_task(bundle, TASK)
    manifest, settings = bundle.manifest, bundle.manifest.settings
    for key, meant in (("rate_hz", (RATE_HZ,)), ("frames", (FRAMES,)), ("spatial", (CURVES, MAPS))):
        if settings.get(key) not in meant:
            raise BundleError(
                bundle.path, f"settings.{key}", repr(settings.get(key))[:80], " or ".join(map(repr, meant))
            )
    inputs = {spec.name: spec.shape for spec in manifest.inputs}
    outputs = {spec.name: spec.shape for spec in manifest.outputs}
    is_maps = settings["spatial"] == MAPS
    given = {"maps": (FACES, FRAMES, *MAP_SHAPE)} if is_maps else {"points": (FACES, FRAMES, 3 * POINTS)}
    expected = {**given, "mask": (FACES, FRAMES)}
    shape = outputs.get("embedding", ())
    if inputs != expected or set(outputs) != {"embedding"} or len(shape) != 2 or not isinstance(shape[1], int):
        raise BundleError(bundle.path, "tensors", f"{inputs | outputs}", f"{expected}, embedding ('{FACES}', E)")
    return shape[1]

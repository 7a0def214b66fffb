"""Networks that look at a crop of a face: one tells whose it might be, one gives features to a motion encoder."""

from __future__ import annotations

import numpy as np

from face1d_ros.engines.bundle import Bundle
from face1d_ros.engines.manifest import FACES
from face1d_ros.errors import BundleError, EngineError
from face1d_ros.gallery.records import LARGEST_DIMENSION
from face1d_ros.geometry.face_crop import SIZE_PX
from face1d_ros.stages.appearance_crop import Pixels
from face1d_ros.stages.bundle_runner import AS_ASKED, BAD_ANSWER, BundleRunner, check_task, named_runner
from face1d_ros.stages.identity_model import MAP_SHAPE, is_number, operating_points
from face1d_ros.types import FloatArray

EMBEDDING_TASK, FEATURES_TASK = "face_embedding", "face_features"
CHANNELS = ("rgb", "bgr")
IMAGE, EMBEDDING, FEATURES = "image", "embedding", "features"
IMAGE_SHAPE = (FACES, 3, SIZE_PX, SIZE_PX)
SMALLEST, LARGEST = 1e-6, 1e6
"""Length of an embedding that can be meant."""


class CropRunner(BundleRunner):
    """A network whose only input is the crop of a face, in numbers as its manifest says."""

    def __init__(self, bundle: Bundle, engine: str, why: str, task: str) -> None:
        """Raises BundleError for what does not take a crop, EngineError where nothing runs it."""
        check_task(bundle, task)
        self._is_bgr, self._mean, self._scale = _pixels_to_numbers(bundle)
        inputs = {spec.name: (spec.dtype, spec.shape) for spec in bundle.manifest.inputs}
        if inputs != {IMAGE: ("float32", IMAGE_SHAPE)}:
            raise BundleError(bundle.path, "inputs", f"{inputs}", f"{IMAGE} float32 {IMAGE_SHAPE} alone")
        super().__init__(bundle, engine, why)

    def run(self, crop: Pixels) -> FloatArray:
        """The first output for a crop (112, 112, 3) RGB. Raises EngineError."""
        inputs = self._runner.begin(0, [1])
        pixels = crop[:, :, ::-1] if self._is_bgr else crop
        inputs[IMAGE][0] = ((pixels.astype(np.float32) - self._mean) * self._scale).transpose(2, 0, 1)
        (found,) = self._runner.run().values()
        return found[0].astype(np.float32)


class FaceEmbedder(CropRunner):
    """Tells whose face it might be: crops of one person give vectors near each other."""

    def __init__(self, bundle: Bundle, engine: str, why: str) -> None:
        """As `CropRunner`; also refuses a bundle whose error rates nobody has measured."""
        self.points = operating_points(bundle)
        self.dimension = _dimension(bundle)
        super().__init__(bundle, engine, why, EMBEDDING_TASK)

    def embed(self, crop: Pixels) -> FloatArray:
        """(A,) of length 1. Raises EngineError, also for an answer that cannot be meant."""
        found = self.run(crop)
        length = float(np.linalg.norm(found.astype(np.float64)))
        if not SMALLEST <= length <= LARGEST:
            raise EngineError(self.engine, BAD_ANSWER)
        return np.asarray(found / length, np.float32)


class FeatureReader(CropRunner):
    """What a motion encoder with `spatial: maps` reads of each frame."""

    def __init__(self, bundle: Bundle, engine: str, why: str) -> None:
        """As `CropRunner`."""
        outputs = {spec.name: (spec.dtype, spec.shape) for spec in bundle.manifest.outputs}
        if outputs != {FEATURES: ("float32", (FACES, *MAP_SHAPE))}:
            expected = f"{FEATURES} float32 {(FACES, *MAP_SHAPE)} alone"
            raise BundleError(bundle.path, "outputs", f"{outputs}", expected)
        super().__init__(bundle, engine, why, FEATURES_TASK)

    def features(self, crop: Pixels) -> FloatArray:
        """(512, 7, 7). Raises EngineError, also for values that are not finite."""
        found = self.run(crop)
        if not np.isfinite(found).all():
            raise EngineError(self.engine, BAD_ANSWER)
        return found


def make_embedder(name: str, engine: str) -> FaceEmbedder:
    """Of a folder or a name. Raises InvalidValueError."""
    return named_runner(
        name, EMBEDDING_TASK, lambda bundle: FaceEmbedder(bundle, engine, AS_ASKED), key="appearance_model"
    )


def make_feature_reader(name: str, engine: str) -> FeatureReader:
    """Of a folder or a name. Raises InvalidValueError."""
    return named_runner(
        name, FEATURES_TASK, lambda bundle: FeatureReader(bundle, engine, AS_ASKED), key="features_model"
    )


def _pixels_to_numbers(bundle: Bundle) -> tuple[bool, FloatArray, FloatArray]:
    """Whether blue comes first, and mean and scale (3,) in that order: a number is (pixel - mean) · scale."""
    settings = bundle.manifest.settings
    if settings.get("channels") not in CHANNELS:
        came = repr(settings.get("channels"))[:80]
        raise BundleError(bundle.path, "settings.channels", came, f"one of {', '.join(CHANNELS)}")
    mean, scale = (_three(bundle, key) for key in ("mean", "scale"))
    if not (np.abs(scale) > 0.0).all():
        raise BundleError(bundle.path, "settings.scale", repr(settings["scale"])[:80], "no 0")
    return settings["channels"] == "bgr", mean, scale


def _three(bundle: Bundle, key: str) -> FloatArray:
    given = bundle.manifest.settings.get(key)
    values = given if isinstance(given, list) else [given]
    if len(values) not in (1, 3) or not all(map(is_number, values)):
        raise BundleError(bundle.path, f"settings.{key}", repr(given)[:80], "a number, or one for each channel")
    return np.broadcast_to(np.array(values, np.float32), 3)


def _dimension(bundle: Bundle) -> int:
    outputs = {spec.name: (spec.dtype, spec.shape) for spec in bundle.manifest.outputs}
    dtype, shape = outputs.get(EMBEDDING, ("", ()))
    size = shape[1] if len(shape) == 2 else 0
    if set(outputs) != {EMBEDDING} or dtype != "float32" or not (type(size) is int and 2 <= size <= LARGEST_DIMENSION):
        expected = f"{EMBEDDING} float32 ('{FACES}', 2 to {LARGEST_DIMENSION}) alone"
        raise BundleError(bundle.path, "outputs", f"{outputs}", expected)
    return size

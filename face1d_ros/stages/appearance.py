"""What a face looks like while its motion is judged or enrolled: of nobody else, and of nothing but the face.

The one place behind the landmark stage that sees pixels. Neither an image nor a crop nor a vector leaves it but for the
gallery.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from face1d_ros.config import IdentityConfig
from face1d_ros.errors import EngineError
from face1d_ros.stages.appearance_aggregator import Aggregator, make_aggregator
from face1d_ros.stages.appearance_crop import face_crop
from face1d_ros.stages.appearance_model import FaceEmbedder, FeatureReader, make_embedder, make_feature_reader
from face1d_ros.stages.appearance_views import LEAST_VIEWS, Sight, Views
from face1d_ros.stages.bundle_runner import ENGINE_FAILED
from face1d_ros.stages.identity_motion import Motion, Posed
from face1d_ros.types import FaceLandmarks, FloatArray, Frame

MOST_FRAMES = 16
"""Images that wait for their landmarks: smoothing may look so far ahead."""
OTHERS = 0.25
"""Share of views unlike the rest from which two people were seen."""
ALIKE_RATE = 0.01
"""Views are unlike below the threshold of this rate: one of half of all people would let anybody stand in."""
FURTHEST_RAD = 0.61
"""Head turned by more than 35° from the camera: such views tell little of a face."""
NO_IMAGE = "no image of this stamp"
AWAY = "head turned too far to see its appearance"
NOT_SEEN, CHANGED = "appearance not seen", "appearance changed during the motion"
NO_FEATURES = "features not seen"


class Onlooker:
    """Looks at faces in images. Frames and landmarks come in one thread."""

    def __init__(self, config: IdentityConfig, counts: Counter[str]) -> None:
        """Loads the models that are named, one at least. Raises InvalidValueError."""
        self._counts = counts
        self._frames: OrderedDict[int, Frame] = OrderedDict()
        self._embedder: FaceEmbedder | None = None
        self._aggregator: Aggregator | None = None
        self._reader: FeatureReader | None = None
        try:
            if config.appearance_model:
                self._embedder = make_embedder(config.appearance_model, config.engine)
                self._aggregator = make_aggregator(config.appearance_aggregator, config.engine, self._embedder)
            if config.features_model:
                self._reader = make_feature_reader(config.features_model, config.engine)
        except BaseException:
            self.close()
            raise

    @property
    def algorithm(self) -> str:
        """Under which appearances are enrolled; '' where none is looked at."""
        return self._aggregator.name if self._aggregator is not None else ""

    def threshold(self, rate: float) -> float:
        """Of appearance at a false match rate; NaN where none is looked at. Raises InvalidValueError."""
        points = self._aggregator.points if self._aggregator is not None else None
        return float("nan") if points is None else points.threshold(rate, "appearance_false_match_rate")

    def see(self, frame: Frame) -> None:
        """An image whose landmarks may come."""
        self._frames[frame.header.stamp_ns] = replace(frame, image=frame.image.copy())
        while len(self._frames) > MOST_FRAMES:
            self._frames.popitem(last=False)

    def frame_of(self, stamp_ns: int) -> Frame | None:
        """The image of these landmarks; it and those before it are let go."""
        found = self._frames.pop(stamp_ns, None)
        for older in [one for one in self._frames if one < stamp_ns]:
            del self._frames[older]
        return found

    def forget_frames(self) -> None:
        """Nobody asks any more."""
        self._frames.clear()

    def look(self, views: Views, frame: Frame | None, stamp_ns: int, face: FaceLandmarks, posed: Posed) -> None:
        """Add what one frame shows of a face. Why it shows nothing is counted."""
        embedder = self._embedder if views.wants_embedding(stamp_ns) else None
        reader = self._reader if views.wants_features(stamp_ns) else None
        if embedder is None and reader is None:
            return
        crop = NO_IMAGE if frame is None else face_crop(frame.image, face.points)
        if isinstance(crop, str):
            self._counts[crop] += 1
            return
        try:
            if reader is not None:
                views.add_features(stamp_ns, reader.features(crop))
            if embedder is not None and np.abs(posed.turn_rad).max() > FURTHEST_RAD:
                self._counts[AWAY] += 1
            elif embedder is not None:
                views.add_embedding(stamp_ns, embedder.embed(crop))
        except EngineError:
            self._counts[ENGINE_FAILED] += 1

    def sight(self, views: Views, motion: Motion) -> Sight:
        """All that was seen during a motion. What is missing is counted."""
        maps = views.maps(motion) if self._reader is not None else None
        appearance = self._appearance(views.during(motion))
        if self._reader is not None and maps is None:
            self._counts[NO_FEATURES] += 1
        return Sight(appearance, maps)

    def has_all(self, sight: Sight) -> bool:
        """Whether nothing is missing that is enrolled."""
        missing = (self._embedder and sight.appearance is None) or (self._reader and sight.maps is None)
        return not missing

    def values(self) -> Mapping[str, object]:
        """For diagnostics."""
        values: dict[str, object] = {"appearance": self.algorithm or "not looked at"}
        if self._embedder is not None:
            values["appearance engine"] = self._embedder.engine
        if self._reader is not None:
            values |= {"features model": self._reader.model, "features engine": self._reader.engine}
        return values

    def close(self) -> None:
        """Free the models."""
        self._frames.clear()
        for model in (self._embedder, self._aggregator, self._reader):
            if model is not None:
                model.close()

    def _appearance(self, embeddings: list[FloatArray]) -> FloatArray | None:
        """(A,) of the views of one motion, if they are enough, and of one person."""
        if self._embedder is None or self._aggregator is None:
            return None
        if len(embeddings) < LEAST_VIEWS:
            self._counts[NOT_SEEN] += 1
            return None
        views = np.stack(embeddings)
        # A mean hides it when somebody else takes the place for a part of the time (review, Section 3.4).
        alike = views @ views.T >= self._embedder.points.nearest(ALIKE_RATE)
        if 1.0 - alike.mean(axis=1).max() > OTHERS:
            self._counts[CHANGED] += 1
            return None
        try:
            return self._aggregator.of(views)
        except EngineError:
            self._counts[ENGINE_FAILED] += 1
            return None

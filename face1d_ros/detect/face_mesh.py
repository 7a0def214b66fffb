"""MediaPipe's face mesh with the models inside its wheel (0.10.18 to 0.10.21).

MediaPipe's own solution is one graph in C++: it looks for landmarks where faces were in the image before, searches for
faces while fewer are known than asked for, and looks there too. The same models, crops and thresholds are used
here, but the few decisions between them are taken in Python, because the solution

- offers the short-range face detection only, and shows it the whole image only, in which it misses faces smaller than
  a sixth of it;
- keeps the landmark model's presence score to itself;
- loses a face for one image whenever it moved too far between two, because it searches before it looks.

Nothing smooths the landmarks over time: neither the solution's graph nor this one has a filter (the only memory is
the region where to look next), so what comes out is what the model saw.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.config import LandmarksConfig
from face1d_ros.detect.installed import load_mediapipe, version_of
from face1d_ros.detect.landmark_list import Box, boxes, measured_faces
from face1d_ros.detect.models import FaceFinder, LandmarkModel, Shown
from face1d_ros.detect.regions import Found, Region, around_points, distinct
from face1d_ros.detect.views import Rotation, full_range_views, short_range_views
from face1d_ros.errors import DetectorError
from face1d_ros.types import FaceLandmarks, FloatArray, Topology

NEW_FACE_LOOKS, NEW_FACE_PRESENCE = 3, 0.9999
"""A new face is looked at three times, each time centred on what the last look has found, and must have this
presence score in the second and third. Measured: real faces (also masked, with sunglasses, half hidden, dark,
blurred, 30 px small) have 0.99997 and more; what only resembles one (a cartoon, folds of cloth) has up to 0.9997
in the lesser of the two, though the models' own thresholds of 0.5 let it pass."""
SAME_RESULT_SHARE = 0.15
"""Centres of two results for one face are closer than that share of the larger region: a quarter of the face. Two
people would have to hide three quarters of one another."""
FIRST_SIZE = 0.8
"""The first look, not yet centred on the face, may make it smaller than it is by that factor."""
REFUSED = 16
"""So many places are remembered that turned out to be no face."""
SEARCH_EVERY = 2
"""While a face is known, others are searched for in every second image: a search takes half as much of the processor as
following a face does. Whoever comes near is found within half a second at 30 Hz."""
NEW_AT_ONCE = 2
"""Places looked at in one image, but for the first: five people who come at once are known after three images, and
what only resembles faces costs as much as two at most."""


@dataclass(frozen=True, eq=False)
class _Face:
    points: FloatArray
    """(N, 3) px."""
    presence: float
    box: Box
    region: Region
    """Where to look for it in the next image."""

    @property
    def size_px(self) -> float:
        """Larger side of the box."""
        return max(self.box[2:])


class FaceMeshDetector:
    """Faces by MediaPipe's bundled models. The order of calls is the only time it knows."""

    def __init__(self, config: LandmarksConfig) -> None:
        self._config = config
        full_range = config.detection_range == "full"
        self._views = full_range_views if full_range else short_range_views
        attention = config.topology == Topology.MESH_478
        kind = "face mesh with attention" if attention else "face mesh"
        self.model = f"MediaPipe {version_of(load_mediapipe())} {kind}, {config.detection_range} range"
        self._finder = FaceFinder(full_range, config.min_detection_confidence)
        try:
            self._landmarks = LandmarkModel(attention, config.min_tracking_confidence, several=config.max_faces > 1)
        except DetectorError:
            self._finder.close()
            raise
        self._closed = False
        self.reset()

    def reset(self) -> None:
        """Forget where faces were."""
        self._regions: list[Region] = []
        self._refused: deque[Region] = deque(maxlen=REFUSED)
        self._images = 0
        self._rotation = Rotation()

    def state(self) -> dict[str, Any]:
        """Where faces were and were not, and which part of the next image is searched."""
        return {
            "regions": [astuple(region) for region in self._regions],
            "refused": [astuple(region) for region in self._refused],
            "images": self._images,
            "rotation": self._rotation.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._regions = [Region(*values) for values in state["regions"]]
        self._refused = deque((Region(*values) for values in state["refused"]), maxlen=REFUSED)
        self._images = state["images"]
        self._rotation.restore(state["rotation"])

    def close(self) -> None:
        """Free the models."""
        self._closed = True
        self._finder.close()
        self._landmarks.close()

    def detect(self, image: NDArray[np.uint8]) -> tuple[FaceLandmarks, ...]:
        """Faces of a (height, width, 3) RGB image."""
        if self._closed:
            raise DetectorError("the detector was closed; make a new one")
        self._images += 1
        shown = Shown.of(image)
        faces, found = self._follow_and_search(shown)
        missing = self._config.max_faces - len(faces)
        candidates = distinct(found, [face.region for face in faces]) if missing else []
        if candidates:
            faces = _each_once(faces + self._confirmed(shown, self._worth_a_look(candidates, missing)))
        kept = faces[: self._config.max_faces]
        self._regions = [face.region for face in kept]
        if not kept:
            return ()
        points = np.stack([face.points for face in kept])
        return measured_faces(
            points,
            (shown.width, shown.height),
            [face.presence for face in kept],
            known_boxes=[face.box for face in kept],
        )

    def _follow_and_search(self, shown: Shown) -> tuple[list[_Face], list[Found]]:
        """The faces that are still there, and where others may be."""
        known = self._regions
        due = not known or self._images % SEARCH_EVERY == 0
        searching = due and len(known) < self._config.max_faces
        if searching:  # both models work at the same time
            self._search(shown, any_face=bool(known))
        faces = _each_once(self._large(self._look(shown, known)))
        found = self._finder.finish() if searching else []
        if len(faces) < len(known) and not (faces and searching):  # lost ones are looked for in the same image
            self._search(shown, any_face=bool(faces))
            found += self._finder.finish()
        return faces, found

    def _search(self, shown: Shown, any_face: bool) -> None:
        views = self._views(shown.width, shown.height, self._config.min_face_px)
        self._finder.start(shown, self._rotation.choose(views, any_face))

    def _look(self, shown: Shown, regions: list[Region]) -> list[_Face]:
        if not regions:
            return []
        points, presences = self._landmarks.look(shown, regions)
        if not presences:
            return []
        return [
            _Face(face, presence, box, around_points(face, box))
            for face, presence, box in zip(points, presences, boxes(points), strict=True)
        ]

    def _large(self, faces: list[_Face], factor: float = 1.0) -> list[_Face]:
        return [face for face in faces if face.size_px >= factor * self._config.min_face_px]

    def _worth_a_look(self, candidates: list[Region], missing: int) -> list[Region]:
        """New places first, and one of those that were no face before, in turn: a poster is there in every image."""
        new = [region for region in candidates if not region.overlaps(self._refused)]
        old = [region for region in candidates if region.overlaps(self._refused)]
        again = [old[self._rotation.images % len(old)]] if old else []
        return [*new, *again][: missing if self._images == 1 else min(missing, NEW_AT_ONCE)]

    def _confirmed(self, shown: Shown, candidates: list[Region]) -> list[_Face]:
        """New faces, looked at several times, each time where the last look has found them."""
        regions, faces = candidates, self._large(self._look(shown, candidates), FIRST_SIZE)
        for _ in range(NEW_FACE_LOOKS - 1):
            regions = [face.region for face in faces if face.region.overlaps(regions)]
            faces = [face for face in self._look(shown, regions) if face.presence >= NEW_FACE_PRESENCE]
        faces = self._large(faces)
        accepted = [face.region for face in faces]
        kept = [region for region in self._refused if not region.overlaps(accepted)]
        kept += [region for region in candidates if not region.overlaps([*kept, *accepted])]
        self._refused = deque(kept, maxlen=REFUSED)
        return faces


def _each_once(faces: list[_Face]) -> list[_Face]:
    """Without further results for the same face."""
    kept: list[_Face] = []
    for face in faces:
        if not face.region.same_face([other.region for other in kept], SAME_RESULT_SHARE):
            kept.append(face)
    return kept

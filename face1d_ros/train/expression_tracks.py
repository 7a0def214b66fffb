"""Synthetic faces as expression networks see them: features over time, and the truth of what is shown.

Their skin moves otherwise than the face model's, as that of real faces does. Each sequence goes through the default
smoothing stage, but every third, as in use, and then through the shipped mesh network. Letters: M frames of all tracks,
T of one, F features, A actions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.engines.bundle import Bundle, load_bundle, shipped_bundles
from face1d_ros.engines.engine import Arrays, Session
from face1d_ros.engines.onnxruntime_engine import OnnxRuntimeEngine
from face1d_ros.errors import CorpusError
from face1d_ros.geometry.camera_model import assumed_camera
from face1d_ros.geometry.expression_features import expression_features, feature_names
from face1d_ros.geometry.facial_actions import ACTIONS
from face1d_ros.geometry.mesh_alignment import Aligned, align_to_canonical, unprojected
from face1d_ros.stages.expression_input import FIELD_OF_VIEW_RAD
from face1d_ros.stages.mesh_model import DEFAULT as MESH
from face1d_ros.stages.mesh_model import basis_of
from face1d_ros.synth.faces.point_model import PointModel
from face1d_ros.synth.motion.person import person_map
from face1d_ros.synth.noise.observe import NoiseModel
from face1d_ros.synth.sequence import Sequence, SequencePlan, before_the_camera, identity_of, make_sequence
from face1d_ros.train.kept_arrays import KeptArrays
from face1d_ros.train.mesh_frames import HeadChanges, UnlikeMotion
from face1d_ros.train.steadied import Steadied
from face1d_ros.types import FloatArray

LANDMARKS, MESH_INPUT, BOTH = "landmarks", "mesh", "both"
INPUTS = (LANDMARKS, MESH_INPUT, BOTH)
LONGEST_GAP_S = 1.0
"""After a longer one the face is another track."""
OTHER_SKIN, OTHER_SKIN_SEED = HeadChanges(unlike=1.0), 0x5C1
SHORTEST = 10
"""Frames that say anything."""
ASSUMED_EVERY = 2
"""One of so many sequences is seen by a camera that nobody calibrated."""


@dataclass(frozen=True, eq=False)
class ExpressionTracks(KeptArrays):
    """Tracks one after the other."""

    called = "expression tracks"

    stamps_s: NDArray[np.float64]
    """(M,) within each track."""
    first: NDArray[np.int64]
    """(M,) number of the frame with which the track of each frame begins."""
    landmarks: FloatArray
    """(M, F) distances and angles."""
    mesh: FloatArray
    """(M, K) expression coefficients of the mesh network."""
    label: NDArray[np.int8]
    """(M,) as in `Sequence`."""
    intensity: FloatArray
    phase: NDArray[np.int8]
    phase_s: FloatArray
    """(M,) since the phase began; NaN where that was before the track."""
    actions: FloatArray
    """(M, A) beyond the person's rest."""

    def __len__(self) -> int:
        return len(self.stamps_s)

    def features(self, given: str) -> FloatArray:
        """What a network of this input reads."""
        return np.concatenate([getattr(self, part) for part in parts_of(given)], axis=1)

    @classmethod
    def joined(cls, parts: Iterable[ExpressionTracks]) -> ExpressionTracks:
        """All of them."""
        found = list(parts)
        if not found:
            raise CorpusError("no sequence shows a face long enough; make more or longer ones")
        starts = np.cumsum([0, *(len(part) for part in found)])
        arrays = {one.name: np.concatenate([getattr(part, one.name) for part in found]) for one in fields(cls)}
        arrays["first"] = np.concatenate([part.first + start for part, start in zip(found, starts, strict=False)])
        return cls(**arrays)


def feature_names_of(given: str) -> tuple[str, ...]:
    """(F,) what a network of this input reads."""
    names = {LANDMARKS: feature_names, MESH_INPUT: lambda: basis_of(mesh_bundle()).expression_names}
    return tuple(name for part in parts_of(given) for name in names[part]())


def parts_of(given: str) -> tuple[str, ...]:
    """What an input is made of, in its order."""
    return (LANDMARKS, MESH_INPUT) if given == BOTH else (given,)


def mesh_bundle() -> Bundle:
    """The shipped network that coefficients come from."""
    return load_bundle(next(path for path in shipped_bundles() if path.name == MESH))


class TrackReader:
    """Makes tracks of plans; one in each process."""

    def __init__(self, points: PointModel, noise: NoiseModel) -> None:
        self._points, self._noise = points, noise
        self._steadied = Steadied()
        self._session: Session = OnnxRuntimeEngine(mesh_bundle()).session(1)
        self._fresh = self._session.read_memory()

    def tracks(self, plan: SequencePlan, number: int) -> list[ExpressionTracks]:
        """Of one sequence; none where no face is seen long enough."""
        made = make_sequence(plan, self._points, self._noise)
        sequence = of_another_skin(made, self._points, self._noise, plan.noise.seed)
        sequence = self._steadied.of(sequence, number)
        chosen = np.flatnonzero(sequence.seen & sequence.present)
        if len(chosen) < SHORTEST:
            return []
        breaks = np.flatnonzero(np.diff(sequence.stamps_s[chosen]) > LONGEST_GAP_S) + 1
        parts = [part for part in np.split(chosen, breaks) if len(part) >= SHORTEST]
        return [self._track(sequence, part, number) for part in parts]

    def _track(self, sequence: Sequence, chosen: NDArray[np.intp], number: int) -> ExpressionTracks:
        confidence = np.asarray(sequence.point_confidence[chosen], np.float32)
        faces = aligned(sequence, chosen, confidence, is_assumed=number % ASSUMED_EVERY == 0)
        stamps_s = sequence.stamps_s[chosen]
        return ExpressionTracks(
            stamps_s=stamps_s,
            first=np.zeros(len(chosen), np.int64),
            landmarks=expression_features(faces.points_cm),
            mesh=self._mesh(faces, confidence, np.diff(stamps_s, prepend=stamps_s[0])),
            label=sequence.label[chosen],
            intensity=sequence.intensity[chosen],
            phase=sequence.phase[chosen],
            phase_s=_since_change(sequence.phase[chosen], stamps_s),
            actions=beyond_rest(sequence, chosen),
        )

    def _mesh(self, faces: Aligned, confidence: FloatArray, dt_s: NDArray[np.float64]) -> FloatArray:
        """(T, K) as the mesh stage gives them."""
        session, found = self._session, []
        session.write_memory(self._fresh)
        turn, steps = faces.turn_rad, dt_s[:, None]
        given: Arrays = {"aligned": faces.points_cm, "turn": turn, "confidence": confidence, "dt": steps}
        for frame in range(len(dt_s)):
            for name, array in given.items():
                session.inputs[name][0] = array[frame]
            session.run()
            found.append(np.clip(session.outputs["expression"][0], 0.0, 1.0))
        return np.asarray(found, np.float32)


def of_another_skin(sequence: Sequence, points: PointModel, noise: NoiseModel, seed: int) -> Sequence:
    """The same, by a face whose skin moves otherwise than the face model's, as that of real faces does."""
    rng = np.random.default_rng((OTHER_SKIN_SEED, seed))
    off_mm = UnlikeMotion.of(points).draw(rng, 1, OTHER_SKIN)(sequence.expression[None])[0]
    identity = identity_of(sequence.plan.subject, points)
    shape_mm = points.shape(identity, sequence.expression, sequence.gaze_rad) + off_mm
    where = sequence.yaw_pitch_roll_rad, sequence.translation_mm, sequence.stamps_s, sequence.present
    return replace(sequence, **before_the_camera(sequence.plan, shape_mm, *where, noise))


def aligned(sequence: Sequence, chosen: NDArray[np.intp], confidence: FloatArray, *, is_assumed: bool) -> Aligned:
    """Faces (T, N, 3) without the head's pose, as stages have them; the camera may be one that is only assumed."""
    camera = sequence.plan.camera
    focal: Any = camera.focal_px
    centre: Any = (camera.centre_x_px, camera.centre_y_px)
    if is_assumed:
        usual = assumed_camera(camera.width, camera.height, FIELD_OF_VIEW_RAD)
        focal, centre = usual.focal_px, usual.centre_px
    return align_to_canonical(unprojected(sequence.observed[chosen], focal, centre), confidence)


def beyond_rest(sequence: Sequence, chosen: NDArray[np.intp]) -> FloatArray:
    """(T, A) the facial actions, without what this person's face has at rest."""
    _, rest = person_map(sequence.plan.motion.person, sequence.expression_names)
    places = [sequence.expression_names.index(name) for name in ACTIONS.values()]
    return np.clip(sequence.expression[chosen] - rest, 0.0, 1.0)[:, places].astype(np.float32)


def _since_change(phase: NDArray[np.int8], stamps_s: NDArray[np.float64]) -> FloatArray:
    """(T,) since the phase of each frame began; NaN in the first phase."""
    began = np.where(np.diff(phase, prepend=phase[:1]) != 0, np.arange(len(phase)), 0)
    last = np.maximum.accumulate(began)
    return np.where(last > 0, stamps_s - stamps_s[last], np.nan).astype(np.float32)

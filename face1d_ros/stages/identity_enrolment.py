"""One enrolment, from the wish for it to templates that may be stored."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from face1d_ros.stages.appearance_views import Views
from face1d_ros.stages.identity_motion import FaceWatch, Motion, Posed
from face1d_ros.stages.identity_wishes import Wish
from face1d_ros.types import FloatArray

NS = 1_000_000_000
EXTRA = 4
"""Motions beyond those wanted that are taken in, where some are unlike the others."""
QUIET_S = 5.0
"""Without any motion, after which the person is told to move."""
WEAKEST_CM = 0.3
"""Of a motion that is enrolled: one that is hardly seen would often be missed later."""
FURTHEST_RAD, STILL_RAD = math.radians(30.0), math.radians(15.0)
"""Head away from the camera; head turned during a motion."""
LOOK = "look at the camera"
MOVE = "make your motion now, and larger if you did"
WEAKER, SHORTER = "move more", "move for longer: half a second at least"
LONGER = "rest between two motions, and make one last 6 s at most"
TURNED = "hold your head still while you move"
AGAIN = "repeat the same motion"
SHOW = "show your whole face to the camera, from nearer by"


class EnrolState(IntEnum):
    """What an enrolment is at."""

    WAITING_FOR_FACE = 0
    WAITING_FOR_MOTION = 1
    RECORDING = 2
    COMPARING = 3


@dataclass(frozen=True)
class Progress:
    """How far it is."""

    state: EnrolState
    captured: int
    repetitions: int
    quality: float
    """0 to 1, how alike the last repetition is to the others; NaN: there is no other yet."""
    hint: str
    track_id: int


@dataclass(frozen=True)
class Outcome:
    """How it ended."""

    success: bool
    message: str = ""
    """Why not, and what to do."""
    subject: str = ""
    templates: int = 0
    quality: float = math.nan


class Enrolment:
    """Told what the face does, frame by frame. Others only read `progress` and `outcome`, in any thread."""

    def __init__(self, wish: Wish, threshold: float, appearance_threshold: float = math.nan) -> None:
        """How like repetitions are to be, and the faces that make them where these are looked at."""
        self.wish = wish
        self.progress = Progress(EnrolState.WAITING_FOR_FACE, 0, wish.repetitions, math.nan, "", wish.track_id)
        self.outcome: Outcome | None = None
        self.began_ns: int | None = None
        """Stamp of the first frame, to which the consent counts."""
        self.views = Views()
        self._threshold, self._appearance_threshold = threshold, appearance_threshold
        self._watch = FaceWatch()
        self._embeddings: list[FloatArray] = []
        self._appearances: list[FloatArray] = []
        self._rested_ns = 0

    @property
    def track_id(self) -> int:
        """The face that is enrolled; 0: none was seen yet."""
        return self.progress.track_id

    @property
    def is_complete(self) -> bool:
        """Whether all repetitions are captured, and wait to be stored."""
        return self.outcome is None and self.progress.state is EnrolState.COMPARING

    @property
    def templates(self) -> list[FloatArray]:
        """(E,) each, those that are like each other."""
        return [self._embeddings[index] for index in self._alike()]

    @property
    def appearances(self) -> list[FloatArray]:
        """(A,) each, of the same repetitions; none where appearance is not looked at."""
        return [self._appearances[index] for index in self._alike()] if self._appearances else []

    @property
    def quality(self) -> float:
        """0 to 1, how alike they are."""
        found = np.stack(self.templates)
        first, second = np.triu_indices(len(found), 1)
        return self._graded((found @ found.T)[first, second])

    def begin_frame(self, stamp_ns: int, track_id: int) -> None:
        """Time goes on; the face that may be taken, 0 for none."""
        if self.began_ns is None:
            self.began_ns = stamp_ns
        if stamp_ns - self.began_ns >= self.wish.timeout_s * NS:
            self.fail(f"time is over after {self.wish.timeout_s:g} s", self.progress.hint or "allow for more time")
        elif not track_id:
            self._tell(hint=LOOK)
        elif self.progress.state is EnrolState.WAITING_FOR_FACE:
            self._rested_ns = stamp_ns
            self._tell(state=EnrolState.WAITING_FOR_MOTION, track_id=track_id, hint="")

    def see(self, face: Posed, stamp_ns: int) -> Motion | None:
        """The motion that is worth comparing, once one is over."""
        motion = self._watch.update(face, stamp_ns)
        is_moving = self._watch.is_moving
        self._tell(state=EnrolState.RECORDING if is_moving else EnrolState.WAITING_FOR_MOTION)
        if is_moving or motion is not None:
            self._rested_ns = stamp_ns
        if motion is not None:
            hint = _to_do_better(motion)
            self._tell(hint=hint)
            return None if hint else motion
        if np.abs(face.turn_rad).max() > FURTHEST_RAD:
            self._tell(hint=LOOK)
        elif stamp_ns - self._rested_ns > QUIET_S * NS:
            self._tell(hint=self.progress.hint or MOVE)
        elif self.progress.hint == LOOK:
            self._tell(hint="")
        return None

    def cannot_see(self) -> None:
        """The face is in the frame, but nothing is known of its motion."""
        self._tell(hint=LOOK)

    def was_not_seen(self) -> None:
        """A motion was made, but the face itself was not seen well enough."""
        self._tell(hint=SHOW)

    def add(self, embedding: FloatArray, nearest_other: float, appearance: FloatArray | None = None) -> None:
        """A motion (E,), how like it is to the likest of other subjects (NaN: there are none), and the face (A,)."""
        if nearest_other >= self._threshold:
            self.fail("this motion is too like that of another subject", "choose another motion")
            return
        before = list(self._embeddings)
        self._embeddings.append(embedding)
        if appearance is not None:
            self._appearances.append(appearance)
        alike = self._alike()
        quality = self._graded(np.array([other @ embedding for other in before])) if before else math.nan
        hint = "" if len(alike) > self.progress.captured else AGAIN
        self._tell(captured=len(alike), quality=quality, hint=hint)
        if len(alike) >= self.wish.repetitions:
            self._tell(state=EnrolState.COMPARING)
        elif len(self._embeddings) >= self.wish.repetitions + EXTRA:
            self.fail("the repetitions are too unlike each other", "choose a motion that you can repeat")

    def fail(self, problem: str, what_to_do: str) -> None:
        """End it, if it has not ended, and forget what was captured."""
        if self.outcome is None:
            self.end(Outcome(False, f"{problem}; {what_to_do}"))

    def end(self, outcome: Outcome) -> Outcome:
        """How it ended; what was captured is forgotten."""
        self.outcome = outcome
        self._embeddings, self._appearances, self._watch, self.views = [], [], FaceWatch(), Views()
        return outcome

    def _alike(self) -> list[int]:
        """The largest group around one motion, in the order in which they came."""
        if not self._embeddings:
            return []
        found = np.stack(self._embeddings)
        near = found @ found.T >= self._threshold
        if self._appearances:
            faces = np.stack(self._appearances)
            near &= faces @ faces.T >= self._appearance_threshold
        np.fill_diagonal(near, True)
        return np.flatnonzero(near[near.sum(axis=1).argmax()])[: self.wish.repetitions].tolist()

    def _graded(self, similarities: FloatArray) -> float:
        """From 0, as alike as the threshold asks for, to 1, the same."""
        share = (float(similarities.mean()) - self._threshold) / max(1.0 - self._threshold, 1e-6)
        return min(1.0, max(0.0, share))

    def _tell(self, **changes: object) -> None:
        self.progress = replace(self.progress, **changes)  # type: ignore[arg-type]


def _to_do_better(motion: Motion) -> str:
    """Why a motion is not taken; '' for one that is."""
    for is_wrong, hint in (
        (motion.turned_rad > STILL_RAD, TURNED),
        (motion.is_cut, LONGER),
        (not motion.strength_cm >= WEAKEST_CM, WEAKER),
        (motion.is_short, SHORTER),
    ):
        if is_wrong:
            return hint
    return ""

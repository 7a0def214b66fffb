"""How a face moves: plans, which are numbers and words alone, and the values that they give at time stamps.

Left and right are the person's own. Letters: T frames, K expression coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

LABELS = ("neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
NEUTRAL = 0
"""Index of neutral in LABELS."""
NONE = -1
"""The label of frames in which the face moves and shows none of LABELS: speech, free motion."""
SCENARIOS = ("expressions", "speech", "free", "mixed", "idle")
SIDES = ("left", "right")

Stamps: TypeAlias = NDArray[np.float64]
Floats: TypeAlias = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Curve:
    """How a ramp goes from 0 to 1."""

    lean: float = 1.0
    """Below 1 most of the way is made early, above 1 late."""
    overshoot: float = 0.0
    """Size of a bump near the end, of which about two thirds are beyond 1, before it settles."""
    first_step: float = 1.0
    """Share of the way that a first step makes; 1: there is one step only."""


@dataclass(frozen=True)
class Act:
    """An action unit that sets in, stays and goes."""

    unit: str
    """A name of `units.UNITS`."""
    start_s: float
    rise_s: float
    hold_s: float
    fall_s: float
    left: float
    """Activation of the left side while it is held, 0 to 1."""
    right: float
    rise: Curve = Curve()
    fall: Curve = Curve()

    @property
    def end_s(self) -> float:
        """When it is back at rest."""
        return self.start_s + self.rise_s + self.hold_s + self.fall_s


@dataclass(frozen=True)
class Expression:
    """One of the basic expressions, shown once."""

    label: str
    variant: int
    """Its number in `expressions.variants(label)`."""
    strength: float
    """Intensity at the apex, 0 to 1."""
    acts: tuple[Act, ...]


@dataclass(frozen=True)
class FreeMotion:
    """A motion that a user chose, made once."""

    motion_id: int
    variation: str
    acts: tuple[Act, ...]


@dataclass(frozen=True)
class Sound:
    """A mouth shape of speech."""

    shape: str
    """A name of `speech.SHAPES`."""
    at_s: float
    reach_s: float
    """How far in time it draws the mouth towards itself (the width of its dominance)."""
    strength: float


@dataclass(frozen=True)
class Utterance:
    """Speech without a long pause, with the brows that stress some of its words."""

    start_s: float
    end_s: float
    sounds: tuple[Sound, ...]
    stress: tuple[Act, ...] = ()


@dataclass(frozen=True)
class Fixation:
    """Where the eyes look from a time on. As head yaw and pitch: + to the person's right, + down."""

    start_s: float
    yaw_rad: float
    pitch_rad: float


@dataclass(frozen=True)
class Drift:
    """Small motion that never stops; the seed stands for its phases."""

    seed: int
    amount: float


@dataclass(frozen=True)
class CaptureUse:
    """A part of a capture that drives the face. Its values are given beside the plan, under this name."""

    name: str
    sha256: str
    """Of the capture's values, so that a plan names them fully."""
    from_s: float
    speed: float
    gain: float


@dataclass(frozen=True)
class Palsy:
    """Unilateral facial weakness: 0 none, 1 no motion, by region."""

    side: str
    brow: float
    eye: float
    mouth: float
    droop: float
    """How far the weak side hangs at rest, 0 to 1."""
    synkinesis: float
    """How much the weak eye and mouth corner move along with one another, 0 to 1."""


@dataclass(frozen=True)
class PersonStyle:
    """How one person's face moves, whatever it shows."""

    tempo: float = 1.0
    """Durations of what the person shows are multiplied by it."""
    expressivity: float = 1.0
    """Activations are multiplied by it."""
    asymmetry: tuple[tuple[str, float], ...] = ()
    """By region of `units.REGIONS`: relative difference of left and right, + where left moves more."""
    rest: tuple[tuple[str, float], ...] = ()
    """Coefficients of the face at rest."""
    blinks_per_min: float = 15.0
    partial_blinks: float = 0.3
    """Share of blinks that do not shut the eye."""
    restlessness: float = 1.0
    """Size of idle motion and of gaze shifts."""
    palsy: Palsy | None = None


@dataclass(frozen=True)
class MotionPlan:
    """All parameters of a face's motion; `evaluate` gives its values."""

    scenario: str
    duration_s: float
    person: PersonStyle = PersonStyle()
    expressions: tuple[Expression, ...] = ()
    free: tuple[FreeMotion, ...] = ()
    speech: tuple[Utterance, ...] = ()
    blinks: tuple[Act, ...] = ()
    gaze: tuple[Fixation, ...] = ()
    idle: Drift | None = None
    capture: CaptureUse | None = None


@dataclass(frozen=True)
class MotionDefinition:
    """A motion that a user chose: a sequence of units, 1 to 4 s long, from time 0 on."""

    motion_id: int
    signature: str
    """Its gestures in their order, as a word; decides the split that it belongs to."""
    acts: tuple[Act, ...]

    @property
    def duration_s(self) -> float:
        """When the last unit is back at rest."""
        return max(act.end_s for act in self.acts)


@dataclass(frozen=True, eq=False)
class Motion:
    """The values of a plan."""

    expression: NDArray[np.float32]
    """(T, K) coefficients 0 to 1, in the order of the names that were asked for."""
    gaze_rad: NDArray[np.float32]
    """(T, 2) yaw and pitch of both eyes in the head, with the signs of head yaw and pitch."""
    label: NDArray[np.int8]
    """(T,) index into LABELS, or NONE."""
    intensity: NDArray[np.float32]
    """(T,) 0 to 1: how much of its expression the face shows. At the apex it is the expression's strength."""
    phase: NDArray[np.int8]
    """(T,) values of `face1d_ros.types.Phase`: NEUTRAL, ONSET, APEX or OFFSET."""
    motion_id: NDArray[np.int32]
    """(T,) of the free motion that is being made, else 0."""


@dataclass(frozen=True)
class PhaseTimes:
    """When an expression passes from phase to phase; infinite where the plan ends first."""

    label: str
    onset_s: float
    """It leaves rest."""
    apex_s: float
    """It has fully developed."""
    offset_s: float
    """It begins to fade."""
    end_s: float
    """It is gone."""

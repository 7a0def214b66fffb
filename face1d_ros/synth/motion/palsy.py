"""Unilateral peripheral facial palsy: one side moves less, hangs at rest, and may move along with itself.

What is weak follows the facial nerve: brow, closing of the eye, nose, cheek, lips. The jaw (trigeminal nerve), the
eyes and what lifts the upper lid (oculomotor nerve: eyeWide) are spared. Signs by severity as in House & Brackmann's
scale (1985): a side hangs at rest from severe weakness on (grade V and up), synkinesis comes with moderate weakness
(grades III and IV) and is absent in total paralysis. Weakness here is what the scale calls lost function, 0 to 100 %.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from face1d_ros.synth.motion import draws
from face1d_ros.synth.motion.types import SIDES, Palsy
from face1d_ros.synth.motion.units import REGIONS

REGION_SPREAD = 0.15
DROOPS_FROM = 0.6
SYNKINESIS_FROM, SYNKINESIS_TO = 0.3, 0.85
SYNKINESIS_SHARE = 0.5

SPARED = ("eyeWide",)
LIPS = tuple(
    f"mouth{part}" for part in ("Close", "Funnel", "Pucker", "RollLower", "RollUpper", "ShrugLower", "ShrugUpper")
)
"""Made by both sides together: each side does half."""
PULL = {"mouthSmile": 0.3, "mouthStretch": 0.25, "mouthDimple": 0.2, "mouthUpperUp": 0.15, "mouthLowerDown": 0.15}
"""How far the healthy side pulls the whole mouth over when the weak one does not hold against it."""
DROOP = {"mouthFrown": 0.45, "browDown": 0.35, "mouthLowerDown": 0.06}
DROOP_SHIFT = 0.12
LID_OPEN = 0.12
"""A lower lid without tone leaves the eye wider open."""
EYE_TO_MOUTH, MOUTH_TO_EYE = 0.35, 0.4
"""Synkinesis at its strongest."""


def draw_palsy(rng: Generator) -> Palsy:
    """Any side, any severity from none to total."""
    severity = draws.between(rng, 0.0, 1.0)
    brow, eye, mouth = (_region(rng, severity) for _ in range(3))
    moderate = SYNKINESIS_FROM < severity < SYNKINESIS_TO
    return Palsy(
        side=draws.pick(rng, SIDES),
        brow=brow,
        eye=eye,
        mouth=mouth,
        droop=draws.rounded(max(0.0, (severity - DROOPS_FROM) / (1.0 - DROOPS_FROM)) * draws.between(rng, 0.5, 1.0)),
        synkinesis=draws.between(rng, 0.2, 1.0) if moderate and draws.chance(rng, SYNKINESIS_SHARE) else 0.0,
    )


def _region(rng: Generator, severity: float) -> float:
    return draws.rounded(min(max(severity + draws.between(rng, -REGION_SPREAD, REGION_SPREAD), 0.0), 1.0))


def weaken(
    palsy: Palsy, index: dict[str, int], matrix: NDArray[np.float64], rest: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A person's map and rest (see `person.person_map`), with the palsy."""
    matrix, rest = matrix.copy(), rest.copy()
    weak, healthy = ("_L", "_R") if palsy.side == SIDES[0] else ("_R", "_L")
    away = index["mouthRight" if palsy.side == SIDES[0] else "mouthLeft"]
    towards = index["mouthLeft" if palsy.side == SIDES[0] else "mouthRight"]
    kept = _kept(palsy)
    for name, share in kept.items():
        matrix[:, index[name + weak]] *= share
        rest[index[name + weak]] *= share
    matrix[:, towards] *= 1.0 - palsy.mouth
    for name in LIPS:
        matrix[:, index[name]] *= 1.0 - 0.5 * palsy.mouth
        rest[index[name]] *= 1.0 - 0.5 * palsy.mouth
    for name, share in PULL.items():
        matrix[index[name + healthy], away] += share * palsy.mouth
    matrix[index["eyeBlink" + weak], index["mouthSmile" + weak]] += EYE_TO_MOUTH * palsy.synkinesis
    matrix[index["mouthSmile" + weak], index["eyeBlink" + weak]] += MOUTH_TO_EYE * palsy.synkinesis
    for name, share in DROOP.items():
        rest[index[name + weak]] += share * palsy.droop
    rest[index["eyeWide" + weak]] += LID_OPEN * palsy.droop
    rest[away] += DROOP_SHIFT * palsy.droop
    return matrix, rest


def _kept(palsy: Palsy) -> dict[str, float]:
    """By coefficient without side: which part of its motion the weak side keeps."""
    kept = {"eyeBlink": 1.0 - palsy.eye}
    for region, names in REGIONS.items():
        weakness = {"brow": palsy.brow, "eye": palsy.eye}.get(region, palsy.mouth)
        kept |= {name: 1.0 - weakness for name in names if name not in SPARED}
    return kept

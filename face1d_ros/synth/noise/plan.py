"""What disturbs one sequence: drawn first, as plain numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from face1d_ros.errors import InvalidValueError
from face1d_ros.geometry.topology import region_names

SIDES = ("right_side", "left_side")
"""The person's own."""
PARTS_OF_FACE = {
    "lower_face": ("mouth", "jaw"),
    "upper_face": ("forehead", "right_brow", "left_brow", "right_eye", "left_eye"),
}
"""A mask or a hand; a hat and dark glasses."""
OCCLUSION_REGIONS = (*region_names(), *SIDES, *PARTS_OF_FACE)
GRAIN_LEVELS = (0.5, 16.0)
OCCLUSIONS_PER_S, DROPOUTS_PER_S = 0.05, 0.02
"""Mean numbers, in those sequences that have any."""
OCCLUSION_S, DROPOUT_S = (0.2, 2.5), (0.03, 0.8)


@dataclass(frozen=True)
class Occlusion:
    """Something before a region of the face."""

    region: str
    start_s: float
    duration_s: float

    def __post_init__(self) -> None:
        if self.region not in OCCLUSION_REGIONS:
            raise InvalidValueError("Occlusion.region", self.region, f"one of {', '.join(OCCLUSION_REGIONS)}")
        _check_span("Occlusion", self.start_s, self.duration_s)


@dataclass(frozen=True)
class Gap:
    """The detector finds nothing, whatever the reason."""

    start_s: float
    duration_s: float

    def __post_init__(self) -> None:
        _check_span("Gap", self.start_s, self.duration_s)


@dataclass(frozen=True)
class NoisePlan:
    """Conditions of the image, and events. The condition of size, speed and pose comes from the sequence itself."""

    seed: int = 0
    person_seed: int = 0
    """What the detector always gets wrong on this person; the same in all sequences of a person."""
    grain: float = 4.0
    """Standard deviation of the sensor noise, grey levels."""
    light: float = 1.0
    """Gain; 1 is well lit, 0.2 dark."""
    exposure_s: float = 0.0
    """Motion blur comes from it and the face's speed."""
    defocus_share: float = 0.0
    """Standard deviation of the blur over the face's size."""
    occlusions: tuple[Occlusion, ...] = ()
    dropouts: tuple[Gap, ...] = ()
    losses: bool = True
    """Whether the detector also loses the face as often as was measured under such conditions."""
    strength: float = 1.0
    """Factor on all noise and bias; 0 gives the clean points."""

    def __post_init__(self) -> None:
        for name in ("grain", "exposure_s", "defocus_share", "strength"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise InvalidValueError(f"NoisePlan.{name}", value, "a number from 0")
        if not (math.isfinite(self.light) and self.light > 0.0):
            raise InvalidValueError("NoisePlan.light", self.light, "a number above 0")
        for name in ("seed", "person_seed"):
            if not 0 <= getattr(self, name) < 2**63:
                raise InvalidValueError(f"NoisePlan.{name}", getattr(self, name), "an integer from 0")


def draw_noise(rng: np.random.Generator, duration_s: float, person_seed: int | None = None) -> NoisePlan:
    """Conditions from good to bad, occlusions in four sequences of ten, dropouts in three.

    Give the same person_seed for all sequences of a person; without one it is drawn.
    """
    if not (math.isfinite(duration_s) and duration_s > 0.0):
        raise InvalidValueError("duration_s", duration_s, "a number of seconds above 0")
    seed, drawn_person = (int(rng.integers(2**31)) for _ in range(2))
    grain, dark, light, exposure, blurred, defocus, hidden, lost = rng.random(8).tolist()
    low, high = GRAIN_LEVELS
    return NoisePlan(
        seed=seed,
        person_seed=drawn_person if person_seed is None else int(person_seed),
        grain=round(low + (high - low) * grain * grain, 6),
        light=round(0.15 + 0.6 * light, 6) if dark < 0.25 else round(0.75 + 0.4 * light, 6),
        exposure_s=round(0.001 + 0.032 * exposure * exposure, 6),
        defocus_share=round(0.03 * defocus, 6) if blurred < 0.25 else 0.0,
        occlusions=_occlusions(rng, duration_s) if hidden < 0.4 else (),
        dropouts=_dropouts(rng, duration_s) if lost < 0.3 else (),
    )


def _occlusions(rng: np.random.Generator, duration_s: float) -> tuple[Occlusion, ...]:
    regions = [OCCLUSION_REGIONS[i] for i in rng.integers(len(OCCLUSION_REGIONS), size=64).tolist()]
    spans = _spans(rng, duration_s, OCCLUSIONS_PER_S, OCCLUSION_S)
    return tuple(Occlusion(region, *span) for region, span in zip(regions, spans, strict=False))


def _dropouts(rng: np.random.Generator, duration_s: float) -> tuple[Gap, ...]:
    return tuple(Gap(*span) for span in _spans(rng, duration_s, DROPOUTS_PER_S, DROPOUT_S))


def _spans(
    rng: np.random.Generator, duration_s: float, per_s: float, lengths_s: tuple[float, float]
) -> list[tuple[float, float]]:
    """At least one (start, duration) within the sequence, at most 64."""
    expected = per_s * duration_s
    count = min(max(int(expected + rng.random()), 1), 64)
    starts, lengths = rng.random(count), rng.random(count)
    shortest, longest = lengths_s
    spans = zip(starts.tolist(), lengths.tolist(), strict=True)
    return sorted(
        (round(start * duration_s, 6), round(shortest + (longest - shortest) * length * length, 6))
        for start, length in spans
    )


def _check_span(name: str, start_s: float, duration_s: float) -> None:
    if not math.isfinite(start_s):
        raise InvalidValueError(f"{name}.start_s", start_s, "a finite number of seconds")
    if not (math.isfinite(duration_s) and duration_s > 0.0):
        raise InvalidValueError(f"{name}.duration_s", duration_s, "a number of seconds above 0")

"""Blinks: how often, how fast, how far.

- Rate: 10.7 ± 9.7 a minute while reading, 32.4 ± 12.4 in conversation (Chidi-Egboka et al. 2022); men 11, women 19 at
  rest (Sforza et al. 2008). Intervals have an exponential distribution, after a shortest one.
- Closing takes 66 ms on average (Kinematic comparison of spontaneous and voluntary blinks: 77.6 ms are 17.6 % longer),
  lids stay shut about 8 ms in spontaneous blinks, and closing is 40–47 % faster than opening (Sforza et al. 2008).
- About half of all blinks are partial, by a quarter to three quarters (Ousler et al. 2014: 53 %; Sforza et al.: 56 %).
"""

from __future__ import annotations

from numpy.random import Generator

from face1d_ros.synth.motion import draws
from face1d_ros.synth.motion.types import Act, Curve, PersonStyle

UNIT = "AU45"
SHORTEST_GAP_S = 0.35
LASTS_S = 0.25
"""A blink, on average."""
CLOSING_S: draws.Quantiles = (0.05, 0.06, 0.068, 0.08, 0.11)
SHUT_S: draws.Quantiles = (0.0, 0.006, 0.012, 0.03, 0.08)
OPENING_S: draws.Quantiles = (0.1, 0.13, 0.16, 0.2, 0.28)
PARTIAL: draws.Quantiles = (0.2, 0.4, 0.6, 0.8)
DOUBLE_SHARE = 0.06
CLOSING = Curve(lean=0.85)
OPENING = Curve(lean=1.6)
"""Lids let go quickly and come to rest slowly."""


def draw_blinks(rng: Generator, duration_s: float, person: PersonStyle, rate: float = 1.0) -> tuple[Act, ...]:
    """All blinks of a time, `rate` times as many as the person usually makes."""
    mean_gap_s = max((1.0 + DOUBLE_SHARE) * 60.0 / (person.blinks_per_min * rate) - SHORTEST_GAP_S - LASTS_S, 0.1)
    blinks: list[Act] = []
    time_s = mean_gap_s * draws.quantile(rng, draws.EXPONENTIAL)
    while time_s < duration_s:
        blink = _blink(rng, time_s, person)
        blinks.append(blink)
        if draws.chance(rng, DOUBLE_SHARE):
            blink = _blink(rng, blink.end_s - 0.4 * blink.fall_s, person)
            blinks.append(blink)
        time_s = blink.end_s + SHORTEST_GAP_S + mean_gap_s * draws.quantile(rng, draws.EXPONENTIAL)
    return tuple(blinks)


def _blink(rng: Generator, start_s: float, person: PersonStyle) -> Act:
    partial = draws.chance(rng, person.partial_blinks)
    closure = draws.quantile(rng, PARTIAL) if partial else 1.0
    slack = draws.between(rng, 0.0, 0.02)
    return Act(
        UNIT,
        draws.rounded(start_s),
        draws.quantile(rng, CLOSING_S),
        draws.quantile(rng, SHUT_S),
        draws.quantile(rng, OPENING_S),
        draws.rounded(closure - slack),
        draws.rounded(closure),
        CLOSING,
        OPENING,
    )

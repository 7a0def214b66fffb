"""The highest rate that something bears, found by halving."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from face1d_ros.errors import InvalidValueError

MOST_LOSS = 0.05
"""Share of the frames that may be lost, as in ros2_benchmark."""
HIGHEST_HZ = 240.0
FIRST_HZ = 10.0
PRECISION = 0.03
"""Share of the rate to which it is found; the search ends at half a hertz in any case."""
LEAST_STEP_HZ = 0.5


def highest_rate(
    bears: Callable[[float], bool], known: Mapping[float, bool] | None = None, limit_hz: float = HIGHEST_HZ
) -> float | None:
    """The highest rate that was tried and borne, up to `limit_hz`; None where none was.

    `bears` tries a rate; `known` are those that were tried before. A rate above one that was not borne counts as not
    borne, whatever chance said of it.
    """
    if not limit_hz > 0.0:
        raise InvalidValueError("limit_hz", limit_hz, "a rate above 0")
    tried = {rate_hz: borne for rate_hz, borne in (known or {}).items() if rate_hz <= limit_hz}
    refused_hz = min((rate_hz for rate_hz, borne in tried.items() if not borne), default=None)
    borne_hz = max((rate_hz for rate_hz in tried if refused_hz is None or rate_hz < refused_hz), default=0.0)
    while refused_hz is None:
        if borne_hz >= limit_hz:
            return borne_hz
        next_hz = min(2.0 * borne_hz or FIRST_HZ, limit_hz)
        if bears(next_hz):
            borne_hz = next_hz
        else:
            refused_hz = next_hz
    while refused_hz - borne_hz > max(PRECISION * refused_hz, LEAST_STEP_HZ):
        middle_hz = (borne_hz + refused_hz) / 2.0
        if bears(middle_hz):
            borne_hz = middle_hz
        else:
            refused_hz = middle_hz
    return borne_hz or None

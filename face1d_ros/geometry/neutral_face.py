"""What a face looks like at rest, learned from the face itself, so that one that rests stern is not taken for angry.

It follows what is seen while the face rests: at first the mean, later ever slower. What lies far off draws no more than
what lies near, and while an expression is shown hardly anything does. Shapes: (…, F) features of any number of faces.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]
LONGEST_STEP_S = 0.2
"""Of one frame: nobody knows what a face did in a longer gap."""
DRAWS = 2.0
"""In what is usual of one person: what is further off draws no more."""
LEAST_REST = 0.03
"""Of a frame in which the face does not seem to rest: else a neutral that began with an expression would stay so."""
FIRST_S = 0.02
"""What the first frame counts for."""


def adapted(
    neutral: Floats,
    known_s: ArrayLike,
    features: Floats,
    dt_s: ArrayLike,
    rests: ArrayLike,
    spread: Floats,
    slow_s: float,
) -> tuple[Floats, Floats]:
    """Neutral and the time that it is known from, after a frame; the first frame is neutral, known for no time.

    known_s, dt_s and rests, how likely it is from 0 to 1 that the face is at rest, broadcast to (…, 1). `slow_s`: the
    time in which it adapts in the end.
    """
    step_s = np.minimum(dt_s, LONGEST_STEP_S) * np.maximum(rests, LEAST_REST)
    share = step_s / (np.asarray(known_s) + step_s + FIRST_S)
    off = np.clip(features - neutral, -DRAWS * spread, DRAWS * spread)
    return neutral + share * off, np.minimum(known_s + step_s, slow_s)

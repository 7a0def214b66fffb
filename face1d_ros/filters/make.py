"""Filters by name."""

from __future__ import annotations

import dataclasses
from typing import Any

from face1d_ros.errors import InvalidValueError, UnknownKeyError
from face1d_ros.filters.exponential import Exponential, ExponentialSettings
from face1d_ros.filters.filter import Filter
from face1d_ros.filters.kalman import Kalman, KalmanSettings
from face1d_ros.filters.mediapipe import MediaPipe, MediaPipeSettings
from face1d_ros.filters.one_euro import OneEuro, OneEuroSettings
from face1d_ros.filters.savitzky_golay import SavitzkyGolay, SavitzkyGolaySettings

FILTERS: dict[str, tuple[type[Any], type[Any]]] = {
    Exponential.name: (ExponentialSettings, Exponential),
    OneEuro.name: (OneEuroSettings, OneEuro),
    Kalman.name: (KalmanSettings, Kalman),
    SavitzkyGolay.name: (SavitzkyGolaySettings, SavitzkyGolay),
    MediaPipe.name: (MediaPipeSettings, MediaPipe),
}
"""The settings and the class of each."""


def make_filter(name: str, **settings: float) -> Filter:
    """A filter that has seen nothing yet; its defaults where `settings` say nothing."""
    if name not in FILTERS:
        raise InvalidValueError("filter", name, f"one of {', '.join(FILTERS)}")
    kind, made = FILTERS[name]
    known = {field.name for field in dataclasses.fields(kind)}
    for key in settings:
        if key not in known:
            raise UnknownKeyError(key, known, f"filter {name}")
    result: Filter = made(kind(**settings))
    return result

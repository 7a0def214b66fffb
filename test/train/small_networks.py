"""Networks of every family that are small enough to be exported in a moment."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from face1d_ros.nets.families import FAMILIES
from face1d_ros.nets.network import StreamingNetwork
from face1d_ros.train.export import untrained

SMALL: dict[str, Any] = {"landmarks": 21, "part": 4, "width": 8, "hidden": 4, "rank": 3}
SMALL_EXPRESSION: dict[str, Any] = {"features": 9, "hidden": 4}
SMALL_MOTION: dict[str, Any] = {"frames": 12, "width": 8, "heads": 2, "inner": 8, "embedding": 6, "channels": [3, 4]}
SMALL_1D_FORMER: dict[str, Any] = {"landmarks": 21, "window": 4, "length": 8, "bins": 16}


def network(family: str = "gru") -> StreamingNetwork:
    torch.manual_seed(1)
    if family == "one_d_former":
        return untrained(family, SMALL_1D_FORMER)
    if family in ("curve_cnn", "coefficient_lstm"):  # fewer leave their last layer nothing to look at
        return untrained(family, {"landmarks": 68})
    if family == "conv_lstm" or family.startswith("expression_"):
        return untrained(family, SMALL_EXPRESSION)
    if family == "motion_encoder":
        return untrained(family, SMALL_MOTION)
    known = {field.name for field in dataclasses.fields(FAMILIES[family][0])}
    return untrained(family, {key: value for key, value in SMALL.items() if key in known})

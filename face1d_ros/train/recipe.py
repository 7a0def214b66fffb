"""A recipe: everything that decides what a training gives, as one YAML file. Unknown keys are refused."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from face1d_ros.errors import ConfigFileError

FOLDER = Path(__file__).with_name("recipes")


@dataclass(frozen=True)
class Data:
    """The synthetic corpus that is learned from, and the one that is judged on while training."""

    sequences: int = 6000
    validation_sequences: int = 120
    seconds: float = 6.0
    per_subject: int = 1
    seed: int = 11


@dataclass(frozen=True)
class Recipe:
    """One training."""

    task: str
    family: str
    landmarks: int = 478
    input: str = ""
    """What an expression network reads: mesh, or landmarks."""
    loss: str = ""
    """Of a motion encoder: contrastive or n_pair."""
    trimming: bool = True
    """Whether a motion encoder learns from clips that begin and end at random, before and after the motion."""
    config: dict[str, Any] = field(default_factory=dict)
    """Of the network, where it is not the default."""
    data: Data = Data()
    seed: int = 1
    steps: int = 6000
    rows: int = 24
    """Faces side by side in one step."""
    frames: int = 12
    """Of each face in one step; the memory goes on to the next step, the gradient does not."""
    rate: float = 3e-3
    """Of learning, at its highest."""
    weight_decay: float = 1e-3
    judge_every: int = 500
    """Steps from one look at the validation data to the next."""
    weights: dict[str, float] = field(default_factory=dict)
    """Of the parts of the loss, where they are not the task's own."""

    def __post_init__(self) -> None:
        counts = (self.steps, self.rows, self.frames, self.judge_every, self.data.sequences)
        if min(counts) < 1 or not 0.0 < self.rate < 1.0 or not math.isfinite(self.data.seconds):
            raise ValueError(f"got {self}, expected counts from 1 and a rate between 0 and 1")

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)


def recipe_names(task: str) -> tuple[str, ...]:
    """Of the recipes that ship for a task."""
    prefix = f"{task}_"
    return tuple(sorted(path.stem.removeprefix(prefix) for path in FOLDER.glob(f"{prefix}*.yaml")))


def load_recipe(path: Path) -> Recipe:
    """Read strictly."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigFileError(path, str(error)) from error
    try:
        return recipe_of(content)
    except (TypeError, ValueError) as error:
        raise ConfigFileError(path, str(error)) from error


def recipe_of(content: Any) -> Recipe:
    """From plain values."""
    if not isinstance(content, dict):
        raise ValueError(f"got {type(content).__name__}, expected keys and values")
    given = dict(content)
    data = given.pop("data", {})
    return Recipe(**_known(Recipe, given), data=Data(**_known(Data, data)))


def _known(kind: type[Any], given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ValueError(f"{kind.__name__.lower()}: got {type(given).__name__}, expected keys and values")
    types = {item.name: item.type for item in dataclasses.fields(kind)}
    if unknown := sorted(set(given) - set(types)):
        raise ValueError(f"unknown {', '.join(unknown)}; expected some of {', '.join(sorted(types))}")
    for name, value in given.items():
        if types[name] == "float" and isinstance(value, int):
            given[name] = float(value)
        elif types[name] in ("int", "float", "str", "bool") and type(value).__name__ != types[name]:
            raise ValueError(f"{name}: got {value!r}, expected {types[name]}")
    return given

"""Command-line options made from configurations, so that both always agree."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from face1d_ros.config import NodeConfig, Setting, settings
from face1d_ros.evaluate.measurement import MeasurementError
from face1d_ros.graph import NODES, STAGES, NodeSpec

Function = TypeVar("Function", bound=Callable[..., Any])
_SEPARATOR = "__"


def _writable(_: click.Context, __: click.Parameter, path: str | None) -> str | None:
    """Asked before the work, not after it."""
    folder = Path(path or ".").parent
    if not folder.is_dir():
        raise MeasurementError(path, f"'{folder}' is no folder")
    if not os.access(folder, os.W_OK):
        raise MeasurementError(path, f"'{folder}' cannot be written")
    return path


JSON = click.option(
    "--json",
    "path",
    type=click.Path(dir_okay=False),
    callback=_writable,
    help="Write the measurement to this file.",
)
"""Where a long measurement goes; refused at once where it could not be written."""
FACE_MODEL = click.option(
    "--face-model", type=click.Path(exists=True, path_type=Path), help="[default: $FACE1D_FACE_MODEL]"
)
"""The 3D face model that synthetic faces are made with."""
GROUPS = click.option(
    "--groups",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV that says of which group each sequence is: all figures by group, and how far these lie apart.",
)
"""For fairness; docs/fairness.md has its columns."""
STAGES_TO_RUN = click.option(
    "--stages",
    metavar="NAMES",
    default="",
    help=f"Stages to run, with commas between, of: {', '.join(spec.stage for spec in STAGES)}. [default: all]",
)
"""Which of them are measured."""
CORPORA = click.option(
    "--corpus",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder with the corpora `train` and `validation`.  [default: OUTPUT/corpus, made where it is missing]",
)
"""What a network is trained and judged on."""


def node_options(function: Function) -> Function:
    """Add `--camera.source`, `--landmarks.max-faces` and so on for every setting of every node."""
    return node_options_without()(function)


def node_options_without(*left_out: str) -> Callable[[Function], Function]:
    """`node_options` without those, such as `camera.source`, that the command sets itself."""
    shared = {setting.name for setting in settings(NodeConfig)}

    def add(function: Function) -> Function:
        for node in reversed(NODES):
            for setting in reversed(settings(node.config)):
                if setting.name not in shared and f"{node.stage}.{setting.name}" not in left_out:
                    function = _option(node, setting)(function)
        return function

    return add


def take_overrides(options: dict[str, object]) -> dict[str, dict[str, object]]:
    """Node names and the settings the user gave, from the keyword arguments that `node_options` made."""
    overrides: dict[str, dict[str, object]] = {}
    for key, value in options.items():
        node, _, name = key.partition(_SEPARATOR)
        if value is not None:
            overrides.setdefault(f"{node}_node", {})[name] = value
    return overrides


def _option(node: NodeSpec, setting: Setting) -> Callable[[Function], Function]:
    name = f"--{node.stage}.{setting.name.replace('_', '-')}"
    default = str(setting.default).lower() if setting.type is bool else setting.default
    return click.option(
        name,
        f"{node.stage}{_SEPARATOR}{setting.name}",
        type=_click_type(setting),
        metavar=None if setting.choices or setting.minimum is not None else setting.type.__name__.upper(),
        help=f"{setting.description} [default: {default if default != '' else 'empty'}]",
    )


def _click_type(setting: Setting) -> click.ParamType | type:
    if setting.choices:
        return click.Choice(list(setting.choices))
    if setting.minimum is None:
        return setting.type
    if setting.type is int:
        return click.IntRange(int(setting.minimum), int(setting.maximum or 0))
    return click.FloatRange(setting.minimum, setting.maximum)

"""What `face1d replay` is asked for, as jobs: each with a folder of its own, and paths that any machine understands."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from face1d_ros.config import CameraConfig, build
from face1d_ros.graph import CAMERA, STAGES
from face1d_ros.paths import printable, user_path
from face1d_ros.replay.job import Job
from face1d_ros.sources import DEVICE, PORTRAIT

COMPRESSED = (".zstd", ".zst", ".lz4")
"""What follows the extension of a bag's file that is compressed as a whole."""


def make_jobs(sources: Sequence[str], out: Path, like: Job) -> list[Job]:
    """A job for each source, else like this one. Raises click.UsageError and ConfigError before anything is opened."""
    paths = [_source(source) for source in sources]
    for path in paths:
        if paths.count(path) > 1:
            raise click.UsageError(f"{printable(path)} is named twice")
        if path == PORTRAIT and like.max_frames is None:
            raise click.UsageError(f"'{PORTRAIT}' has no end; say --max-frames N")
    settings = {node: _absolute_paths(values) for node, values in like.settings.items()}
    _check(settings)
    truth = absolute(like.truth) if like.truth and user_path(like.truth).exists() else like.truth
    like = dataclasses.replace(like, settings=settings, truth=truth)
    names = unique(name_of(path) for path in paths)
    return [
        dataclasses.replace(like, source=path, folder=str(out / name)) for path, name in zip(paths, names, strict=True)
    ]


def name_of(source: str) -> str:
    """The source's name without its extension: what its folder is called."""
    path = Path(source)
    if path.is_dir():
        return path.name
    if path.suffix in COMPRESSED:
        path = path.with_suffix("")
    return path.stem


def unique(names: Iterable[str]) -> list[str]:
    """The same names, with a number behind where one was there before."""
    taken: list[str] = []
    for name in names:
        number, candidate = 1, name
        while candidate in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.append(candidate)
    return taken


def absolute(path: str) -> str:
    """The path as every process understands it, wherever it was started."""
    return os.path.normpath(user_path(path).absolute())


def _source(source: str) -> str:
    if source == PORTRAIT:
        return source
    if source.isdecimal() or DEVICE.fullmatch(source):
        raise click.UsageError(f"'{source}' is a camera; record it first, or use `face1d run {source}`")
    if not source:
        raise click.UsageError("'' is no source; name a bag, a video or an image folder")
    return absolute(source)


def _absolute_paths(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that name files which are there, so that they do also elsewhere; names such as `kalman` stay."""
    return {
        name: absolute(value) if isinstance(value, str) and _is_path(value) else value for name, value in values.items()
    }


def _is_path(value: str) -> bool:
    return (os.sep in value or bool(Path(value).suffix)) and user_path(value).exists()


def _check(settings: Mapping[str, Mapping[str, Any]]) -> None:
    kinds: dict[str, type] = {CAMERA.name: CameraConfig, **{spec.name: spec.config for spec in STAGES}}
    for node, values in settings.items():
        build(kinds[node], values, node)

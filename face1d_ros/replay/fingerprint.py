"""What the results of a replay depend on: where it is the same, they are the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias

from face1d_ros import __version__
from face1d_ros.config import CameraConfig, NodeConfig, build
from face1d_ros.engines.bundle import MANIFEST, shipped_bundles
from face1d_ros.errors import SourceUnreadableError
from face1d_ros.graph import CAMERA, STAGES
from face1d_ros.paths import printable, user_path
from face1d_ros.replay.job import Job, Settings
from face1d_ros.replay.json_file import read_json
from face1d_ros.sources import PORTRAIT
from face1d_ros.sources.base import check_exists, files_of

Fingerprint: TypeAlias = dict[str, Any]
VERSIONS_OF = ("mediapipe", "numpy", "onnxruntime", "opencv-contrib-python")
FILE_SETTINGS = ("calibration", "model", "model_file", "appearance_model", "features_model")
VALUES = 2
"""Raised with every change after which the same recording gives other values."""
ALL = "all"
SETTINGS = "settings"
MODELS = "shipped models"
OF_FILES = ("files of the source", "files of the settings")


def fingerprint(job: Job) -> Fingerprint:
    """Plain JSON values by what they are of. Raises SourceError, ConfigError."""
    is_file = job.source != PORTRAIT
    return {
        "source": printable(user_path(job.source).absolute()) if is_file else job.source,
        "files of the source": _digest(check_exists(user_path(job.source))) if is_file else "",
        "topic": job.topic,
        "frames": job.max_frames or ALL,
        SETTINGS: changed(job.settings),
        "files of the settings": _digests_of_settings(job.settings),
        "versions": _versions(),
        MODELS: _shipped_models(),
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is not the same, in words: `smoothing_node.model was 'none', now the default`."""
    found = []
    for key in dict.fromkeys((*before, *now)):
        old, new = before.get(key), now.get(key)
        if old == new:
            continue
        if key == SETTINGS:
            found += _between_settings(old or {}, new or {})
        elif key in OF_FILES:
            found.append(f"the {key} have changed")
        elif isinstance(old, Mapping) and isinstance(new, Mapping):
            # A model that only one of the two knows was not used by the other.
            known = old.keys() & new.keys() if key == MODELS else old.keys() | new.keys()
            names = sorted(name for name in known if old.get(name) != new.get(name))
            found += [f"{name} was {old.get(name)}, now {new.get(name)}" for name in names]
        else:
            found.append(f"{key} was {old!r}, now {new!r}")
    return found


def _between_settings(before: Settings, now: Settings) -> list[str]:
    found = []
    for node in dict.fromkeys((*before, *now)):
        old, new = before.get(node, {}), now.get(node, {})
        for name in dict.fromkeys((*old, *new)):
            was, is_now = (repr(each[name]) if name in each else "the default" for each in (old, new))
            if was != is_now:
                found.append(f"{node}.{name} was {was}, now {is_now}")
    return found


def changed(settings: Settings) -> dict[str, dict[str, Any]]:
    """The settings that differ from their defaults, by node. Raises ConfigError."""
    kinds: dict[str, type[NodeConfig]] = {CAMERA.name: CameraConfig, **{spec.name: spec.config for spec in STAGES}}
    found: dict[str, dict[str, Any]] = {}
    for node, kind in kinds.items():
        default = asdict(kind())
        values = asdict(build(kind, settings.get(node, {}), node))
        if different := {key: value for key, value in values.items() if value != default[key]}:
            found[node] = different
    return found


def _digests_of_settings(settings: Settings) -> dict[str, str]:
    digests = {}
    for node, values in changed(settings).items():
        for name in FILE_SETTINGS:
            if (text := values.get(name)) and user_path(text).exists():
                digests[f"{node}.{name}"] = _digest(user_path(text))
    return digests


def _versions() -> dict[str, str]:
    found = {"face1d_ros": __version__, "face1d_ros, values": str(VALUES)}
    for name in VERSIONS_OF:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = ""
    return found


def _shipped_models() -> dict[str, str]:
    """Version, and what the stages compute with; not what is only told of a model."""
    found = {}
    for bundle in shipped_bundles():
        manifest = read_json(bundle / MANIFEST) or {}
        essence = json.dumps([manifest.get(key) for key in ("sha256", "settings")], sort_keys=True)
        digest = hashlib.sha256(essence.encode()).hexdigest()[:12]
        found[bundle.name] = f"{manifest.get('version', '')} ({digest})"
    return found


def _digest(path: Path) -> str:
    """Of names, sizes and times of the files there."""
    digest = hashlib.sha256()
    try:
        for file in files_of(path):
            state = file.stat()
            digest.update(file.name.encode("utf-8", "surrogateescape"))
            digest.update(f"\0{state.st_size} {state.st_mtime_ns}\0".encode())
    except OSError as error:
        raise SourceUnreadableError(path, f"cannot be read: {error.strerror or error}") from error
    return digest.hexdigest()

"""What `face1d evaluate all` runs, on which data, and whether it was done before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from face1d_ros import __version__
from face1d_ros.datasets import DATASETS, locate_dataset
from face1d_ros.engines.bundle import MANIFEST as BUNDLE_MANIFEST
from face1d_ros.errors import CorpusError, InvalidValueError
from face1d_ros.paths import share_dir
from face1d_ros.synth.corpus.reader import MANIFEST

GENERAL, IDENTITY = "general", "identity"
"""Parts of the test set."""
PORTRAIT = "portrait"
SYNTHETIC = ("smoothing", "smoothing-68", "mesh", "expression", "identity", "representations", "landmarks")
"""In the order in which they run."""
ON_REAL = {
    "landmarks": ("300w", "300vw", "tf", "menpo", "aflw2000", "ck+"),
    "pose": ("biwi", "aflw2000"),
    "expression": ("ck+", "oulu-casia", "mmi"),
    "representations": ("300vw", "ck+"),
}
"""Commands that take `--dataset NAME --root FOLDER`, and which."""
WITH_CLIPS = ("smoothing", "mesh", "expression")
WITH_GROUPS = ("smoothing", "mesh", "expression", "identity")
WITH_FACE_MODEL = ("mesh", "identity")
"""Commands that take these options."""
QUICK_WINDOWS, QUICK_PORTRAIT_FRAMES = "12", "40"
MODELS_OF = {
    "smoothing": ("smoothing",),
    "mesh": ("smoothing", "mesh"),
    "expression": ("smoothing", "mesh", "expression"),
    "identity": ("smoothing", "identity"),
}
"""Tasks whose shipped models a command runs."""
DATA = "DATA"
"""Stands for the folder in the arguments that are kept, so that a folder may move."""


@dataclass(frozen=True)
class Wishes:
    """What the user asked for."""

    folder: Path
    only: tuple[str, ...] = ()
    quick: bool = False
    roots: tuple[tuple[str, Path], ...] = ()
    clips: Path | None = None
    groups: Path | None = None
    face_model: Path | None = None


@dataclass(frozen=True)
class Step:
    """One measurement."""

    name: str
    arguments: tuple[str, ...]
    """After `face1d evaluate`, without --json."""
    made_of: Mapping[str, Any]
    """What must be the same for its measurement to be kept."""
    data: str = ""
    """What it is measured on, for people."""
    quick: bool = False
    """A part only."""


def steps(wishes: Wishes) -> tuple[Step, ...]:
    """All that was asked for, in order."""
    chosen = [name for name in SYNTHETIC if not wishes.only or name in wishes.only]
    found = [_synthetic(name, wishes) for name in chosen]
    for name, root in wishes.roots:
        if name not in DATASETS:
            raise InvalidValueError("--root", name, f"one of {', '.join(DATASETS)}, before the =")
        fingerprint = files_sha256(locate_dataset(name, root).root)
        for command, names in ON_REAL.items():
            if name in names:
                found.append(_real(command, name, root, fingerprint))
    if not found:
        raise InvalidValueError("--only", ", ".join(wishes.only), f"some of {', '.join(SYNTHETIC)}")
    return tuple(found)


def _synthetic(name: str, wishes: Wishes) -> Step:
    command = name.split("-")[0]
    options: list[str] = ["--points", "68"] if name == "smoothing-68" else []
    given: dict[str, str] = {}
    if wishes.quick and command == "representations":
        options += ["--windows", QUICK_WINDOWS]
    elif wishes.quick and command == "landmarks":
        options += ["--portrait-frames", QUICK_PORTRAIT_FRAMES]
    elif wishes.quick:
        options += ["--quick"]
    for option, file, takes in (
        ("clips", wishes.clips, WITH_CLIPS),
        ("groups", wishes.groups, WITH_GROUPS),
        ("face-model", wishes.face_model, WITH_FACE_MODEL),
    ):
        if file is not None and command in takes:
            options += [f"--{option}", str(file)]
            given[option] = files_sha256(file)
    if command == "landmarks":
        portrait = _step(name, (command, *options), {"data": PORTRAIT})
        return replace(portrait, data="synthetic, the animated portrait", quick=wishes.quick)
    part = part_folder(wishes.folder, IDENTITY if command == "identity" else GENERAL)
    place = ("--dataset", str(part)) if command == "representations" else (str(part),)
    found = _step(name, (command, *place, *options), {"data": _manifest_sha256(part), **given}, str(part))
    return replace(found, data=f"synthetic, {_test_set(part)}", quick=wishes.quick)


def _real(command: str, dataset: str, root: Path, fingerprint: str) -> Step:
    arguments = (command, "--dataset", dataset, "--root", str(root))
    return replace(_step(f"{command}-{dataset}", arguments, {"data": fingerprint}, str(root)), data=f"real, {dataset}")


def _step(name: str, arguments: tuple[str, ...], data: Mapping[str, str], folder: str = "") -> Step:
    kept = [DATA if folder and word == folder else word for word in arguments]
    models = models_sha256(MODELS_OF.get(arguments[0], ()))
    return Step(name, arguments, {"version": __version__, "models": models, "arguments": kept, **data})


def part_folder(folder: Path, part: str) -> Path:
    """A part of the test set; refused if it is not there."""
    found = folder / part
    if not (found / MANIFEST).is_file():
        raise CorpusError(
            f"'{folder}' has no folder {part} with a {MANIFEST}; expected what "
            f"`face1d synth make {folder} --test-set synthetic-test-v1` writes, complete"
        )
    return found


def models_sha256(tasks: Sequence[str]) -> str:
    """Of the models of these tasks that ship: another one makes a measurement out of date."""
    digest = hashlib.sha256()
    for manifest in sorted((share_dir() / "models").glob(f"*/{BUNDLE_MANIFEST}")):
        if (_read(manifest) or {}).get("task") in tasks:
            digest.update(manifest.parent.name.encode() + manifest.read_bytes())
    return digest.hexdigest()


def files_sha256(place: Path) -> str:
    """Of a file's content; of a folder's names, sizes and times, since real datasets are large."""
    if place.is_file():
        return hashlib.sha256(place.read_bytes()).hexdigest()
    digest = hashlib.sha256()
    for path in sorted(path for path in place.rglob("*") if path.is_file()):
        about = path.stat()
        digest.update(f"{path.relative_to(place)} {about.st_size} {about.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _test_set(part: Path) -> str:
    """Its name, if the part is of a fixed test set."""
    plans = (_read(part / MANIFEST) or {}).get("plans", {})
    return f"{plans['test_set']}/{plans['part']}" if "test_set" in plans else part.name


def _manifest_sha256(part: Path) -> str:
    return hashlib.sha256((part / MANIFEST).read_bytes()).hexdigest()


def kept(step: Step, out: Path) -> Mapping[str, Any] | None:
    """The measurement of an earlier run of the same; None where there is none."""
    return _read(out / f"{step.name}.json") if _read(note_of(step, out)) == step.made_of else None


def note_of(step: Step, out: Path) -> Path:
    """Where it stands what a measurement was made of."""
    return out / f"{step.name}.made_of.json"


def measurements(out: Path, wanted: Sequence[Step]) -> dict[str, Mapping[str, Any]]:
    """All that lie in the folder, by name, and what each was measured on."""
    found = {step.name: (step, _read(out / f"{step.name}.json")) for step in wanted}
    return {
        name: {**measured, "data": step.data, "quick": step.quick}
        for name, (step, measured) in found.items()
        if measured
    }


def _read(path: Path) -> Mapping[str, Any] | None:
    """None for what is missing or damaged."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return read if isinstance(read, dict) else None

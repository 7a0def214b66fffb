"""A model bundle: a folder of model.onnx, manifest.json and golden.npz, loaded strictly.

Nothing is parsed before its size and hash are known to be right, nothing runs before it was looked into, and nothing
outside the folder is opened. Who can write the manifest can write the hashes, too: they find damage and mixed-up files.
What keeps a hostile bundle from doing harm is what follows them: the operators allowed, no data elsewhere, no pickle.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face1d_ros.engines.engine import Array, Engine, run_once
from face1d_ros.engines.golden import read_golden
from face1d_ros.engines.manifest import Manifest, read_manifest
from face1d_ros.engines.onnx_model import check_model
from face1d_ros.errors import BundleError
from face1d_ros.paths import share_dir

MODEL, MANIFEST, GOLDEN = "model.onnx", "manifest.json", "golden.npz"
SIZE_LIMITS = {MANIFEST: 256 << 10, MODEL: 64 << 20, GOLDEN: 16 << 20}
"""Bytes."""
TOLERANCE = {"fp32": 1e-4, "fp16": 5e-3}
"""Of a golden run, by precision; absolute, and relative to values above 1."""


@dataclass(frozen=True, eq=False)
class Bundle:
    """A model whose files are what its manifest says. Whether an engine computes it rightly, `accept` tells."""

    path: Path
    manifest: Manifest
    model: bytes
    golden_inputs: dict[str, Array]
    golden_outputs: dict[str, Array]

    @property
    def size_bytes(self) -> int:
        """Of the model."""
        return len(self.model)


def load_bundle(path: str | os.PathLike[str]) -> Bundle:
    """The bundle in this folder."""
    path = Path(path)

    def refuse(what: str, came: object, expected: str) -> BundleError:
        return BundleError(path, what, came, expected)

    with _opened(path) as folder:
        files = {name: _read(folder, name, path) for name in SIZE_LIMITS}
    manifest = read_manifest(files[MANIFEST], path)
    for name, expected in ((MODEL, manifest.sha256), (GOLDEN, manifest.golden_sha256)):
        found = hashlib.sha256(files[name]).hexdigest()
        if found != expected:
            raise refuse(f"SHA-256 of {name}", found, f"{expected}, as in the manifest")
    check_model(files[MODEL], manifest, refuse)
    inputs, outputs = read_golden(files[GOLDEN], manifest, refuse)
    return Bundle(path, manifest, files[MODEL], inputs, outputs)


def shipped_bundles() -> list[Path]:
    """The folders of the bundles that come with the package, by name."""
    folder = share_dir() / "models"
    # `colcon build --symlink-install` links each file to the checkout: what is loaded then is the checkout's bundle.
    manifests = sorted(folder.glob(f"*/{MANIFEST}"))
    return [manifest.resolve().parent for manifest in manifests]


def golden_error(bundle: Bundle, engine: Engine) -> float:
    """The largest difference to the golden outputs; of values above 1 in parts of the value. NaN counts as infinite."""
    outputs = run_once(engine, bundle.golden_inputs)
    worst = 0.0
    for name, expected in bundle.golden_outputs.items():
        wanted = expected.astype(np.float64)
        difference = np.abs(outputs[name].astype(np.float64) - wanted) / np.maximum(1.0, np.abs(wanted))
        worst = max(worst, float(np.nan_to_num(difference, nan=np.inf, posinf=np.inf).max(initial=0.0)))
    return worst


def accept(bundle: Bundle, engine: Engine) -> float:
    """The golden error of an engine that computes the model rightly; any other is refused."""
    error, tolerance = golden_error(bundle, engine), TOLERANCE[bundle.manifest.precision]
    if not error <= tolerance:
        raise BundleError(
            bundle.path,
            f"golden run on {engine.name} ({engine.device})",
            f"outputs that differ by {error:.3g}",
            f"{tolerance:g} at most",
        )
    return error


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A descriptor of the folder, which must hold the three files and nothing else."""
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise BundleError(path, "folder", error.strerror, f"a folder of {', '.join(SIZE_LIMITS)}") from error
    try:
        names = sorted(os.listdir(folder))
        if set(names) != set(SIZE_LIMITS):
            raise BundleError(path, "folder", f"{names[:8]}", f"{', '.join(SIZE_LIMITS)} and nothing else")
        yield folder
    finally:
        os.close(folder)


def _read(folder: int, name: str, path: Path) -> bytes:
    """A regular file of the folder, no larger than it may be."""
    limit = SIZE_LIMITS[name]
    try:
        # Not blocking: a named pipe would keep us waiting for a writer.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        raise BundleError(path, name, error.strerror, "a readable file that is no link") from error
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BundleError(path, name, "something else", "a regular file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise BundleError(path, name, f"more than {limit} bytes", f"{limit} bytes at most")
    return data

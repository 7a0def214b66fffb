"""The shipped model bundles, loaded as strictly as the stages load them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from face1d_ros.cli.checks.check import Check, Level
from face1d_ros.errors import BundleError, MissingDependencyError


def bundles() -> Iterator[Check]:
    """One line a bundle; one line that says so when there is none."""
    from face1d_ros.engines.bundle import shipped_bundles

    folders = shipped_bundles()
    if not folders:
        yield Check("Models", Level.NOTE, "this version ships no model bundles; MediaPipe carries its own models")
    for folder in folders:
        yield _bundle(folder)


def _bundle(folder: Path) -> Check:
    from face1d_ros.engines.bundle import load_bundle

    name = f"Model {folder.name}"
    try:
        bundle = load_bundle(folder)
    except BundleError as error:
        return Check(name, Level.PROBLEM, str(error), "the installation is damaged: install the package again")
    except MissingDependencyError as error:
        return Check(name, Level.PROBLEM, str(error), "`face1d doctor` needs it to look into the bundle")
    sha256 = bundle.manifest.sha256
    found = f"{bundle.manifest.version}, sha256 {sha256[:12]}…; `face1d models verify` runs it"
    return Check(name, Level.OK, found, details=sha256)

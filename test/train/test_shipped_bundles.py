"""Every bundle that comes with the package, beside the network it was made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from face1d_ros.engines.bundle import MANIFEST, accept, load_bundle, shipped_bundles
from face1d_ros.engines.onnxruntime_engine import OnnxRuntimeEngine
from face1d_ros.paths import share_dir
from face1d_ros.train.export import PARITY, WINDOWS, network_of, parity

LARGE_MAC, FEWER = 1_000_000, 4
"""A network of more has so many times fewer windows here: each takes long, and its export has seen all of them."""


def test_every_folder_of_models_is_a_bundle_that_is_shipped():
    folders = [path for path in (share_dir() / "models").glob("*") if path.is_dir()]
    assert sorted(path.name for path in shipped_bundles()) == sorted(path.name for path in folders)
    assert all((path / MANIFEST).is_file() for path in folders)


@pytest.mark.parametrize("folder", shipped_bundles(), ids=lambda path: path.name)
def test_onnx_runtime_computes_what_pytorch_does_on_random_windows(folder: Path):
    bundle = load_bundle(folder)
    windows = WINDOWS if bundle.manifest.mac < LARGE_MAC else WINDOWS // FEWER
    assert bundle.manifest.name == folder.name
    accept(bundle, OnnxRuntimeEngine(bundle))
    assert parity(network_of(bundle), bundle, windows=windows, seed=1) <= PARITY[bundle.manifest.precision]

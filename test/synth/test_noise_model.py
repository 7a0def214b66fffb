from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from face1d_ros.errors import NoiseModelError
from face1d_ros.synth.noise.build import write_noise_model
from face1d_ros.synth.noise.model import DEFAULT_PATH, load_noise_model, read_noise_model


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for suffix in (".json", ".npz"):
        shutil.copy(DEFAULT_PATH.with_suffix(suffix), tmp_path / f"detector_noise{suffix}")
    return tmp_path / "detector_noise.json"


def test_the_shipped_model_is_small_readable_and_says_where_it_comes_from() -> None:
    assert DEFAULT_PATH.stat().st_size < 100_000
    assert DEFAULT_PATH.with_suffix(".npz").stat().st_size < 200_000
    provenance = load_noise_model().provenance
    assert provenance["command"].startswith("face1d synth fit-noise")
    assert provenance["versions"]["mediapipe"] and provenance["frames"] > 10_000
    assert provenance["extrapolated"]


def test_modes_and_mixes_have_the_size_they_promise() -> None:
    model = load_noise_model()
    np.testing.assert_allclose(np.square(model.modes).mean(axis=(1, 2)), 1.0, rtol=2e-3)
    for mix in (*model.mixes, model.person_mix):
        assert np.square(mix).sum() == pytest.approx(1.0, abs=5e-3)


def test_a_model_written_again_is_read_as_the_same(copied: Path, tmp_path: Path) -> None:
    table = json.loads(copied.read_text(encoding="utf-8"))
    with np.load(copied.with_suffix(".npz")) as arrays:
        write_noise_model(tmp_path / "again.json", table, {name: arrays[name] for name in arrays.files})
    first, again = read_noise_model(copied), read_noise_model(tmp_path / "again.json")
    np.testing.assert_array_equal(first.modes, again.modes)
    np.testing.assert_array_equal(first.variance, again.variance)
    assert first.parts == again.parts and first.occlusion == again.occlusion


def rewritten(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    table = json.loads(path.read_text(encoding="utf-8"))
    change(table)
    path.write_text(json.dumps(table), encoding="utf-8")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoiseModelError, match=r"nothing\.json.*No such file.*fit-noise"):
        read_noise_model(tmp_path / "nothing.json")


@pytest.mark.parametrize("text", ["{", "[1, 2]", '"text"', ""])
def test_what_is_no_model_is_refused(copied: Path, text: str) -> None:
    copied.write_text(text, encoding="utf-8")
    with pytest.raises(NoiseModelError):
        read_noise_model(copied)


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.update(format=99),
        lambda table: table.pop("parts"),
        lambda table: table["amplitude"]["percent"].pop("white"),
        lambda table: table["amplitude"]["sizes_px"].pop(),
        lambda table: table["parts"][-1].update(pole=1.5),
        lambda table: table["arrays"].update(file="elsewhere.npz"),
        lambda table: table["arrays"].update(sha256="0" * 64),
        lambda table: table["occlusion"].update(elbow={"noise": 1.0, "follow": 1.0}),
        lambda table: table.update(arrays=3),
    ],
)
def test_a_changed_model_is_refused(copied: Path, change: Callable[[dict[str, Any]], object]) -> None:
    rewritten(copied, change)
    with pytest.raises(NoiseModelError):
        read_noise_model(copied)


def test_damaged_arrays_are_refused(copied: Path) -> None:
    arrays = copied.with_suffix(".npz")
    arrays.write_bytes(arrays.read_bytes()[:-10])
    with pytest.raises(NoiseModelError, match="SHA-256"):
        read_noise_model(copied)

"""The command and its picture, on made-up tracks: measuring takes minutes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from synth.noise_scene import CLEAR, Scene, scene

from face1d_ros.cli.synth_fit_noise import command, comparison, provenance
from face1d_ros.evaluate.detector_noise import Condition, Track
from face1d_ros.evaluate.detector_noise_people import People
from face1d_ros.evaluate.detector_noise_run import Measured
from face1d_ros.synth.noise.compare import compare
from face1d_ros.synth.noise.observe import load_noise_model

FRAMES = 160


def seen(head: Scene, name: str) -> Track:
    """As the noise model itself would see it."""
    found = head.observed(load_noise_model(), CLEAR).points.astype(np.float64)
    nothing = np.zeros((FRAMES, 2))
    condition = Condition(name, frames=FRAMES)
    return Track(condition, found, head.clean.astype(np.float64), nothing[:, 0], nothing, np.ones(FRAMES))


@pytest.fixture(scope="module")
def measured() -> Measured:
    head = scene(FRAMES)
    grid = [seen(head, name) for name in ("224 px, grain 0", "224 px, grain 8", "56 px, grain 8")]
    demo = seen(head, "demo")
    people = People((), np.zeros((0, 478, 3)), np.zeros(0), ())
    return Measured("made up", grid, {}, demo, demo, demo, {}, people)


def test_noise_made_by_the_model_compares_well_with_the_model(measured: Measured) -> None:
    compared = [compare(load_noise_model(), track) for track in measured.grid[:1]]
    # The track was made with grain 4, the condition says none.
    assert compared[0].row()["jitter_px_ratio"] < 0.9
    report = comparison(measured, compared)
    assert 0.0 <= report.conditions["share_of_bands_within_2_db"] <= 1.0
    assert report.rows[0]["condition"] == "224 px, grain 0"


def test_the_picture_is_drawn(measured: Measured, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    from face1d_ros.cli.synth_noise_picture import draw

    compared = [compare(load_noise_model(), track) for track in measured.grid]
    draw(tmp_path / "noise.png", measured, load_noise_model(), compared)
    assert 20_000 < (tmp_path / "noise.png").stat().st_size < 200_000


def test_provenance_says_what_was_measured(measured: Measured) -> None:
    said = provenance(measured)
    assert said["detector"] == "made up"
    assert said["frames"] == FRAMES * 6
    assert said["people"] == [] and said["clips_sha256"] == {}


def test_help_names_every_option() -> None:
    text = CliRunner().invoke(command, ["--help"]).output
    for option in ("--videos", "--output", "--picture", "--json"):
        assert option in text


@pytest.mark.parametrize("option", ["--videos", "--output", "--picture", "--json"])
def test_a_missing_folder_is_refused_before_anything_is_measured(option: str) -> None:
    refused = CliRunner().invoke(command, [option, "/nowhere/at/all"])
    assert refused.exit_code == 2 and "does not exist" in refused.output

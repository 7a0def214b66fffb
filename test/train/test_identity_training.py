"""Training of motion encoders: on clips made by hand, and how clips are made of synthetic people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from synth.small_face import ICT_PACK

from face1d_ros.errors import CorpusError, EngineError
from face1d_ros.geometry.motion_clip import FRAMES, POINTS, RATE_HZ
from face1d_ros.nets.motion_loss import CONTRASTIVE, N_PAIR
from face1d_ros.stages.identity_model import EncoderRunner
from face1d_ros.stages.identity_motion import Motion
from face1d_ros.synth.corpus.plans import CorpusPlan
from face1d_ros.synth.faces.model import load_face_model
from face1d_ros.synth.faces.point_model import point_model
from face1d_ros.synth.noise.observe import load_noise_model
from face1d_ros.train import loop
from face1d_ros.train.export import UNTRAINED, export, untrained
from face1d_ros.train.identity import RATES, Motions, new_network, operating_points, spread_of, within_subjects
from face1d_ros.train.identity_clips import ClipReader, IdentityClips
from face1d_ros.train.loop import Progress, train
from face1d_ros.train.recipe import Recipe

SUBJECTS, MOTIONS, REPETITIONS = 4, 5, 4
BEGIN, END, LENGTH = 8, 24, 30
SMALL = {"width": 16, "inner": 16, "embedding": 8, "heads": 2, "layers": 1, "channels": [4, 4]}


def recipe(**changes: Any) -> Recipe:
    given = {"steps": 40, "rows": 3, "rate": 1e-2, "judge_every": 40, "loss": N_PAIR, "config": SMALL} | changes
    return Recipe(task="identity", family="motion_encoder", landmarks=68, **given)


def hand_made(seed: int) -> IdentityClips:
    """Motions that are a direction of a few landmarks, there and back."""
    rng = np.random.default_rng(seed)
    way = np.interp(np.arange(LENGTH), (BEGIN, (BEGIN + END) / 2, END), (0.0, 1.0, 0.0))
    parts = []
    for subject in range(SUBJECTS):
        for motion in range(MOTIONS):
            direction = np.zeros((POINTS, 3))
            direction[rng.integers(0, POINTS, 12)] = rng.normal(size=(12, 3))
            for _ in range(REPETITIONS):
                points = way[:, None, None] * direction + 0.02 * rng.normal(size=(LENGTH, POINTS, 3))
                number = MOTIONS * subject + motion
                parts.append(
                    IdentityClips(
                        points.astype(np.float16),
                        np.array([0, LENGTH]),
                        *(np.array([one]) for one in (subject, number, number)),
                        np.array([[BEGIN, END]]),
                    )
                )
    return IdentityClips.joined(parts)


CLIPS = hand_made(1)


@pytest.mark.parametrize("loss", [CONTRASTIVE, N_PAIR])
def test_training_tells_motions_of_other_subjects_apart(loss: str, tmp_path: Path) -> None:
    task, told = Motions(recipe(loss=loss), CLIPS, hand_made(2)), []
    before = task.judge(task.network)
    train(task, recipe(loss=loss), tmp_path, told.append)
    last = told[-1]
    assert isinstance(last, Progress) and last.figures is not None
    assert before["average_precision"] < 0.7 < 0.85 < last.figures["average_precision"], (before, last.figures)


def test_a_training_that_was_broken_off_goes_on_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    folder.mkdir()
    straight = train(Motions(recipe(), CLIPS, CLIPS), recipe(), whole, lambda _: None)

    def stop(progress: Progress) -> None:
        if progress.step == 20:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "SAVE_EVERY", 10)
    with pytest.raises(KeyboardInterrupt):
        train(Motions(recipe(), CLIPS, CLIPS), recipe(), folder, stop)
    resumed = train(Motions(recipe(), CLIPS, CLIPS), recipe(), folder, lambda _: None)
    for name, tensor in straight.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], tensor, msg=name)


def test_trimming_takes_frames_without_motion_alone() -> None:
    def lengths(*, trimming: bool) -> set[int]:
        task = Motions(recipe(trimming=trimming), CLIPS, CLIPS)
        masks = [task._batch(np.random.default_rng(seed)).mask for seed in range(8)]
        return {int(length) for mask in masks for length in mask.sum(dim=1)}

    assert lengths(trimming=False) == {LENGTH}
    trimmed = lengths(trimming=True)
    assert len(trimmed) > 5 and min(trimmed) >= END - BEGIN and max(trimmed) <= LENGTH


def test_pairs_are_those_within_a_subject() -> None:
    vectors = np.eye(len(CLIPS), dtype=np.float32)
    scores, genuine = within_subjects(vectors, CLIPS)
    each = MOTIONS * REPETITIONS
    assert len(scores) == SUBJECTS * each * (each - 1) // 2
    assert genuine.sum() == SUBJECTS * MOTIONS * REPETITIONS * (REPETITIONS - 1) // 2


def test_thresholds_rise_as_false_match_rates_fall() -> None:
    points = operating_points(new_network(recipe(), spread_of(CLIPS)).eval(), CLIPS)
    assert [rate for rate, _ in points] == list(RATES)
    thresholds = [threshold for _, threshold in points]
    assert thresholds == sorted(thresholds) and all(-1.0 <= threshold <= 1.0001 for threshold in thresholds)


def test_clips_that_are_saved_are_read_as_they_were(tmp_path: Path) -> None:
    CLIPS.save(tmp_path / "clips.npz")
    found = IdentityClips.load(tmp_path / "clips.npz")
    np.testing.assert_array_equal(found.clip(7), CLIPS.clip(7))
    assert len(found) == len(CLIPS)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04" + bytes(40)])
def test_a_damaged_file_of_clips_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "clips.npz"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match="delete it"):
        IdentityClips.load(path)


@pytest.mark.parametrize("config", [{"width": 7}, {"unknown": 1}])
def test_a_recipe_that_makes_no_network_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(CorpusError, match="makes no network"):
        new_network(recipe(config=config), spread_of(CLIPS))


@pytest.fixture(scope="module")
def made() -> IdentityClips:
    """Two repetitions of each motion of a synthetic person."""
    reader = ClipReader(point_model(load_face_model(ICT_PACK)), load_noise_model())
    plans = CorpusPlan("train", 3, 50, scenario="identity")
    numbers = [10 * motion + repetition for motion in range(5) for repetition in range(2)]
    return IdentityClips.joined(clip for number in numbers for clip in reader.clips(plans.plan(number), number))


def test_clips_of_synthetic_people_are_on_the_grid_and_finite(made: IdentityClips) -> None:
    assert len(made) == 10
    seconds = np.diff(made.first) / RATE_HZ
    assert (seconds > 1.0).all() and (seconds < 2.0 * FRAMES / RATE_HZ).all()
    assert np.isfinite(made.points_cm).all()


def test_repetitions_share_their_motion_and_its_gestures(made: IdentityClips) -> None:
    np.testing.assert_array_equal(made.motion[::2], made.motion[1::2])
    np.testing.assert_array_equal(made.gestures[::2], made.gestures[1::2])
    assert len(set(made.motion.tolist())) == 5 and len(set(made.subject.tolist())) == 1


def test_motion_is_spotted_within_each_clip(made: IdentityClips) -> None:
    begin, end = made.moving.T
    assert (begin >= 0).all() and (end > begin).all() and (end <= np.diff(made.first)).all()


def test_an_encoder_of_maps_becomes_a_bundle_that_the_identity_stage_runs(tmp_path: Path) -> None:
    """Its weights are random: none is trained on maps here."""
    torch.manual_seed(1)
    network = untrained("motion_encoder", {"spatial": "maps", "frames": FRAMES, **SMALL}).eval()
    points = [[0.1, 0.5], [0.001, 0.9]]
    settings = {"spatial": "maps", "rate_hz": RATE_HZ, "frames": FRAMES, "operating_points": points}
    bundle, _ = export(network, tmp_path / "maps", UNTRAINED | {"settings": settings}, windows=1)
    runner = EncoderRunner(bundle, "onnxruntime", "")
    given = network.example(1, 1, torch.Generator().manual_seed(5))
    maps, mask = (given[name][0, 0].numpy() for name in ("maps", "mask"))
    motion = Motion(np.zeros((FRAMES, 3 * POINTS), np.float32), mask, 0, 1, 1.0, 0.0)
    found = runner.encode(motion, maps)
    expected = network.encoded(given["maps"][0], given["mask"][0]).detach().numpy()[0]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    with pytest.raises(EngineError, match="no features were given"):
        runner.encode(motion)
    runner.close()

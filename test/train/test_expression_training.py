"""Training of networks that read expressions: on tracks made by hand, and how tracks are made of synthetic faces."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from synth.small_face import ICT_PACK

from face1d_ros.config import ExpressionConfig
from face1d_ros.errors import CorpusError
from face1d_ros.geometry.facial_actions import ACTION_NAMES, ACTIONS, mirror_indices
from face1d_ros.stages.expression import ExpressionStage
from face1d_ros.synth.motion.types import LABELS, NONE
from face1d_ros.train import expression, loop
from face1d_ros.train.expression import CERTAIN, NEUTRAL_S, Expressions, Frames, neutral_of, new_network, spread_of
from face1d_ros.train.expression_tracks import ExpressionTracks, TrackReader, feature_names_of
from face1d_ros.train.loop import STATE, Progress, train
from face1d_ros.train.recipe import Recipe
from face1d_ros.train.state import load_state
from face1d_ros.types import FaceMesh, FaceMeshArray, Header, Phase

PARTS = ("landmarks", "mesh")
INPUTS = (*PARTS, "both")
PHASES = (Phase.NEUTRAL, Phase.ONSET, Phase.APEX, Phase.OFFSET)
SECONDS = 3.5
BEGIN_NS = 1_767_225_600_000_000_000


def recipe(**changes: Any) -> Recipe:
    small = {"hidden": 8, "channels": 2}
    given = {"steps": 60, "rows": 32, "judge_every": 60, "rate": 1e-2, "input": "mesh", "config": small} | changes
    return Recipe(task="expression", family="conv_lstm", **given)


def hand_made(rate_hz: float, seed: int, gap_s: float = 0.0) -> ExpressionTracks:
    """One face that rests, shows the expression `seed` after a second, and ends in what is none of them; smooth."""
    rng = np.random.default_rng(seed)
    stamps_s = np.arange(round(SECONDS * rate_hz)) / rate_hz + rng.uniform(-0.1, 0.1) / rate_hz
    stamps_s += rng.uniform(-0.2, 0.2, len(stamps_s)) / rate_hz
    stamps_s = stamps_s[(stamps_s < 1.9) | (stamps_s > 1.9 + gap_s)]
    part = np.searchsorted((1.0, 1.5, 2.3, 3.0), stamps_s)
    label = np.array([0, 1 + seed % 7, 1 + seed % 7, 1 + seed % 7, NONE])[part]
    way = np.interp(stamps_s, (1.0, 1.5, 2.3, 3.0), (0.0, 1.0, 1.0, 0.0))
    features = []
    for given in PARTS:
        count = len(feature_names_of(given))
        pattern = np.random.default_rng(label.max()).uniform(-1.0, 1.0, count)
        waves = rng.uniform(0.2, 3.0, (1, count)) * stamps_s[:, None] + rng.uniform(0.0, 6.0, (1, count))
        features.append((0.5 + 0.4 * way[:, None] * pattern + 0.05 * np.sin(waves)).astype(np.float32))
    phase = np.array([*PHASES, Phase.NEUTRAL])[part].astype(np.int8)
    since_s = stamps_s - np.array([np.nan, 1.0, 1.5, 2.3, 3.0])[part]
    actions = np.clip(way[:, None] * rng.random((1, len(ACTION_NAMES))), 0.0, 1.0).astype(np.float32)
    first = np.zeros(len(stamps_s), np.int64)
    numbers = label.astype(np.int8), way.astype(np.float32), phase, since_s.astype(np.float32)
    return ExpressionTracks(stamps_s, first, *features, *numbers, actions)


@pytest.fixture(scope="module")
def tracks() -> ExpressionTracks:
    """At many rates, some with a gap; each expression is there."""
    rates_hz = (10.0, 15.0, 24.0, 30.0, 25.0, 60.0, 120.0)
    return ExpressionTracks.joined(hand_made(rate, seed, 0.12 * (seed % 4)) for seed, rate in enumerate(rates_hz))


def parts_of(tracks: ExpressionTracks) -> list[np.ndarray]:
    """Frames of each track."""
    return np.split(np.arange(len(tracks)), np.unique(tracks.first)[1:])


def steps_of(network: Any, tracks: ExpressionTracks, features: np.ndarray, rests: np.ndarray, spread: Any) -> Any:
    """Outputs (M, …) by name, one frame after the other as the stage feeds them."""
    neutral, known_s = neutral_of(tracks, features, rests, spread)
    found: dict[str, list[torch.Tensor]] = {}
    for frames in parts_of(tracks):
        stamps_s = tracks.stamps_s[frames]
        given = {
            "features": features[frames],
            "neutral": neutral[frames],
            "known": known_s[frames] / NEUTRAL_S,
            "dt": np.diff(stamps_s, prepend=stamps_s[0])[:, None].astype(np.float32),
        }
        with torch.inference_mode():
            said, _ = network.sequence({name: torch.from_numpy(array)[None] for name, array in given.items()})
        for name, tensor in said.items():
            found.setdefault(name, []).append(tensor[0])
    return {name: torch.cat(pieces) for name, pieces in found.items()}


@pytest.mark.parametrize("given", INPUTS)
@pytest.mark.parametrize("rests", ["as the truth has it", "as anybody might say"])
def test_looks_in_training_are_those_of_the_networks_own_memory(
    tracks: ExpressionTracks, given: str, rests: str
) -> None:
    features = tracks.features(given)
    spread = spread_of(tracks, features)
    network = new_network(recipe(input=given), spread).eval()
    frames = Frames(tracks, given, spread, network)
    if rests == "as anybody might say":
        said = np.random.default_rng(3).integers(0, CERTAIN + 1, len(tracks))
        frames.settle(torch.from_numpy(said.astype(np.uint8)), network)
    seen = frames.at(np.arange(len(tracks)))
    with torch.inference_mode():
        in_training = network.named(seen.looks, seen.known)
    in_use = steps_of(network, tracks, features, frames.rests.numpy().astype(np.float32) / CERTAIN, spread)
    assert in_use["labels"].std(dim=0).max() > 0.01, "the looks say something"
    for name, tensor in in_use.items():
        torch.testing.assert_close(in_training[name], tensor, atol=1e-4, rtol=0.0)


def test_the_stage_feeds_networks_as_training_does(tracks: ExpressionTracks, tmp_path: Path) -> None:
    from face1d_ros.train.export import UNTRAINED, write_files

    spread = spread_of(tracks, tracks.mesh)
    network = new_network(recipe(), spread).eval()
    names = feature_names_of("mesh")
    said = {"input": "mesh", "features": list(names), "spread": [float(value) for value in spread], "mesh": "any"}
    said |= {"labels": list(LABELS), "actions": list(ACTION_NAMES)}
    write_files(network, tmp_path / "bundle", {**UNTRAINED, "settings": said})
    stage = ExpressionStage(ExpressionConfig(input="mesh", model=str(tmp_path / "bundle"), engine="onnxruntime"))
    rests, actions = np.zeros(len(tracks), np.float32), np.zeros((len(tracks), len(ACTION_NAMES)), np.float32)
    for frames in parts_of(tracks):
        stage.reset()
        for index in frames:
            mesh = FaceMesh(track_id=1, expression=tracks.mesh[index])
            header = Header(BEGIN_NS + round(tracks.stamps_s[index] * 1e9))
            (face,) = stage.process(FaceMeshArray(header, expression_names=names, faces=(mesh,))).faces
            rests[index], actions[index] = face.probabilities[0], face.actions
    stage.close()
    expected = steps_of(network, tracks, tracks.mesh, rests, spread)
    np.testing.assert_allclose(rests, expected["labels"][:, 0], atol=1e-4)
    np.testing.assert_allclose(actions, expected["actions"], atol=1e-4)


class TestCoefficientsBesideLandmarks:
    def test_they_are_learned_from_as_real_faces_have_them(self) -> None:
        rng = np.random.default_rng(1)
        moved = torch.zeros(2000, 5, 30)
        moved[:, -1, 3] = 1.0
        seen = expression.as_of_real_faces(rng, moved)[:, -1].numpy()
        absent = (seen == 0.0).all(axis=1)
        assert absent.mean() == pytest.approx(expression.ABSENT, abs=0.04)
        assert 0.2 < np.median(seen[~absent, 3]) < 0.9, "smaller than they are"
        assert np.abs(np.delete(seen[~absent], 3, axis=1)).max(axis=1).mean() > 0.03, "and in other ones too"

    def test_landmarks_stay_as_they_are(self, tracks: ExpressionTracks, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("OTHER_GAIN", "OTHER_REST"):
            monkeypatch.setattr(expression, name, 0.0)
        task, count = Expressions(recipe(input="both"), tracks, tracks), len(feature_names_of("landmarks"))
        given: list[torch.Tensor] = []
        logits = task.network.logits
        monkeypatch.setattr(task.network, "logits", lambda looks, known: (given.append(looks), logits(looks, known))[1])
        task.losses(0.0)
        monkeypatch.setattr(expression, "as_of_real_faces", lambda rng, coefficients: 0.0 * coefficients)
        task._taken = 0
        task.losses(0.0)
        torch.testing.assert_close(given[0][..., :count], given[1][..., :count])
        assert given[0][..., count:].abs().max() > 0.0


class TestMirror:
    @pytest.mark.parametrize("names", [ACTION_NAMES, *map(feature_names_of, INPUTS)])
    def test_each_side_changes_places_with_the_other(self, names: tuple[str, ...]) -> None:
        indices = mirror_indices(names)
        assert [indices[index] for index in indices] == list(range(len(names)))
        sided = [index for index, name in enumerate(names) if "eft" in name or name.endswith("_L")]
        assert len(sided) > 10 and all(indices[index] != index for index in sided)

    def test_actions_are_mirrored_with_what_is_seen(
        self, tracks: ExpressionTracks, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(expression, "OTHER_GAIN", 0.0)
        monkeypatch.setattr(expression, "OTHER_REST", 0.0)
        task = Expressions(recipe(), tracks, tracks)
        names = feature_names_of("mesh")
        places = [names.index(name) for name in ACTIONS.values()]
        looks = task._frames.at(np.arange(len(tracks))).looks
        seen = torch.sigmoid(looks[:, -1, places]).numpy()
        task._training = dataclasses.replace(tracks, actions=seen)

        def told(looks: torch.Tensor, known: torch.Tensor) -> list[torch.Tensor]:
            sizes = task.network.config.sizes[:-1]
            return [*(torch.zeros(len(looks), size) for size in sizes), looks[:, -1, places]]

        monkeypatch.setattr(task.network, "logits", told)
        assert float(task.losses(0.0)["actions"]) < 1e-9
        task._mirror_actions = torch.arange(len(ACTION_NAMES))
        assert float(task.losses(0.0)["actions"]) > 1e-4


class TestRun:
    def test_it_learns_what_the_faces_show(self, tracks: ExpressionTracks, tmp_path: Path) -> None:
        told: list[Progress] = []
        task = Expressions(recipe(), tracks, tracks)
        before = task.judge(task.network.eval())
        task.network.train()
        train(task, recipe(), tmp_path, told.append)
        first, last = (np.mean([step.losses["loss"] for step in part]) for part in (told[:10], told[-10:]))
        assert last < 0.75 * first
        after = told[-1].figures
        assert after is not None and set(after) == set(before)
        assert after["apex_accuracy"] > max(before["apex_accuracy"], 0.5)
        assert all(0.0 <= value <= 1.0 for value in after.values())

    def test_broken_off_and_carried_on_it_ends_with_the_same_weights(
        self, tracks: ExpressionTracks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(loop, "SAVE_EVERY", 7)
        made = recipe(steps=30, judge_every=30, rows=8)

        def weights(folder: Path, stop_at: int = 0) -> dict[str, torch.Tensor]:
            def tell(step: Progress) -> None:
                if step.step == stop_at:
                    raise KeyboardInterrupt

            folder.mkdir(exist_ok=True)
            return train(Expressions(made, tracks, tracks), made, folder, tell).state_dict()

        whole = weights(tmp_path / "whole")
        for stop_at, renewed in ((10, 0), (17, 1), (29, 3)):
            with pytest.raises(KeyboardInterrupt):
                weights(tmp_path / "broken", stop_at)
            header, state = load_state(tmp_path / "broken" / STATE)
            assert int(header["step"]) == stop_at // 7 * 7
            assert int(state["task.renewed"]) == renewed
        torch.rand(5)
        again = weights(tmp_path / "broken")
        assert all(torch.equal(again[name], tensor) for name, tensor in whole.items())

    def test_neutral_faces_are_found_anew_by_what_the_network_takes_for_rest(self, tracks: ExpressionTracks) -> None:
        task = Expressions(recipe(), tracks, tracks)
        by_truth = task._frames.rests.clone()
        np.testing.assert_array_equal(by_truth.numpy() == CERTAIN, tracks.label == 0)
        task.losses(0.3)
        assert torch.equal(task._frames.rests, by_truth)
        task.losses(0.36)
        assert not torch.equal(task._frames.rests, by_truth) and task.network.training

    def test_features_that_are_left_out_change_nothing(self, tracks: ExpressionTracks) -> None:
        out = (0, 3)
        task = Expressions(recipe(), tracks, tracks, left_out=out)
        looks = task._frames.at(np.arange(0, len(tracks), 7)).looks
        assert not looks[..., list(out)].any() and looks[..., 1].any()

    @pytest.mark.parametrize("changes", [{"family": "gru", "config": {}}, {"config": {"colour": 3}}])
    def test_recipes_that_make_no_such_network_are_refused(self, changes: dict[str, Any]) -> None:
        with pytest.raises(CorpusError, match=r"the recipe makes no network: .*unknown .*expected some of"):
            new_network(dataclasses.replace(recipe(), **changes), np.ones(5, np.float32))


class TestTracks:
    def test_they_are_read_as_they_were_written(self, tracks: ExpressionTracks, tmp_path: Path) -> None:
        tracks.save(tmp_path / "train.npz")
        read = ExpressionTracks.load(tmp_path / "train.npz")
        for one in dataclasses.fields(ExpressionTracks):
            np.testing.assert_array_equal(getattr(read, one.name), getattr(tracks, one.name))
        assert [path.name for path in tmp_path.iterdir()] == ["train.npz"]

    @pytest.mark.parametrize("damage", ["empty", "text", "half", "changed", "another"])
    def test_a_damaged_file_is_refused_by_name(self, tmp_path: Path, damage: str) -> None:
        path = tmp_path / "train.npz"
        hand_made(10.0, 1).save(path)
        whole = path.read_bytes()
        if damage == "another":
            np.savez(path, stamps_s=np.zeros(3))
        else:
            middle = len(whole) // 2
            changed = whole[:middle] + bytes(64) + whole[middle + 64 :]
            parts = {"empty": b"", "text": b"years of work", "half": whole[:middle], "changed": changed}
            path.write_bytes(parts[damage])
        with pytest.raises(CorpusError, match=r"train\.npz' holds no expression tracks"):
            ExpressionTracks.load(path)

    def test_without_any_there_is_nothing_to_learn_from(self) -> None:
        with pytest.raises(CorpusError, match="make more or longer ones"):
            ExpressionTracks.joined([])

    @pytest.mark.skipif(not ICT_PACK.is_file(), reason=f"ICT-FaceKit's pack is not at {ICT_PACK}")
    def test_they_are_made_of_plans(self) -> None:
        from face1d_ros.synth.corpus.plans import CorpusPlan
        from face1d_ros.synth.faces.model import load_face_model
        from face1d_ros.synth.faces.point_model import point_model
        from face1d_ros.synth.noise.observe import load_noise_model

        reader = TrackReader(point_model(load_face_model(ICT_PACK)), load_noise_model())
        plans = CorpusPlan("train", 3, 3, 3.0, per_subject=1)
        found = [track for number in range(3) for track in reader.tracks(plans.plan(number), number)]
        assert len(found) >= 3
        for track in found:
            for given in PARTS:
                assert track.features(given).shape == (len(track), len(feature_names_of(given)))
                assert np.isfinite(track.features(given)).all()
            assert track.mesh.min() >= 0.0 and track.mesh.max() <= 1.0
            assert track.actions.shape == (len(track), len(ACTION_NAMES))
            assert track.actions.min() >= 0.0 and track.actions.max() <= 1.0
            changed = np.cumsum(np.diff(track.phase, prepend=track.phase[:1]) != 0)
            np.testing.assert_array_equal(np.isnan(track.phase_s), changed == 0)
            assert (np.diff(track.stamps_s) > 0.0).all() and not track.first.any()
        whole = ExpressionTracks.joined(found)
        assert [len(part) for part in parts_of(whole)] == [len(track) for track in found]
        assert whole.actions.max() > 0.2

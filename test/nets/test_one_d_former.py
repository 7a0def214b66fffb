from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from torch import nn

from face1d_ros.nets.families import make_network
from face1d_ros.nets.network import Tensors
from face1d_ros.nets.one_d_former import OneDFormer
from face1d_ros.nets.one_d_former_blocks import AXES, Attention, Groups, HeatmapDecoder, LikelihoodTokens, Window

LANDMARKS = 21
SMALL: dict[str, Any] = {"landmarks": LANDMARKS, "window": 4, "length": 8, "bins": 16}
BASELINE = {"temporal": False, "intra": False, "inter": False}
TABLE_1 = {
    "BL": BASELINE,
    "BL+TE-a": BASELINE | {"temporal": True, "attention": False},
    "BL+TE-r": BASELINE | {"temporal": True, "recurrent": False},
    "BL+TE-c": BASELINE | {"temporal": True, "confidence": False},
    "BL+TE": BASELINE | {"temporal": True},
    "BL+IT": BASELINE | {"inter": True},
    "BL+IR": BASELINE | {"intra": True},
    "BL+IR+IT": BASELINE | {"intra": True, "inter": True},
    "BL+TE+IR": BASELINE | {"temporal": True, "intra": True},
    "BL+TE+IT": BASELINE | {"temporal": True, "inter": True},
    "BL+TE+IR+IT": {},
}
EVERY_ROW = pytest.mark.parametrize("row", TABLE_1)


def network(*, scale: float = 0.3, **changes: Any) -> OneDFormer:
    """Random weights, also where training begins at zero."""
    torch.manual_seed(1)
    made = make_network("one_d_former", SMALL | changes)
    assert isinstance(made, OneDFormer)
    nn.init.normal_(made.decoder.score.narrow.weight, std=scale)
    return made.double()


def frames(net: OneDFormer, faces: int = 2, count: int = 9, seed: int = 3) -> dict[str, torch.Tensor]:
    example = net.example(faces, count, torch.Generator().manual_seed(seed))
    return {name: tensor.double() for name, tensor in example.items()}


def refined(net: OneDFormer, inputs: Tensors) -> torch.Tensor:
    with torch.inference_mode():
        return net.sequence(inputs)[0]["refined"]


def changed(inputs: dict[str, torch.Tensor], frame: int) -> dict[str, torch.Tensor]:
    """One landmark in one frame is elsewhere."""
    landmarks = inputs["landmarks"].clone()
    landmarks[:, frame, 2] += 7.0
    return inputs | {"landmarks": landmarks}


def sizes_px(landmarks: torch.Tensor) -> torch.Tensor:
    """(B, T) of faces (B, T, N, 3)."""
    return (landmarks - landmarks.mean(dim=2, keepdim=True)).square().mean(dim=(2, 3)).sqrt()


@EVERY_ROW
def test_a_sequence_is_its_frames_one_by_one_wherever_it_is_cut(row: str):
    net = network(**TABLE_1[row])
    inputs = frames(net)
    whole = refined(net, inputs)
    with torch.inference_mode():
        first, memory = net.sequence({name: tensor[:, :4] for name, tensor in inputs.items()})
        outputs = [*first["refined"].unbind(1)]
        for index in range(4, 9):
            frame, memory = net.step({name: tensor[:, index] for name, tensor in inputs.items()}, memory)
            outputs.append(frame["refined"])
    torch.testing.assert_close(torch.stack(outputs, 1), whole)


@EVERY_ROW
def test_all_tensors_have_the_shapes_that_are_promised(row: str):
    net = network(**TABLE_1[row]).eval()
    inputs = {name: tensor[:, 0] for name, tensor in frames(net).items()}
    outputs, after = net.step(inputs, net.empty_memory(2))
    for named, tensors in ((net.inputs(), inputs), (net.outputs(), outputs), (net.memory(), after)):
        assert {n.name: (2, *n.shape) for n in named} == {name: tuple(t.shape) for name, t in tensors.items()}


def test_the_future_changes_nothing():
    net = network()
    inputs = frames(net)
    before, after = refined(net, inputs), refined(net, changed(inputs, 5))
    torch.testing.assert_close(after[:, :5], before[:, :5], rtol=0.0, atol=0.0)
    assert (after[:, 5:] - before[:, 5:]).abs().amax(dim=(0, 2, 3)).min() > 1e-3


def test_faces_do_not_see_each_other():
    net = network()
    inputs = frames(net, faces=3)
    alone = refined(net, {name: tensor[1:2] for name, tensor in inputs.items()})
    torch.testing.assert_close(refined(net, inputs)[1:2], alone)


def test_the_output_moves_and_grows_with_the_input():
    net = network()
    inputs = frames(net)
    shift = torch.tensor([400.0, -50.0, 7.0]).double()
    elsewhere = inputs | {"landmarks": 2.5 * inputs["landmarks"] + shift}
    torch.testing.assert_close(refined(net, elsewhere), 2.5 * refined(net, inputs) + shift)


def test_before_training_nothing_is_changed():
    net = make_network("one_d_former", SMALL)
    inputs = net.example(2, 5, torch.Generator().manual_seed(3))
    outputs, _ = net.sequence(inputs)
    torch.testing.assert_close(outputs["refined"], inputs["landmarks"], rtol=0.0, atol=1e-3)


@EVERY_ROW
def test_every_weight_has_a_part_in_the_output(row: str):
    net = network(**TABLE_1[row])
    net.sequence(frames(net, count=5))[0]["refined"].square().sum().backward()
    idle = [name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not idle


@pytest.mark.parametrize("name", ["confidence", "dt"])
def test_confidence_and_time_step_matter(name: str):
    net = network()
    inputs = frames(net)
    other = refined(net, inputs | {name: 0.3 * inputs[name]})
    assert (other - refined(net, inputs)).abs().max() > 1e-3


def test_however_wild_the_weights_the_output_stays_near_what_was_measured():
    net = network(scale=100.0)
    inputs = frames(net, count=20)
    moved = (refined(net, inputs) - inputs["landmarks"]).abs().amax(dim=(2, 3)) / sizes_px(inputs["landmarks"])
    assert moved.max() <= net.config.reach
    assert moved.max() > 0.5 * net.config.reach


def test_degenerate_input_gives_finite_output():
    net = network()
    inputs = frames(net)
    for landmarks, confidence in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)):
        case = {
            "landmarks": landmarks * inputs["landmarks"],
            "confidence": torch.full_like(inputs["confidence"], confidence),
            "dt": torch.zeros_like(inputs["dt"]),
        }
        assert refined(net, case).isfinite().all()


def test_what_stands_for_a_face_that_was_not_seen_is_not_looked_at():
    net = network()
    inputs = frames(net)
    inputs["confidence"][:, 4:6] = 0.0
    lost = inputs["landmarks"].clone()
    lost[:, 4:6] = 0.0
    held = refined(net, inputs | {"landmarks": lost})
    torch.testing.assert_close(held, refined(net, inputs))
    moved = (held[:, 4] - held[:, 3]).abs().amax(dim=(1, 2)) / sizes_px(held[:, 3:4])[:, 0]
    assert (moved <= net.config.reach).all()


class TestTable1:
    def test_single_frames_reach_as_far_as_the_window_and_mixed_tokens_beyond_it(self):
        for recurrent in (False, True):
            net = network(recurrent=recurrent, window=3)
            inputs = frames(net)
            off = (refined(net, changed(inputs, 2)) - refined(net, inputs)).abs().amax(dim=(0, 2, 3))
            assert (off[2:5] > 1e-3).all()
            assert (off[5:] > 1e-6).all() if recurrent else (off[5:] == 0.0).all()

    @pytest.mark.parametrize("row", ["BL", "BL+IT", "BL+IR", "BL+IR+IT"])
    def test_without_temporal_encoding_a_frame_knows_no_other(self, row: str):
        net = network(**TABLE_1[row])
        inputs = frames(net)
        off = (refined(net, changed(inputs, 2)) - refined(net, inputs)).abs().amax(dim=(0, 2, 3))
        assert (off[3:] == 0.0).all()

    @pytest.mark.parametrize(
        ("switch", "gone"),
        [
            ("temporal", ("window.", "mixing.", "certainty.")),
            ("attention", ("mixing.hear.", "certainty.")),
            ("confidence", ("certainty.",)),
            ("intra", ("intra.",)),
            ("inter", ("inter.",)),
            ("recurrent", ()),
        ],
    )
    def test_each_switch_takes_its_weights_away_and_changes_the_output(self, switch: str, gone: tuple[str, ...]):
        whole, without = network(), network(**{switch: False})
        names, left = dict(whole.named_parameters()), dict(without.named_parameters())
        assert set(names) - set(left) == {name for name in names if name.startswith(gone)} if gone else not gone
        without.load_state_dict({name: names[name] for name in left})
        inputs = frames(whole)
        assert (refined(whole, inputs) - refined(without, inputs)).abs().max() > 1e-3

    def test_all_rows_are_different_networks(self):
        configs = {make_network("one_d_former", SMALL | changes).config for changes in TABLE_1.values()}
        assert len(configs) == len(TABLE_1) == 11

    def test_the_baseline_remembers_only_where_the_face_was(self):
        assert [named.name for named in network(**BASELINE).memory()] == ["there", "places"]


class TestAttention:
    @pytest.mark.parametrize("confident", [True, False])
    def test_it_is_equations_3_and_4(self, confident: bool):
        torch.manual_seed(4)
        hear = Attention(8, 2).double()
        window = torch.randn(2, AXES, 5, 6, 8).double()
        certainty = torch.rand(2, AXES, 5, 6).double() if confident else None
        there = torch.ones(2, 1, 1, 1, 6).double()
        expected = torch.zeros(2, AXES, 5, 8).double()
        for axis in range(AXES):
            for head in range(2):
                chunk = window[:, axis]  # (B, N, W, L), I
                query = chunk[:, :, :1] @ hear.queries[axis, head]
                keys = chunk @ hear.keys[axis, head].T
                scores = query @ keys.transpose(2, 3) / 4**0.5
                if certainty is not None:
                    scores = scores * certainty[:, axis].unsqueeze(2)
                heard = torch.softmax(scores, dim=3) @ (chunk @ hear.values[axis, head])
                expected[:, axis] += (heard @ hear.join[axis, head]).squeeze(2)
        torch.testing.assert_close(hear(window, there, certainty), expected)

    def test_frames_before_the_first_are_not_heard(self):
        torch.manual_seed(4)
        hear = Attention(8, 2)
        there = torch.tensor([1.0, 1.0, 0.0, 0.0]).reshape(1, 1, 1, 1, 4)
        weights = hear.weights(torch.randn(1, AXES, 5, 4, 8), there, None)
        assert (weights[..., 2:] == 0.0).all()
        torch.testing.assert_close(weights.sum(dim=4), torch.ones(1, AXES, 5, 2))

    def test_training_turns_it_away_from_hidden_frames(self):
        torch.manual_seed(5)
        net = make_network("one_d_former", {"landmarks": 7, "window": 4, "length": 8, "bins": 16, "inter": False})
        assert isinstance(net, OneDFormer)
        heard: list[torch.Tensor] = []
        net.mixing.register_forward_pre_hook(
            lambda mixing, given: heard.append(mixing.hear.weights(*given).detach().mean(dim=(1, 3)))
        )
        generator = torch.Generator().manual_seed(6)
        optimizer = torch.optim.Adam(net.parameters(), 2e-2)
        for step in range(40):
            inputs, truth = half_hidden(generator)
            outputs, _ = net.sequence(inputs)
            size = sizes_px(truth)[:, :, None, None]
            loss = ((outputs["refined"] - truth) / size).square().mean()
            loss = 10.0 * loss + net.own_loss(outputs, truth, inputs["landmarks"], step / 100)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        weights = heard[-1][:, :, 1:]  # (B, N, W − 1) of the last frame, on its past
        hidden = inputs["confidence"][:, -4:-1].flip(1).transpose(1, 2) < 0.5
        assert weights[hidden].mean() < 0.8 * weights[~hidden].mean()
        certainty = outputs["certainty"].transpose(2, 3)
        seen = inputs["confidence"] > 0.5
        assert certainty[seen].mean() > 0.2 + certainty[~seen].mean()


def half_hidden(generator: torch.Generator) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Faces that stand still, landmarks hidden at random and then measured far off."""
    truth = 100.0 * torch.randn(16, 1, 7, 3, generator=generator).expand(16, 6, 7, 3)
    seen = (torch.rand(16, 6, 7, generator=generator) > 0.5).float()
    noise = torch.randn(truth.shape, generator=generator) * (2.0 + 28.0 * (1.0 - seen)).unsqueeze(3)
    inputs = {"landmarks": truth + noise, "confidence": 0.05 + 0.95 * seen, "dt": torch.full((16, 6, 1), 1 / 30)}
    return inputs, truth


class TestTokens:
    def test_a_likelihood_is_highest_where_the_landmark_is_and_wider_without_confidence(self):
        tokens = LikelihoodTokens(24, 24)
        nn.init.zeros_(tokens.time)
        nn.init.zeros_(tokens.encode.bias)
        tokens.encode.weight.data.copy_(torch.eye(24))
        place = torch.tensor([-1.05, 0.45, 0.45]).expand(1, AXES, 3)
        frame = {"place": place, "confidence": torch.tensor([[1.0, 1.0, 0.0]]), "steps": torch.zeros(1, 1)}
        likelihood = tokens(frame)[0, 0]
        assert tokens.centres[likelihood.argmax(dim=1)].tolist() == pytest.approx([-1.05, 0.45, 0.45])
        assert likelihood[1].max() > likelihood[2].max()
        assert (likelihood[1] > 0.1).sum() < (likelihood[2] > 0.1).sum()

    def test_tokens_of_another_kind_can_take_their_place(self):
        class Pixels(nn.Module):
            def forward(self, frame: Tensors) -> torch.Tensor:
                return frame["columns"].reshape(-1, AXES, LANDMARKS, 8)

        net = network()
        net.tokens = Pixels()
        inputs = frames(net)
        inputs["columns"] = torch.randn(2, 9, AXES * LANDMARKS * 8).double()
        assert (refined(net, inputs) - refined(net, inputs | {"columns": -inputs["columns"]})).abs().max() > 1e-3

    def test_a_place_that_shifts_with_its_face_is_told_from_one_that_shifts_alone(self):
        torch.manual_seed(4)
        window = Window(5, 3, 8)
        tokens, weight = torch.zeros(1, AXES, 5, 3, 8), torch.ones(1, 1, 5, 1)
        still = window(tokens, torch.zeros(1, AXES, 5, 3), weight)
        alone = torch.zeros(1, AXES, 5, 3)
        alone[:, :, 2, 1] = 1.0
        one, all_of_them = (window(tokens, off, weight) - still for off in (alone, torch.ones(1, AXES, 5, 3)))
        torch.testing.assert_close(all_of_them[:, :, 0], all_of_them[:, :, 4])
        assert (one[:, :, 2, 1] - all_of_them[:, :, 2, 1]).abs().max() > 0.1
        torch.testing.assert_close(one[:, :, :, 0], torch.zeros_like(one[:, :, :, 0]))


class TestStructure:
    @pytest.mark.parametrize("full", [100, 2])
    def test_groups_do_not_see_each_other(self, full: int):
        torch.manual_seed(4)
        groups = Groups((3, 4, 2), 8, full, 2)
        tokens = torch.randn(1, AXES, 9, 8)
        other = tokens.clone()
        other[:, :, 4] += torch.randn(8)
        differs = (groups(other) - groups(tokens)).abs().amax(dim=(0, 1, 3)) > 1e-5
        assert differs.tolist() == [False] * 3 + [True] * 4 + [False] * 2

    def test_landmarks_come_back_in_their_places_however_they_are_grouped(self):
        group_of = tuple((5 * index) % 7 for index in range(LANDMARKS))
        net = make_network("one_d_former", SMALL | {"group_of": list(group_of)})
        assert isinstance(net, OneDFormer)
        assert [group_of[index] for index in net.order] == sorted(group_of)
        inputs = net.example(2, 3, torch.Generator().manual_seed(3))
        torch.testing.assert_close(net.sequence(inputs)[0]["refined"], inputs["landmarks"], rtol=0.0, atol=1e-3)

    def test_many_landmarks_go_through_few_channels(self):
        full, narrow = network(full=LANDMARKS), network(full=LANDMARKS - 1, rank=3)
        assert full.inter.convolve.weight.shape == (AXES * LANDMARKS, LANDMARKS, 3)
        assert narrow.inter.convolve[0].weight.shape == (AXES * 3, LANDMARKS, 3)


class TestLoss:
    def test_the_best_heatmaps_and_certainties_cost_nothing(self):
        net = network()
        inputs = frames(net)
        outputs, _ = net.sequence(inputs)
        decoder = HeatmapDecoder(8, 16, 0.6)
        prior = torch.softmax(decoder.score.narrow.bias[0, 0], dim=0).double()
        outputs["heatmaps"] = prior.expand_as(outputs["heatmaps"])
        outputs["certainty"] = torch.ones_like(outputs["certainty"])
        best = net.own_loss(outputs, inputs["landmarks"], inputs["landmarks"], 0.1)
        assert best.item() == pytest.approx(0.0, abs=1e-10)
        elsewhere = inputs["landmarks"] + 0.1 * outputs["sizes"].unsqueeze(3)
        assert net.own_loss(outputs, elsewhere, inputs["landmarks"], 0.1) > 0.01

    def test_certainties_are_guided_in_the_first_half_only(self):
        for confidence, guided in ((True, True), (False, False)):
            net = network(confidence=confidence)
            inputs = frames(net)
            outputs, _ = net.sequence(inputs)
            first, second = (
                net.own_loss(outputs, inputs["landmarks"], inputs["landmarks"], share).item() for share in (0.49, 0.5)
            )
            assert (first > second) == guided

    def test_what_was_measured_badly_or_not_at_all_is_wanted_uncertain(self):
        net = network()
        inputs = frames(net, faces=1, count=1)
        truth = inputs["landmarks"]
        measured = truth.clone()
        measured[:, :, 3, 0] += 0.3 * sizes_px(truth)[0, 0]
        outputs, _ = net.sequence(inputs)
        wanted = torch.ones_like(outputs["certainty"])
        wanted[:, :, 0, 3] = 0.0
        costs = [
            net.own_loss(outputs | {"certainty": certainty}, truth, measured, 0.1).item()
            for certainty in (wanted, torch.ones_like(wanted))
        ]
        assert costs[0] < costs[1]

    def test_only_training_gives_what_the_loss_needs(self):
        net = network()
        inputs = frames(net)
        assert set(net.sequence(inputs)[0]) > {"refined", "heatmaps"}
        assert set(net.eval().sequence(inputs)[0]) == {"refined"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": 3}, "heads: got 3"),
        ({"window": 1}, "sizes: got"),
        ({"reach": 1.0}, "sizes: got"),
        ({"landmarks": 6}, "sizes: got"),
        ({"group_of": (0, 1, 2)}, "group_of: got 3 landmarks"),
        ({"group_of": (0,) * LANDMARKS}, r"in groups \[0\]"),
    ],
)
def test_configurations_that_make_no_sense_are_refused(change: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        make_network("one_d_former", SMALL | change)


def test_a_network_is_made_again_from_its_configuration():
    net = network(group_of=tuple(index % 7 for index in range(LANDMARKS)))
    assert make_network("one_d_former", dataclasses.asdict(net.config)).config == net.config


@pytest.mark.parametrize("landmarks", [68, 478])
def test_the_shipped_sizes_stay_below_a_million_weights(landmarks: int):
    assert make_network("one_d_former", {"landmarks": landmarks}).parameter_count() <= 1_000_000

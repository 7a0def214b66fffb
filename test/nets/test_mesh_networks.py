"""Networks that read a face model's coefficients."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from face1d_ros.nets.coefficient_lstm import CoefficientLstm
from face1d_ros.nets.families import make_network
from face1d_ros.nets.mesh_network import MeshConfig, MeshNetwork

FAMILIES = ("curve_cnn", "curve_transformer", "coefficient_lstm")
FACES, FRAMES = 3, 4


def network(family: str) -> MeshNetwork:
    torch.manual_seed(1)
    made = make_network(family)
    assert isinstance(made, MeshNetwork)
    return made.eval()


def frames(made: MeshNetwork) -> dict[str, Tensor]:
    return made.example(FACES, FRAMES, torch.Generator().manual_seed(2))


@pytest.mark.parametrize("family", FAMILIES)
def test_outputs_are_what_is_said_of_them(family: str) -> None:
    made = network(family)
    with torch.inference_mode():
        outputs, _ = made.sequence(frames(made))
    assert {name: tuple(tensor.shape[2:]) for name, tensor in outputs.items()} == {
        named.name: named.shape for named in made.outputs()
    }
    assert outputs["expression"].min() >= 0.0 and outputs["expression"].max() <= 1.0


@pytest.mark.parametrize("family", FAMILIES)
def test_landmarks_anywhere_leave_outputs_finite_and_bounded(family: str) -> None:
    made = network(family)
    wild = frames(made)
    wild["aligned"] = 1e6 * wild["aligned"]
    with torch.inference_mode():
        outputs, memory = made.sequence(wild)
    assert all(tensor.isfinite().all() for tensor in (*outputs.values(), *memory.values()))
    assert outputs["identity"].abs().max() <= 5.0 and outputs["rotation_correction"].abs().max() <= 0.7


@pytest.mark.parametrize("family", FAMILIES)
def test_faces_do_not_see_each_other(family: str) -> None:
    made = network(family)
    every = frames(made)
    with torch.inference_mode():
        together, _ = made.sequence(every)
        alone, _ = made.sequence({name: tensor[1:2] for name, tensor in every.items()})
    torch.testing.assert_close(together["expression"][1:2], alone["expression"], atol=1e-5, rtol=1e-5)


def test_anchors_move_with_identity_as_the_face_model_has_it() -> None:
    made = network("curve_cnn")
    with torch.inference_mode():
        outputs, _ = made.sequence(frames(made))
        flat = made.anchors_mean + outputs["identity"] @ made.anchors_identity
    torch.testing.assert_close(outputs["anchors_mm"].flatten(2), flat, atol=1e-4, rtol=1e-4)


def test_the_anomaly_is_zero_in_the_first_frame_and_rises_with_a_sudden_change() -> None:
    made = network("coefficient_lstm")
    assert isinstance(made, CoefficientLstm)
    inputs = {"turn": torch.zeros(1, 3), "dt": torch.full((1, 1), 1.0 / 30.0)}
    still = torch.zeros(1, made.config.estimates)
    jump = still.clone()
    jump[:, 2 * made.config.identity :] = 1.0
    with torch.inference_mode():
        first, memory = made.follow(still, inputs, made.empty_memory(1))
        calm, _ = made.follow(still, inputs, memory)
        sudden, _ = made.follow(jump, inputs, memory)
    assert first["anomaly"].item() == 0.0
    assert sudden["anomaly"].item() > 2.0 * calm["anomaly"].item()


def test_what_is_known_of_the_identity_grows_and_stays_bounded() -> None:
    made = network("coefficient_lstm")
    assert isinstance(made, CoefficientLstm)
    inputs = {"turn": torch.zeros(1, 3), "dt": torch.full((1, 1), 1.0 / 30.0)}
    estimate, memory, known = torch.ones(1, made.config.estimates), made.empty_memory(1), []
    with torch.inference_mode():
        for _ in range(60):
            _, memory = made.follow(estimate, inputs, memory)
            known.append(float(memory["information"].min()))
    assert all(later > earlier for earlier, later in itertools.pairwise(known))
    torch.testing.assert_close(memory["weighted"] / memory["information"], torch.ones(1, made.config.identity))


def test_an_order_that_leaves_landmarks_out_is_refused() -> None:
    with pytest.raises(ValueError, match="expected each of 478 first"):
        MeshConfig(order=tuple(range(470)))

"""The LSTM over embeddings: streaming, of length one, and before training the running mean."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from face1d_ros.nets.embedding_lstm import EmbeddingLstm
from face1d_ros.nets.families import make_network

D = 12


def network(*, trained: bool = True) -> EmbeddingLstm:
    torch.manual_seed(1)
    made = make_network("embedding_lstm", {"embedding": D, "width": 8})
    assert isinstance(made, EmbeddingLstm)
    if trained:
        torch.nn.init.normal_(made.worth.weight, std=5.0)
    return made.double().eval()


def views(made: EmbeddingLstm, faces: int = 3, frames: int = 9) -> Tensor:
    return made.example(faces, frames, torch.Generator().manual_seed(2))["embedding"].double()


def joined(made: EmbeddingLstm, given: Tensor) -> Tensor:
    with torch.inference_mode():
        return made.sequence({"embedding": given})[0]["aggregate"]


def test_a_sequence_is_its_views_one_by_one_wherever_it_is_cut() -> None:
    made = network()
    given = views(made)
    whole = joined(made, given)
    with torch.inference_mode():
        first, memory = made.sequence({"embedding": given[:, :4]})
        rest, _ = made.sequence({"embedding": given[:, 4:]}, memory)
    torch.testing.assert_close(torch.cat([first["aggregate"], rest["aggregate"]], dim=1), whole)


def test_before_training_it_is_the_running_mean() -> None:
    made = network(trained=False)
    given = views(made)
    means = given.cumsum(dim=1)
    torch.testing.assert_close(joined(made, given), means / means.norm(dim=2, keepdim=True), atol=1e-6, rtol=0.0)


def test_after_it_views_are_worth_more_or_less() -> None:
    made = network()
    given = views(made)
    means = given.cumsum(dim=1)
    assert (joined(made, given) - means / means.norm(dim=2, keepdim=True)).abs().max() > 0.01


def test_what_comes_out_has_length_one_and_no_face_sees_another() -> None:
    made = network()
    given = views(made)
    torch.testing.assert_close(joined(made, given).norm(dim=2), torch.ones(3, 9).double(), atol=1e-6, rtol=0.0)
    torch.testing.assert_close(joined(made, given[1:2]), joined(made, given)[1:2])


def test_all_tensors_have_the_shapes_that_are_promised() -> None:
    made = network()
    given = {"embedding": views(made)[:, 0]}
    outputs, after = made.step(given, made.empty_memory(3))
    for named, tensors in ((made.inputs(), given), (made.outputs(), outputs), (made.memory(), after)):
        assert {one.name: one.shape for one in named} == {name: tuple(t.shape[1:]) for name, t in tensors.items()}


def test_nothing_seen_and_opposite_views_leave_it_finite() -> None:
    made = network()
    given = torch.zeros(1, 4, D).double()
    given[0, 2, 0], given[0, 3, 0] = 1.0, -1.0
    assert joined(made, given).isfinite().all()


@pytest.mark.parametrize("config", [{"embedding": 1}, {"width": 0}, {"depth": 2}])
def test_sizes_that_cannot_be_meant_are_refused(config: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"got|unknown"):
        make_network("embedding_lstm", config)

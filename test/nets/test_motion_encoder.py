"""The motion encoder: one unit vector a clip, whatever its length, and what lies behind its end says nothing."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from face1d_ros.nets.families import make_network
from face1d_ros.nets.motion_encoder import MotionEncoder, positional_encoding

SMALL: dict[str, Any] = {"frames": 20, "width": 16, "inner": 12, "embedding": 10, "heads": 2, "channels": [3, 4]}
CLIPS = 5
SPATIAL = pytest.mark.parametrize("spatial", ["curves", "maps"])


def network(spatial: str = "curves", **config: Any) -> MotionEncoder:
    torch.manual_seed(1)
    made = make_network("motion_encoder", SMALL | {"spatial": spatial} | config)
    assert isinstance(made, MotionEncoder)
    return made.eval()


def clips(made: MotionEncoder) -> tuple[Tensor, Tensor]:
    """What is given, and the mask."""
    found = made.example(CLIPS, 1, torch.Generator().manual_seed(2))
    mask = found.pop("mask")[:, 0]
    return next(iter(found.values()))[:, 0], mask


@SPATIAL
def test_outputs_are_what_is_said_of_them(spatial: str) -> None:
    made = network(spatial)
    given, mask = clips(made)
    said = {named.name: named.shape for named in made.inputs()}
    assert {given.shape[1:], mask.shape[1:]} == set(said.values())
    outputs, memory = made.step({next(iter(said)): given, "mask": mask}, {})
    assert tuple(outputs["embedding"].shape) == (CLIPS, *made.outputs()[0].shape)
    assert memory == {} and made.memory() == ()


@SPATIAL
def test_vectors_have_length_one(spatial: str) -> None:
    made = network(spatial)
    torch.testing.assert_close(made.encoded(*clips(made)).norm(dim=1), torch.ones(CLIPS))


@SPATIAL
def test_what_lies_behind_the_end_of_a_clip_says_nothing(spatial: str) -> None:
    made = network(spatial)
    given, mask = clips(made)
    behind = mask.reshape(*mask.shape, *(1 for _ in given.shape[2:]))
    torch.testing.assert_close(made.encoded(given, mask), made.encoded(given + 7.0 * (1.0 - behind), mask))


def test_a_clip_may_come_in_a_shorter_tensor() -> None:
    made = network()
    given, mask = clips(made)
    mask[:, 8:] = 0.0
    torch.testing.assert_close(made.encoded(given, mask), made.encoded(given[:, :8], mask[:, :8]))


def test_clips_do_not_see_each_other() -> None:
    made = network()
    given, mask = clips(made)
    torch.testing.assert_close(made.encoded(given, mask)[2:3], made.encoded(given[2:3], mask[2:3]))


def test_the_order_of_frames_matters() -> None:
    made = network()
    given, _ = clips(made)
    mask = torch.ones(CLIPS, 20)
    alike = (made.encoded(given, mask) * made.encoded(given.flip(1), mask)).sum(dim=1)
    assert (alike < 0.999).all()


@pytest.mark.parametrize("factor", [0.0, 1e6, -1e30])
def test_motions_anywhere_leave_vectors_finite(factor: float) -> None:
    made = network()
    given, mask = clips(made)
    assert made.encoded(factor * given, mask).isfinite().all()


def test_a_clip_without_any_frame_gives_a_finite_vector() -> None:
    made = network()
    given, mask = clips(made)
    assert made.encoded(given, 0.0 * mask).isfinite().all()


def test_landmarks_are_read_in_the_order_of_the_curves() -> None:
    torch.manual_seed(3)
    order = torch.randperm(68)
    ordered = network(order=tuple(order.tolist()))
    plain = network()
    given, mask = clips(plain)
    moved = torch.empty_like(given).reshape(CLIPS, 20, 68, 3)
    moved[:, :, order] = given.reshape(CLIPS, 20, 68, 3)
    for made in (ordered, plain):
        made.get_buffer("spatial.per_spread").fill_(1.0)
    torch.testing.assert_close(ordered.encoded(moved.reshape(CLIPS, 20, 204), mask), plain.encoded(given, mask))


def test_positions_are_told_apart() -> None:
    codes = positional_encoding(128, 96)
    apart = torch.cdist(codes, codes) + 1e3 * torch.eye(128)
    assert apart.min() > 0.1
    torch.testing.assert_close(codes[0, ::2], torch.zeros(48))


@pytest.mark.parametrize(
    "config",
    [
        {"spatial": "pixels"},
        {"heads": 3},
        {"order": tuple(range(67))},
        {"order": (0,) * 68},
        {"layers": 0},
        {"dropout": 1.0},
        {"frames": 0},
    ],
)
def test_sizes_that_make_no_network_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        network(**config)

"""What all smoothers of landmarks share: an adaptive filter for each landmark, steered by a network.

The face's motion goes on as it was: a drift of the whole face and of the ways in which its parts move together, learned
ones, carries the last output to where it is expected. What is measured is first freed of what the detector gets wrong
on such a shape, seen from such a side. Then a frame's output lies between both:

    expected = last + drift
    corrected = measured + bias(shape of the last output)
    off = corrected − expected
    refined = corrected + gain · (share · common motion in off − off) + size · reach · tanh(free)

How near to either is decided for each landmark and coordinate. gain = tanh(·) stays within ±1, and the whole correction
within bounds, so that no weights let the output run away; where bias, gain and free are zero, as in an untrained
network, nothing is changed. Landmarks enter only as differences and in parts of the face's size, which is that of the
last output: the output moves and grows with the input. A frame in which no landmark has any confidence is one in which
the face was not seen: what stands for its landmarks is not looked at, and the drift goes on and dies down.

The families differ in `context`: how what is known of the face's parts, now and before, is brought together.
Shapes: B faces, N landmarks, S = P · M slots in M parts of P landmarks, F features, D width, C hidden, R rank.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from face1d_ros.nets.landmark_network import LandmarkNetwork
from face1d_ros.nets.network import Linear, Named, Tensors

UNIT = 0.02
"""Of the face's size (a fifth of its width): about the detector's noise, so that features are about one."""
LEAST_WEIGHT = 1e-3
"""Of a landmark without any confidence: a face that is all hidden still has a mean."""
REFERENCE_HZ = 30.0
LEAST_DT_S = 1e-3
LEAST_SIZE_PX = 1e-3
FEATURES = 7
"""Of a landmark: how far off it is (3), how far beyond the motion of the whole face (3), its confidence (1)."""
FACE_FEATURES = 8
"""How far off the whole face is (3), its drift (3), logarithm of the time step (1), whether it is seen (1)."""
FADING = 0.15
"""Of a drift, in a frame at the reference rate, before training: it lasts for 7 frames."""
LEAST_FADING = 1e-3
"""Over any time step: whatever the weights, a drift does not grow by itself."""
FASTEST = 50.0
"""The most that a way of moving drifts, in `UNIT` a frame at the reference rate: no weights let it run away."""
SHY = 2.0
"""Before training a drift follows what is seen by the logistic function of minus this."""
STEERING = 7
"""Of a landmark: gain (3), free correction (3), how far it goes with its face (1)."""


@dataclass(frozen=True)
class SmootherConfig:
    """What all smoothers need to know."""

    landmarks: int = 478
    order: tuple[int, ...] = ()
    """Landmarks with neighbours together, in whole parts; some may stand twice. Empty: as they come."""
    part: int = 16
    """Landmarks in a part of the face: 30 parts of 478 landmarks."""
    width: int = 32
    """Numbers that describe a part."""
    hidden: int = 8
    """Numbers that describe a landmark: what runs 478 times has to be small."""
    rank: int = 32
    """Of the motions and shapes of a whole face: how many ways there are in which its parts move together."""
    bends: int = 64
    """Hidden numbers between the face's shape and what the detector gets wrong on it."""
    reach: float = 0.1
    """Of the face's size: the most that the free correction moves a landmark."""
    bias: float = 0.3
    """Of the face's size: the most that is taken for the detector's own error, about 6 % of the face's width."""
    furthest: float = 0.9
    """Of the face's size: the most that a landmark is moved at all, about 18 % of the face's width. Below 1, so that a
    size that is wrong becomes right again, whatever the weights."""

    def __post_init__(self) -> None:
        known = set(range(self.landmarks))
        if self.order and (set(self.order) != known or len(self.order) % self.part):
            raise ValueError(
                f"order: got {len(self.order)} landmarks, expected each of {self.landmarks} in whole parts"
            )
        counts = (self.landmarks, self.part, self.width, self.hidden, self.rank, self.bends)
        if min(counts) < 1 or not all(0.0 <= most <= self.furthest < 1.0 for most in (self.reach, self.bias)):
            raise ValueError(f"sizes: got {self}, expected counts from 1, and 0 <= reach, bias <= furthest < 1")

    @property
    def slots(self) -> tuple[int, ...]:
        """(S,) the landmark in each slot: the first of every part, then the second of every part, and so on.

        Without an order, the last landmark fills up the last part.
        """
        filled = -(-self.landmarks // self.part) * self.part
        order = self.order or tuple(min(index, self.landmarks - 1) for index in range(filled))
        return tuple(landmark for place in range(self.part) for landmark in order[place :: self.part])


class Smoother(LandmarkNetwork):
    """Landmarks in, steadier landmarks out."""

    def __init__(self, config: SmootherConfig) -> None:
        super().__init__()
        self.config = config
        c, n, slots = config, 3 * len(config.slots), config.slots
        self.places = len(slots)
        self.parts = self.places // c.part
        # Not learned: the way into the parts and back, and which slots are no landmark's second place.
        self.register_buffer("slots", torch.tensor(slots), persistent=False)
        self.register_buffer("back", torch.tensor([slots.index(i) for i in range(c.landmarks)]), persistent=False)
        counts = [float(slots.index(landmark) == slot) for slot, landmark in enumerate(slots)]
        self.register_buffer("counts", torch.tensor(counts), persistent=False)
        self.motion_in = nn.Parameter(torch.randn(n, c.rank) * n**-0.5)  # (3S, R)
        self.motion_out = nn.Parameter(torch.randn(c.rank, n) * c.rank**-0.5)  # (R, 3S)
        self.shape_in = nn.Parameter(torch.randn(n, c.rank) * n**-0.5)  # (3S, R)
        self.shape_to_bends = Linear(c.rank, c.bends)
        self.bends_out = nn.Parameter(torch.zeros(c.bends, n))  # (bends, 3S)
        self.always_wrong = nn.Parameter(torch.zeros(n))  # (3S,) on all faces, from all sides
        self.fading = nn.Parameter(torch.tensor(FADING))
        self.following = Linear(c.width, 1 + c.rank, zero=True)
        self.face_to_parts = Linear(3 * c.rank + FACE_FEATURES, c.width, bias=False)
        self.landmarks_to_part = Linear(c.part * FEATURES, c.width, bias=False)
        self.place = nn.Parameter(0.1 * torch.randn(c.width, self.parts))  # (D, M) which part of the face it is
        self.part_to_landmarks = Linear(c.width, c.hidden * c.part, bias=False)
        self.landmark_in = Linear(FEATURES, c.hidden, bias=False)
        self.landmark_place = nn.Parameter(0.1 * torch.randn(c.hidden, self.places))  # (C, S)
        self.steering = Linear(c.hidden, STEERING, zero=True)

    def context(self, parts: Tensor, memory: Tensors) -> tuple[Tensor, dict[str, Tensor]]:
        """(B, D, M) of each part to (B, D, M) of each part in its face and its time, with the new memory."""
        raise NotImplementedError

    def context_memory(self) -> tuple[Named, ...]:
        """What `context` remembers."""
        return ()

    def step(self, inputs: Tensors, memory: Tensors) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """A frame."""
        measured = inputs["landmarks"][:, self.slots].transpose(1, 2)  # (B, 3, S) px
        confidence = inputs["confidence"][:, self.slots].unsqueeze(1)  # (B, 1, S)
        seen = confidence.amax(dim=2, keepdim=True) > 0.0  # (B, 1, 1)
        steps = inputs["dt"].clamp(min=LEAST_DT_S) * REFERENCE_HZ  # (B, 1)
        previous, shape, size = self._last(measured, memory["previous"])
        unit = size * UNIT  # (B, 1, 1) px
        furthest = self.config.furthest / UNIT

        fading = (steps * self.fading).clamp(min=LEAST_FADING)  # (B, 1)
        faded = torch.exp(-fading)
        drift = memory["drift"]  # (B, 3 + R) units a frame at the reference rate
        glide = self._moved(drift) * (steps * (1.0 - faded) / fading).unsqueeze(2)  # (B, 3, S)
        expected = previous + glide.clamp(-furthest, furthest) * unit

        pose = torch.matmul(shape.flatten(1), self.shape_in)  # (B, R)
        bias = self._bias(pose)  # (B, 3, S)
        measured = torch.where(seen, measured, expected - bias * unit)
        off = (measured - expected) / unit + bias  # (B, 3, S)
        weight = (confidence + LEAST_WEIGHT) * self.counts
        weight = weight / weight.mean(dim=2, keepdim=True)
        common = (weight * off).mean(dim=2, keepdim=True)  # (B, 3, 1) how far off the whole face is
        beyond = off - common
        motion = torch.matmul((weight * beyond).flatten(1), self.motion_in)  # (B, R)
        together = torch.cat([common.flatten(1), motion], dim=1)  # (B, 3 + R)

        features = functional.softsign(torch.cat([off, beyond], dim=1))
        features = torch.cat([features, confidence], dim=1)  # (B, F, S)
        face = functional.softsign(torch.cat([together, drift], dim=1))
        face = torch.cat([face, pose, torch.log(steps), seen.flatten(1).to(face.dtype)], dim=1)
        parts = self.landmarks_to_part(features.reshape(-1, FEATURES * self.config.part, self.parts))  # (B, D, M)
        parts = functional.relu(parts + self.place + self.face_to_parts(face.unsqueeze(2)))
        parts, remembered = self.context(parts, memory)

        context = self.part_to_landmarks(parts).reshape(-1, self.config.hidden, self.places)
        hidden = functional.relu(self.landmark_in(features) + self.landmark_place + context)  # (B, C, S)
        gain_and_free, with_face = self.steering(hidden).split([6, 1], dim=1)
        gain, free = torch.tanh(gain_and_free).split(3, dim=1)  # (B, 3, S) each
        correction = gain * (torch.sigmoid(with_face) * self._moved(together) - off) + free * (self.config.reach / UNIT)
        refined = measured + (bias + correction).clamp(-furthest, furthest) * unit

        follow = torch.sigmoid(self.following(parts.mean(dim=2, keepdim=True)).squeeze(2) - SHY)  # (B, 1 + R)
        follow = torch.cat([follow[:, :1].expand(-1, 3), follow[:, 1:]], dim=1)
        drift = (faded * drift + follow * together / steps.clamp(min=1.0)).clamp(-FASTEST, FASTEST)
        after = {"previous": refined, "drift": drift, **remembered}
        return {"refined": refined.transpose(1, 2)[:, self.back]}, after

    def _moved(self, together: Tensor) -> Tensor:
        """(B, 3 + R) to (B, 3, S): a motion of the whole face, and of its parts together."""
        common, motion = together.split([3, self.config.rank], dim=1)
        return common.unsqueeze(2) + torch.matmul(motion, self.motion_out).reshape(-1, 3, self.places)

    def _bias(self, pose: Tensor) -> Tensor:
        """(B, R) to (B, 3, S): minus what the detector gets wrong on this shape from this side, in units."""
        bends = functional.relu(self.shape_to_bends(pose.unsqueeze(2)).squeeze(2))  # (B, bends)
        wrong = torch.matmul(bends, self.bends_out) + self.always_wrong
        limit = self.config.bias / UNIT
        return limit * torch.tanh(wrong / limit).reshape(-1, 3, self.places)

    def _last(self, measured: Tensor, previous: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The last output (B, 3, S), its shape without place and size, and its size (B, 1, 1), px.

        A memory of zeros is a face not seen before: its measurement stands in for what it would have been.
        """
        unseen = previous.amax(dim=(1, 2), keepdim=True) == 0.0
        previous = torch.where(unseen, measured, previous)
        centred = previous - previous.mean(dim=2, keepdim=True)
        size = (centred * centred).mean(dim=(1, 2), keepdim=True).sqrt().clamp(min=LEAST_SIZE_PX)
        return previous, centred / size, size

    def memory(self) -> tuple[Named, ...]:
        """The last output, and what the family adds."""
        previous = Named("previous", (3, self.places), "the last output, in the network's order, px")
        drift = Named("drift", (3 + self.config.rank,), "motion of the face and of its parts together")
        return (previous, drift, *self.context_memory())

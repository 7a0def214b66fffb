"""Training of smoothers: close to the truth, and moving as the truth moves."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from face1d_ros.evaluate.metrics import jitter_px, lag_frames, nme_percent
from face1d_ros.geometry.groups import seven_groups
from face1d_ros.geometry.order import neighbours_first
from face1d_ros.nets.families import make_network
from face1d_ros.nets.network import StreamingNetwork
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.train.recipe import Recipe
from face1d_ros.train.tracks import Changes, Tracks, Window, check_topology, stretches, whole
from face1d_ros.types import Topology

WEIGHTS = {"error": 1.0, "hidden": 0.6, "moving": 0.4, "motion": 2.5, "depth": 0.3, "own": 1.0}
"""Of the distance to the truth: everywhere, where landmarks are hidden or the face was not seen, and where parts of the
face move by themselves; of the distance between both's motions; of depth beside the image plane. All in parts of the
face's size. And of what a network adds itself.
"""
LEAST = 1e-8
JUDGED_SEQUENCES, JUDGED_FRAMES = 32, 150
"""Of the validation data: enough to judge by while training."""
SHORTEST = 20
"""Frames that say anything."""


class Smoothing:
    """What the loop needs to know of this task."""

    def __init__(self, recipe: Recipe, training: Corpus, validation: Corpus) -> None:
        topology = Topology(recipe.landmarks)
        for corpus in (training, validation):
            check_topology(corpus, topology)
        self.network = new_network(recipe)
        self.weights = WEIGHTS | recipe.weights
        self.tracks = Tracks(training, topology, recipe.rows, recipe.frames, recipe.seed, Changes())
        self.memory = self.network.empty_memory(recipe.rows)
        self._judged = _judged(validation, topology)

    def losses(self, share: float) -> dict[str, Tensor]:
        """The parts of the loss of the next window; `share` of the training is done."""
        window = self.tracks.next()
        keep = (~window.fresh).to(torch.float32)
        memory = {name: tensor * keep.reshape(-1, *[1] * (tensor.ndim - 1)) for name, tensor in self.memory.items()}
        outputs, after = self.network.sequence(window.inputs, memory)
        self.memory = {name: tensor.detach() for name, tensor in after.items()}
        ahead = self.network.look_ahead
        end = window.truth.shape[1] - ahead
        off = (outputs["refined"][:, ahead:] - window.truth[:, :end]) / window.size[:, :end, :, None]
        counts, hidden = window.counts[:, :end], window.hidden[:, :end] * window.counts[:, :end, None]
        distance = self._length(off)
        parts = {
            "error": _mean(distance.mean(dim=2), counts),
            "hidden": _mean(distance, hidden),
            "moving": _mean(distance[:, 1:], _own_motion(window.truth[:, :end] / window.size[:, :end, :, None])),
            "motion": _mean(self._length(off[:, 1:] - off[:, :-1]).mean(dim=2), counts[:, 1:] * counts[:, :-1]),
            "own": self.network.own_loss(outputs, window.truth, window.landmarks, share),
        }
        total = sum((self.weights[name] * part for name, part in parts.items()), torch.zeros(()))
        return {"loss": total, **parts}

    def judge(self, network: StreamingNetwork) -> dict[str, float]:
        """Figures on the validation data, as parts of those of the landmarks as they come; lag in frames.

        Where landmarks are hidden or the face is lost, of those as they come, held where there are none.
        """
        rows = []
        for window in self._judged:
            with torch.inference_mode():
                refined = network.sequence(window.inputs)[0]["refined"][0]
            rows.append(_figures(refined[network.look_ahead :], window))
        means = {name: float(np.nanmean([row[name] for row in rows])) for name in rows[0]}
        ratios = {f"{name}_ratio": means[name] / means[f"{name}_raw"] for name in ("nme", "jitter", "hidden")}
        return {**ratios, "lag_frames": means["lag"]}

    def state(self) -> dict[str, Tensor]:
        """The rows' memory, and how far they have come."""
        memory = {f"memory.{name}": tensor for name, tensor in self.memory.items()}
        return {
            "passes": torch.from_numpy(self.tracks.passes),
            "places": torch.from_numpy(self.tracks.places),
            **memory,
        }

    def go_on_from(self, state: dict[str, Tensor]) -> None:
        """Stand there again."""
        self.tracks.go_on_from(state["passes"].numpy(), state["places"].numpy())
        self.memory = {name: state[f"memory.{name}"] for name in self.memory}

    def _length(self, vectors: Tensor) -> Tensor:
        """(B, T, N, 3) to (B, T, N): length in the image plane, and of the depth by its weight."""
        flat = (vectors[..., :2].square().sum(dim=-1) + LEAST).sqrt()
        return flat + self.weights["depth"] * vectors[..., 2].abs()


def new_network(recipe: Recipe) -> StreamingNetwork:
    """With random weights from the recipe's seed; it is told how the landmarks of the recipe's topology lie."""
    topology = Topology(recipe.landmarks)
    given = {"landmarks": recipe.landmarks, **recipe.config}
    config = make_network(recipe.family, given).config
    if getattr(config, "order", None) == ():
        given["order"] = neighbours_first(topology, config.part)
    if getattr(config, "group_of", None) == ():
        given["group_of"] = seven_groups(topology)
    torch.manual_seed(recipe.seed)
    return make_network(recipe.family, given)


def _figures(refined: Tensor, window: Window) -> dict[str, float]:
    """Of one sequence, whose first frames were refined."""
    end = len(refined)
    seen = window.confidence[0, :end].amax(dim=1).numpy() > 0.0
    hidden = window.hidden[0, :end].numpy() > 0.0
    truth, raw, better = (
        tensor[:end, :, :2].numpy().astype(np.float64) for tensor in (window.truth[0], window.landmarks[0], refined)
    )
    last_seen = np.maximum.accumulate(np.where(seen, np.arange(end), 0))
    return {
        "nme": nme_percent(better, truth, seen),
        "nme_raw": nme_percent(raw, truth, seen),
        "jitter": jitter_px(better, truth, seen),
        "jitter_raw": jitter_px(raw, truth, seen),
        "hidden": nme_percent(better, truth, hidden) if hidden.any() else np.nan,
        "hidden_raw": nme_percent(raw[last_seen], truth, hidden) if hidden.any() else np.nan,
        "lag": lag_frames(better, truth, seen),
    }


def _judged(corpus: Corpus, topology: Topology) -> list[Window]:
    """The longest stretch of each of the first sequences."""
    found = []
    for number in range(min(len(corpus), JUDGED_SEQUENCES)):
        sequence = corpus[number]
        long = max(stretches(sequence), key=lambda part: part.stop - part.start, default=slice(0, 0))
        part = slice(long.start, min(long.stop, long.start + JUDGED_FRAMES))
        if part.stop - part.start >= SHORTEST:
            found.append(whole(sequence, part, topology))
    return found


def _own_motion(truth: Tensor) -> Tensor:
    """(B, T, N, 3) to (B, T − 1, N): how far each landmark moves in its face, in the image plane."""
    step = (truth[:, 1:] - truth[:, :-1])[..., :2]
    return (step - step.mean(dim=2, keepdim=True)).norm(dim=-1)


def _mean(values: Tensor, counts: Tensor) -> Tensor:
    return (values * counts).sum() / counts.sum().clamp(min=1.0)

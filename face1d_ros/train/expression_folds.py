"""Training of one network for each fold of a real dataset, and what it says of people that it has never seen.

Only labels are learned: real datasets tell of intensity and facial actions nothing, and of phases little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from face1d_ros.evaluate.expression_windows import NEUTRAL, Windows
from face1d_ros.geometry.facial_actions import mirror_indices
from face1d_ros.nets.expression_network import ExpressionNetwork
from face1d_ros.train.expression import LEAST_SPREAD, new_network
from face1d_ros.train.loop import Progress, train
from face1d_ros.train.recipe import Recipe
from face1d_ros.types import FloatArray

FAMILY, ROWS, RATE, WEIGHT_DECAY, SEED = "conv_lstm", 64, 3e-3, 1e-2, 1


def fold_recipe(given: str, labels: int, steps: int) -> Recipe:
    """That of every fold; the actions are not used."""
    return Recipe(
        task="expression",
        family=FAMILY,
        input=given,
        config={"labels": labels, "actions": 1},
        seed=SEED,
        steps=steps,
        rows=ROWS,
        rate=RATE,
        weight_decay=WEIGHT_DECAY,
        judge_every=steps,
    )


class FoldTask:
    """What the loop needs to know: windows taken anywhere, half of them in a mirror."""

    network: ExpressionNetwork

    def __init__(self, recipe: Recipe, windows: Windows, labels: Sequence[str], names: Sequence[str]) -> None:
        """Labels that are told apart, neutral among them; names of the features."""
        self.network = new_network(recipe, window_spread(windows))
        self._windows, self._labels = windows, tuple(labels)
        self._looks, self._known = seen(self.network, windows)
        self._truth = torch.from_numpy(numbers_of(windows, labels))
        self._mirror = torch.tensor(mirror_indices(names))
        # Every sequence has a window at rest: all of these together count as much as one of the expressions.
        neutral = self._truth.numpy() == self._labels.index(NEUTRAL)
        shares = np.where(neutral, 1.0 / max(len(self._labels) - 1, 1), 1.0)
        self._chances = np.cumsum(shares / shares.sum())
        self._rows, self._seed, self._taken = recipe.rows, recipe.seed, 0

    def losses(self, share: float) -> dict[str, Tensor]:
        """Cross entropy of the next batch."""
        rng = np.random.default_rng((self._seed, self._taken))
        self._taken += 1
        chosen = np.searchsorted(self._chances, rng.random(self._rows)).clip(max=len(self._chances) - 1)
        turned = torch.from_numpy(rng.random(self._rows) < 0.5)
        looks = torch.where(turned[:, None, None], self._looks[chosen][..., self._mirror], self._looks[chosen])
        logits = self.network.logits(looks, self._known[chosen])[0][:, : len(self._labels)]
        return {"loss": functional.cross_entropy(logits, self._truth[chosen])}

    def judge(self, network: ExpressionNetwork) -> dict[str, float]:
        """On what is learned from; the fold's own people are not looked at before the end."""
        found = answers(network, self._windows, self._labels)
        return {"learned": float((found == self._truth.numpy()).mean())}

    def state(self) -> dict[str, Tensor]:
        """How many batches were taken."""
        return {"taken": torch.tensor(self._taken)}

    def go_on_from(self, state: dict[str, Tensor]) -> None:
        """Stand there again."""
        self._taken = int(state["taken"])


def train_fold(
    recipe: Recipe,
    windows: Windows,
    labels: Sequence[str],
    names: Sequence[str],
    folder: Path,
    tell: Callable[[Progress], None],
) -> ExpressionNetwork:
    """A network that has learned from these windows alone."""
    task = FoldTask(recipe, windows, labels, names)
    train(task, recipe, folder, tell)
    return task.network


def answers(network: ExpressionNetwork, windows: Windows, labels: Sequence[str]) -> NDArray[np.intp]:
    """(W,) the likeliest label of each window, as its number."""
    looks, known = seen(network, windows)
    with torch.inference_mode():
        logits = network.logits(looks, known)[0][:, : len(labels)]
    return logits.argmax(dim=1).numpy().astype(np.intp)


def seen(network: ExpressionNetwork, windows: Windows) -> tuple[Tensor, Tensor]:
    """(W, LOOKS, F) as the network looks at windows, and (W, 1): rest is known well."""
    with torch.no_grad():
        looks = network.from_neutral(torch.from_numpy(windows.looks), torch.from_numpy(windows.rest).unsqueeze(1))
    return looks, torch.ones(len(windows), 1)


def numbers_of(windows: Windows, labels: Sequence[str]) -> NDArray[np.int64]:
    """(W,) where each window's label stands."""
    return np.array([labels.index(label) for label in windows.labels], np.int64)


def window_spread(windows: Windows) -> FloatArray:
    """(F,) what is usual of features beside one person's own rest."""
    return np.maximum((windows.looks[:, -1] - windows.rest).std(axis=0), LEAST_SPREAD)

"""The one training loop: AdamW, a rate that rises and falls, averaged weights, and a state that survives a kill.

A run goes on where its folder stands, to the same weights as if it had never been broken off.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from face1d_ros.errors import TrainingError
from face1d_ros.nets.network import StreamingNetwork
from face1d_ros.train.recipe import Recipe
from face1d_ros.train.state import load_state, save_state

STATE, HISTORY = "state.safetensors", "history.jsonl"
RANDOM = "random"
"""State of PyTorch's generator, from which dropout is drawn."""
SAVE_EVERY = 100
"""Steps: about half a minute."""
WARM_UP = 0.03
"""Share of the steps in which the rate rises."""
LAST_RATE = 0.02
"""Of the highest."""
AVERAGED = 0.995
"""How much of the averaged weights stays in a step."""
LARGEST_GRADIENT = 1.0


class Task(Protocol):
    """What is learned."""

    network: StreamingNetwork

    def losses(self, share: float) -> dict[str, Tensor]:
        """`loss`, and its parts for who looks on, of the next batch."""
        ...

    def judge(self, network: StreamingNetwork) -> dict[str, float]:
        """Figures on the validation data."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Where it stands between two batches."""
        ...

    def go_on_from(self, state: dict[str, Tensor]) -> None:
        """Stand there again."""
        ...


@dataclass(frozen=True)
class Progress:
    """What is told after each step."""

    step: int
    losses: dict[str, float]
    figures: dict[str, float] | None = None
    """On the validation data, where it was looked at."""


def train(
    task: Task, recipe: Recipe, folder: Path, tell: Callable[[Progress], None], threads: int = 1
) -> StreamingNetwork:
    """The network with averaged weights after the recipe's last step."""
    torch.set_num_threads(threads)
    network = task.network
    averaged = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    optimiser = torch.optim.AdamW(network.parameters(), recipe.rate, weight_decay=recipe.weight_decay)
    step = _resume(task, averaged, optimiser, recipe, folder)
    while step < recipe.steps:
        losses = _step(task, optimiser, _rate(recipe, step), step / recipe.steps)
        step += 1
        _average(averaged, network, step)
        if not math.isfinite(losses["loss"]):
            raise TrainingError(f"step {step}: the loss is {losses['loss']}; take a lower rate in the recipe")
        figures = None
        if step % recipe.judge_every == 0 or step == recipe.steps:
            figures = _judged(task, averaged)
            _note(folder, {"step": step, **losses, **figures})
        tell(Progress(step, losses, figures))
        if step % SAVE_EVERY == 0 or step == recipe.steps:
            _save(task, averaged, optimiser, recipe, folder, step)
    network.load_state_dict(averaged)
    network.eval()
    return network


def _step(task: Task, optimiser: torch.optim.Optimizer, rate: float, share: float) -> dict[str, float]:
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad(set_to_none=True)
    losses = task.losses(share)
    losses["loss"].backward()
    torch.nn.utils.clip_grad_norm_(task.network.parameters(), LARGEST_GRADIENT)
    optimiser.step()
    return {name: float(loss.detach()) for name, loss in losses.items()}


def _rate(recipe: Recipe, step: int) -> float:
    """Up in a line, down in a cosine."""
    rising = max(WARM_UP * recipe.steps, 1.0)
    if step < rising:
        return recipe.rate * (step + 1) / rising
    done = (step - rising) / max(recipe.steps - rising, 1.0)
    return recipe.rate * (LAST_RATE + (1.0 - LAST_RATE) * 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0))))


def _average(averaged: dict[str, Tensor], network: StreamingNetwork, step: int) -> None:
    keep = min(AVERAGED, step / (step + 10.0))
    for name, tensor in network.state_dict().items():
        averaged[name].lerp_(tensor, 1.0 - keep)


def _judged(task: Task, averaged: dict[str, Tensor]) -> dict[str, float]:
    now = {name: tensor.clone() for name, tensor in task.network.state_dict().items()}
    task.network.load_state_dict(averaged)
    task.network.eval()
    try:
        return task.judge(task.network)
    finally:
        task.network.load_state_dict(now)
        task.network.train()


def _resume(
    task: Task, averaged: dict[str, Tensor], optimiser: torch.optim.Optimizer, recipe: Recipe, folder: Path
) -> int:
    """The step at which the folder stands; 0 where nothing was begun."""
    path = folder / STATE
    if not path.exists():
        return 0
    header, tensors = load_state(path)
    if header["recipe"] != json.dumps(recipe.to_json(), sort_keys=True):
        raise TrainingError(f"'{folder}' holds a training of another recipe; name another folder, or take it away")
    task.network.load_state_dict(_part(tensors, "network."))
    averaged.update(_part(tensors, "averaged."))
    adam = _part(tensors, "adam.")
    state = {}
    for number, _ in enumerate(task.network.parameters()):
        state[number] = {name: adam[f"{number}.{name}"] for name in ("step", "exp_avg", "exp_avg_sq")}
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    task.go_on_from(_part(tensors, "task."))
    if RANDOM in tensors:
        torch.set_rng_state(tensors[RANDOM])
    return int(header["step"])


def _save(
    task: Task,
    averaged: dict[str, Tensor],
    optimiser: torch.optim.Optimizer,
    recipe: Recipe,
    folder: Path,
    step: int,
) -> None:
    adam = {
        f"{number}.{name}": tensor
        for number, values in optimiser.state_dict()["state"].items()
        for name, tensor in values.items()
    }
    groups = {"network": task.network.state_dict(), "averaged": averaged, "adam": adam, "task": task.state()}
    tensors = {f"{group}.{name}": tensor for group, named in groups.items() for name, tensor in named.items()}
    tensors[RANDOM] = torch.get_rng_state()
    save_state(folder / STATE, tensors, {"recipe": json.dumps(recipe.to_json(), sort_keys=True), "step": str(step)})


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _note(folder: Path, line: dict[str, float]) -> None:
    with (folder / HISTORY).open("a", encoding="utf-8") as file:
        file.write(json.dumps({name: round(value, 6) for name, value in line.items()}) + "\n")

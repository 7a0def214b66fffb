"""A trained network to a bundle: ONNX, golden run and manifest, proven equal to PyTorch before it is in its place."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from face1d_ros.engines.bundle import GOLDEN, MANIFEST, MODEL, TOLERANCE, Bundle, accept, load_bundle
from face1d_ros.engines.engine import Array, Arrays
from face1d_ros.engines.golden import golden_bytes
from face1d_ros.engines.manifest import FACES, MAX_FACES, PRECISIONS, Manifest, Memory, TensorSpec
from face1d_ros.engines.onnx_work import count_mac
from face1d_ros.engines.onnxruntime_engine import OnnxRuntimeEngine
from face1d_ros.errors import ExportError, InvalidValueError
from face1d_ros.nets.families import make_network
from face1d_ros.nets.network import Named, StreamingNetwork
from face1d_ros.train.onnx_export import AFTER, to_onnx, weights_of

Advance = Callable[[int], None]
GOLDEN_FACES, GOLDEN_FRAMES = 3, 5
PARITY = {"fp32": 1e-5, "fp16": TOLERANCE["fp16"]}
"""Largest difference that is taken for rounding, by precision, in parts of the largest value of a face's output."""
WINDOWS = 1000
WINDOW_FRAMES = 8
WINDOWS_AT_ONCE = 64
"""In PyTorch, which is slow with few of them."""
SMALL = 0.1
"""Random steering that is much stronger makes chaos of a network that sees its own output, and of rounding errors."""
UNTRAINED: dict[str, Any] = {
    "version": "0",
    "trained_on": "nothing",
    "data": "none",
    "command": "face1d bench engines",
    "seed": 0,
    "figures": {},
    "conditions": "none",
    "not_measured": "everything: this network is untrained",
    "licence": "Apache-2.0",
}
"""Of a network with random weights, which is good for nothing but measuring its speed."""


def export(
    network: StreamingNetwork,
    folder: Path,
    facts: Mapping[str, Any],
    *,
    precision: str = "fp32",
    windows: int = WINDOWS,
    advance: Advance = lambda done: None,
) -> tuple[Bundle, float]:
    """The bundle of this network in `folder`, and how far ONNX Runtime is from PyTorch on random windows.

    `facts` are the fields of the manifest that the network itself does not tell. A bundle that was there is replaced;
    if anything goes wrong, it stays.
    """
    if precision not in PRECISIONS:
        raise InvalidValueError("precision", precision, f"one of {', '.join(PRECISIONS)}")
    folder = folder.absolute()
    if folder.exists() and not (folder / MANIFEST).is_file():
        raise ExportError(network.family, f"'{folder}' is there already and is no bundle; name another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        made = workshop / folder.name
        write_files(network, made, facts, precision)
        bundle = load_bundle(made)
        accept(bundle, OnnxRuntimeEngine(bundle))
        difference = parity(network, bundle, windows=windows, seed=bundle.manifest.seed, advance=advance)
        if not difference <= PARITY[precision]:
            limit = f"expected {PARITY[precision]:g} at most"
            raise ExportError(network.family, f"ONNX Runtime differs from PyTorch by {difference:.3g}, {limit}")
        if folder.exists():
            os.rename(folder, workshop / "before")
        os.rename(made, folder)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return load_bundle(folder), difference


def write_files(network: StreamingNetwork, folder: Path, facts: Mapping[str, Any], precision: str = "fp32") -> None:
    """The three files of a bundle, in a new folder. The golden run is that of the float32 network in any case."""
    with _at_work(network), torch.inference_mode():
        frames = network.example(GOLDEN_FACES, GOLDEN_FRAMES, torch.Generator().manual_seed(int(facts["seed"])))
        _, memory = network.sequence({name: tensor[:, :-1] for name, tensor in frames.items()})
        inputs = {name: tensor[:, -1].contiguous() for name, tensor in frames.items()}
        outputs, after = network.step(inputs, memory)
    with torch.no_grad():
        model = to_onnx(network, inputs, memory, precision)
    golden = golden_bytes(_arrays(inputs | memory), _arrays(outputs | {k + AFTER: v for k, v in after.items()}))
    manifest = make_manifest(network, folder.name, facts, model, golden, precision)
    folder.mkdir()
    (folder / MODEL).write_bytes(model)
    (folder / GOLDEN).write_bytes(golden)
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")


def write_untrained(family: str, folder: Path, seed: int) -> Path:
    """The bundle of a network with random weights, good for measuring what it costs."""
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = untrained(family)
    except ValueError as error:
        raise ExportError(family, str(error)) from error
    write_files(network, folder, UNTRAINED | {"seed": seed})
    return folder


def untrained(family: str, config: Mapping[str, Any] | None = None) -> StreamingNetwork:
    """Random weights, also where training begins at zero: two runtimes that agree on it agree on all of it."""
    network = make_network(family, config)
    with torch.no_grad():
        for parameter in network.parameters():
            if not parameter.any():
                parameter.normal_(std=SMALL)
    return network


def make_manifest(
    network: StreamingNetwork, name: str, facts: Mapping[str, Any], model: bytes, golden: bytes, precision: str = "fp32"
) -> Manifest:
    """From what the network is and what is known of how it came to be."""
    remembered = network.memory()
    own: dict[str, Any] = {
        "name": name,
        "task": network.task,
        "sha256": hashlib.sha256(model).hexdigest(),
        "golden_sha256": hashlib.sha256(golden).hexdigest(),
        "precision": precision,
        "inputs": tuple(_spec(named) for named in (*network.inputs(), *remembered)),
        "outputs": (
            *(_spec(named) for named in network.outputs()),
            *(_spec(named, AFTER, "; after the frame") for named in remembered),
        ),
        "memory": tuple(Memory(named.name, named.name + AFTER) for named in remembered),
        "settings": {
            **facts.get("settings", {}),
            "family": network.family,
            "config": dataclasses.asdict(network.config),
            **({"look_ahead": network.look_ahead} if network.look_ahead else {}),
        },
        "normalisation": network.normalisation,
        "parameters": network.parameter_count(),
        "mac": count_mac(model),
    }
    given = {key: value for key, value in facts.items() if key != "settings"}
    known = {field.name for field in dataclasses.fields(Manifest)} - set(own)
    if set(given) - known or known - set(given) - {"source"}:
        raise ExportError(network.family, f"got facts {sorted(given)}, expected {sorted(known)}")
    return Manifest(**own, **given)


def network_of(bundle: Bundle) -> StreamingNetwork:
    """The network of a bundle in PyTorch, in float32, with the weights that its ONNX file holds."""
    settings = bundle.manifest.settings
    try:
        network = make_network(settings["family"], settings["config"])
    except (KeyError, TypeError, ValueError) as error:
        raise ExportError(bundle.manifest.name, f"its manifest names no network of this package: {error}") from error
    found = weights_of(bundle.model)
    try:
        network.load_state_dict({name: found[name] for name in network.state_dict()})
    except (KeyError, RuntimeError) as error:
        raise ExportError(bundle.manifest.name, f"its weights are not those of {network.family}: {error}") from error
    return network


def parity(
    network: StreamingNetwork,
    bundle: Bundle,
    *,
    windows: int = WINDOWS,
    seed: int = 0,
    advance: Advance = lambda done: None,
) -> float:
    """The largest difference between PyTorch and ONNX Runtime over so many windows of eight frames.

    Each side carries its own memory through a window. The difference is in parts of the largest value of that face's
    output, if that is above 1: a float32 of 1000 px is only known to 6e-5 px. NaN counts as infinite.
    """
    generator = torch.Generator().manual_seed(seed)
    engine = OnnxRuntimeEngine(bundle)
    worst = 0.0
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the network is too small to share
    try:
        for begin in range(0, windows, WINDOWS_AT_ONCE):
            count = min(WINDOWS_AT_ONCE, windows - begin)
            frames = network.example(count, WINDOW_FRAMES, generator)
            with _at_work(network), torch.inference_mode():
                expected, _ = network.sequence(frames)
            for first in range(0, count, MAX_FACES):
                rows = slice(first, min(first + MAX_FACES, count))
                worst = max(worst, _difference(engine, _rows(frames, rows), _rows(expected, rows)))
                advance(rows.stop - rows.start)
    finally:
        torch.set_num_threads(threads)
        engine.close()
    return worst


@contextmanager
def _at_work(network: StreamingNetwork) -> Iterator[None]:
    """As it is exported: without what it does only while it learns."""
    is_learning = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(is_learning)


def _difference(engine: OnnxRuntimeEngine, frames: Arrays, expected: Arrays) -> float:
    """Of what an engine gives for frames (B, T, …) from an empty memory."""
    faces, count = next(iter(frames.values())).shape[:2]
    session = engine.session(faces)
    worst = 0.0
    for index in range(count):
        for name, array in frames.items():
            session.inputs[name][:] = array[:, index]
        session.run()
        for name, array in session.outputs.items():
            wanted = expected[name][:, index].astype(np.float64)
            off = np.abs(array - wanted).reshape(faces, -1).max(axis=1)
            parts = off / np.maximum(1.0, np.abs(wanted).reshape(faces, -1).max(axis=1))
            worst = max(worst, float(np.nan_to_num(parts, nan=np.inf).max()))
    return worst


def _rows(tensors: Mapping[str, Tensor], rows: slice) -> Arrays:
    return {name: tensor[rows].numpy() for name, tensor in tensors.items()}


def _spec(named: Named, suffix: str = "", remark: str = "") -> TensorSpec:
    return TensorSpec(named.name + suffix, "float32", (FACES, *named.shape), named.meaning + remark)


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, Array]:
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}

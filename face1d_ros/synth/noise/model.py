"""The measured noise of the detector as a file: numbers in JSON, spatial modes in an .npz beside it.

Everything is in percent of the face's size (the larger side of its landmark box) and in axes that follow the face's
roll: x along the eyes to the image's right, y down, z away from the camera. Letters: K modes, C parts, R readings.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import NoiseModelError
from face1d_ros.types import FloatArray

DEFAULT_PATH = Path(__file__).with_name("detector_noise.json")
FORMAT = 1
STILL = "still"
"""The part that is constant over a sequence: what a condition always shifts."""
LARGEST_BYTES = 8 << 20
POINTS = 478
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """Noise of one colour: an autoregressive process with unit variance and one real pole."""

    name: str
    pole: float
    """Of one frame to the next; where time_s is given, exp(-frame time / time_s) takes its place."""
    time_s: float | None = None
    order: int = 1
    """How often the pole is there, 1 or 2: a double one gives smooth tracks."""

    def pole_at(self, frame_s: float) -> float:
        """The pole at this frame time."""
        return self.pole if self.time_s is None else math.exp(-frame_s / self.time_s)

    def correlation(self, frames: int, frame_s: float) -> Floats:
        """(frames,) of one frame with itself and with those after it."""
        pole, lags = self.pole_at(frame_s), np.arange(frames)
        powers = np.where(lags == 0, 1.0, pole**lags) if pole else (lags == 0).astype(float)
        if self.order == 1:
            return np.asarray(powers)
        return np.asarray(powers * (1.0 + lags * (1.0 - pole * pole) / (1.0 + pole * pole)))


@dataclass(frozen=True, eq=False)
class Factor:
    """What one condition adds to each part, measured at knots; between them linear, beyond constant."""

    knots: Floats
    """(M,) rising."""
    added: Floats
    """(M, C) variance, percent²; below 0 where it takes away."""

    def at(self, values: Floats) -> Floats:
        """(T,) → (T, C)."""
        return np.stack([np.interp(values, self.knots, column) for column in self.added.T], axis=-1)


@dataclass(frozen=True, eq=False)
class NoiseModel:
    """What `face1d synth fit-noise` measured."""

    parts: tuple[Part, ...]
    sizes_px: Floats
    """(S,) rising."""
    grains: Floats
    """(G,) rising: grey levels of sensor noise over the gain of the light."""
    variance: Floats
    """(S, G, C) of each part, percent²: mean over points and axes."""
    factors: Mapping[str, Factor]
    """Of speed (sizes/s), blur (exposure · speed), defocus (sizes), light (gain), roll and turn (rad), and expression
    (change of the readings, 1/s)."""
    gust_sd: float
    gust_pole: float
    """All parts but `STILL` swell and sink together: logarithm of their strength, an AR(1) process over frames."""
    lag_frames: float
    depth_gain: float
    """Detected depth over true depth."""
    person_percent: float
    """Root mean square of what is always wrong on a person."""
    loss_share: Mapping[str, tuple[Floats, Floats]]
    """Knots and share of frames in which the face is lost, for `size`, `grain`, `light` and `turn`."""
    loss_frames: float
    """Mean length of a loss."""
    confidence: Mapping[str, tuple[Floats, Floats]]
    """Knots and log-odds of the face's confidence lost under each condition; `base` with one value."""
    confidence_sd: float
    occlusion: Mapping[str, tuple[float, float]]
    """For each region: factor on the noise of hidden points, share of their motion that is still seen."""
    modes: FloatArray
    """(K, 478, 3) each with root mean square 1 over points and axes."""
    mixes: FloatArray
    """(C, K, K) unit signals → modes; the noise of each part has root mean square 1."""
    reading: FloatArray
    """(R, M, 3) how the face's deformation is read from the points `read_from`, in units of its size."""
    read_from: NDArray[np.intp]
    """(M,)"""
    response: FloatArray
    """(R, K) percent in each mode for a deformation of one."""
    person_mix: FloatArray
    """(K, K) unit numbers → modes, root mean square 1."""
    turn_slope: FloatArray
    """(2, 2, K) percent in each mode for a sine of 1: of yaw and pitch, to the negative and to the positive side."""
    turn_spread: float
    """How much that differs between people: standard deviation of a factor around 1."""
    hidden_shift: Mapping[str, FloatArray]
    """For each region (J, K): shifts in percent that measured covers caused."""
    fit: Mapping[str, Any]
    """How much of the variance the modes hold and the response explains."""
    provenance: Mapping[str, Any]


def load_noise_model(path: str | Path | None = None) -> NoiseModel:
    """The shipped model, or the one in this JSON file (the .npz it names lies beside it); each is read once."""
    return _loaded(Path(path) if path is not None else DEFAULT_PATH)


@cache
def _loaded(path: Path) -> NoiseModel:
    return read_noise_model(path)


def read_noise_model(path: Path) -> NoiseModel:
    """As `load_noise_model`, but read again each time."""
    table = _read_json(path)
    try:
        arrays = _read_arrays(path, table["arrays"])
        return _checked(path, model_from(table, arrays))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise NoiseModelError(path, f"{type(error).__name__} {error}", f"a noise model of format {FORMAT}") from error


def model_from(table: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> NoiseModel:
    """The model from the parsed JSON and the arrays."""
    if table["format"] != FORMAT:
        raise ValueError(f"has format {table['format']}")
    amplitude = table["amplitude"]
    parts = tuple(Part(p["name"], float(p["pole"]), p.get("time_s"), p.get("order", 1)) for p in table["parts"])
    names = [part.name for part in parts]
    percent = np.stack([np.array(amplitude["percent"][name], float) for name in names], axis=-1)
    return NoiseModel(
        parts=parts,
        sizes_px=np.array(amplitude["sizes_px"], float),
        grains=np.array(amplitude["grains"], float),
        variance=np.square(percent),
        factors={name: _factor(row, names) for name, row in table["factors"].items()},
        gust_sd=float(table["gusts"]["sd"]),
        gust_pole=float(table["gusts"]["pole"]),
        lag_frames=float(table["lag_frames"]),
        depth_gain=float(table["depth_gain"]),
        person_percent=float(table["person_percent"]),
        loss_share={name: _curve(row, "share") for name, row in table["loss"]["curves"].items()},
        loss_frames=float(table["loss"]["mean_frames"]),
        confidence={name: _curve(row, "log_odds") for name, row in table["confidence"]["curves"].items()},
        confidence_sd=float(table["confidence"]["sd"]),
        occlusion={name: (float(row["noise"]), float(row["follow"])) for name, row in table["occlusion"].items()},
        modes=_single(arrays["modes"]),
        mixes=_single(arrays["mixes"]),
        reading=_single(arrays["reading"]),
        read_from=np.asarray(arrays["read_from"], np.intp),
        response=_single(arrays["response"]),
        person_mix=_single(arrays["person_mix"]),
        turn_slope=_single(arrays["turn_slope"]),
        turn_spread=float(table["turn_spread"]),
        hidden_shift={name: _single(arrays[f"hidden_{name}"]) for name in table["occlusion"]},
        fit=table["fit"],
        provenance=table["provenance"],
    )


def _factor(row: Mapping[str, Any], names: list[str]) -> Factor:
    added = np.stack([np.array(row["added_percent2"][name], float) for name in names], axis=-1)
    return Factor(np.array(row["knots"], float), added)


def _curve(row: Mapping[str, Any], key: str) -> tuple[Floats, Floats]:
    return np.array(row["knots"], float), np.array(row[key], float)


def _single(array: NDArray[Any]) -> FloatArray:
    return np.ascontiguousarray(array, np.float32)


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise NoiseModelError(path, f"{path.stat().st_size} bytes", f"at most {LARGEST_BYTES}")
        table = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NoiseModelError(path, str(error.strerror), "a JSON file that can be read") from error
    except ValueError as error:
        raise NoiseModelError(path, f"no JSON ({error})", "a noise model") from error
    if not isinstance(table, dict):
        raise NoiseModelError(path, f"JSON of a {type(table).__name__}", "a noise model")
    return table


def _read_arrays(path: Path, entry: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """The arrays beside the JSON, only if they are those it was written with."""
    beside = path.parent / Path(entry["file"]).name
    try:
        if beside.stat().st_size > LARGEST_BYTES:
            raise NoiseModelError(beside, f"{beside.stat().st_size} bytes", f"at most {LARGEST_BYTES}")
        if hashlib.sha256(beside.read_bytes()).hexdigest() != entry["sha256"]:
            raise NoiseModelError(beside, "other content than it was written with", f"SHA-256 {entry['sha256']}")
        with np.load(beside, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except OSError as error:
        raise NoiseModelError(beside, str(error.strerror or error), "the arrays that the JSON file names") from error


def _checked(path: Path, model: NoiseModel) -> NoiseModel:
    """The shapes that `observe` relies on."""
    count, parts, sizes = len(model.modes), len(model.parts), (len(model.sizes_px), len(model.grains))
    read = (len(model.reading), len(model.read_from), 3)
    expected: dict[str, tuple[NDArray[Any], tuple[int, ...]]] = {
        "modes": (model.modes, (count, POINTS, 3)),
        "mixes": (model.mixes, (parts, count, count)),
        "amplitude": (model.variance, (*sizes, parts)),
        "reading": (model.reading, read),
        "response": (model.response, (read[0], count)),
        "person_mix": (model.person_mix, (count, count)),
        "turn_slope": (model.turn_slope, (2, 2, count)),
    }
    for name, (array, shape) in expected.items():
        if array.shape != shape:
            raise NoiseModelError(path, f"{name} of shape {array.shape}", f"{shape}")
        if not np.isfinite(array).all():
            raise NoiseModelError(path, f"{name} with values that are not finite", "finite numbers")
    for part in model.parts:
        if not (abs(part.pole) < 1.0 and (part.time_s is None or part.time_s > 0.0) and part.order in (1, 2)):
            raise NoiseModelError(path, f"part {part}", "a pole between -1 and 1, a time above 0 s, order 1 or 2")
    return model

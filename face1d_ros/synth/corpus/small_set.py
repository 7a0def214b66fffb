"""Sequences in few bytes, for a test set that ships with the package; one compressed file of plain numbers.

Clean points are kept in the head's own frame: the expression's coefficients with the (K, N, 3) shapes that they weigh,
and what is left, in 1/128 mm. The pose puts them back. Observed points are kept as their distance from the clean ones,
turned upright and in units of the face's size, along the directions in which all sequences together vary most, and what
is left of it, in 1/32 px (so off by 1/64 px at most). The directions only save room: with others more would be left.
"""

from __future__ import annotations

import json
import lzma
import zipfile
from collections.abc import Iterator
from collections.abc import Sequence as Many
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import CorpusError
from face1d_ros.synth.camera import project
from face1d_ros.synth.corpus.fixed_point import Fixed
from face1d_ros.synth.plan_json import plan_json, read_plan
from face1d_ros.synth.sequence import Sequence, SequencePlan, placed, rotations
from face1d_ros.types import FloatArray, Topology

FORMAT = 1
INFO, PLANS, HIDDEN = "info", "plans", "occluded"
SHAPES, DIRECTIONS = "shapes", "directions"
LARGEST_BYTES = 1 << 30
"""Unpacked."""
MOST_DIRECTIONS = 80
FIXED = {
    "shape_rest": Fixed(1 / 128),
    "error_weights": Fixed(2e-4),
    "error_rest": Fixed(1 / 32, differences=False),
    "point_confidence": Fixed(1 / 256),
    "expression": Fixed(1 / 8192),
    "gaze_rad": Fixed(1 / 8192),
    "intensity": Fixed(1 / 8192),
    "confidence": Fixed(1 / 8192),
}
EXACT = ("stamps_s", "yaw_pitch_roll_rad", "translation_mm", "seen", "present", "label", "phase", "motion_id")
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Shared:
    """What all sequences of a file have in common; N points, K coefficients, R directions."""

    topology: Topology
    expression_names: tuple[str, ...]
    shapes: FloatArray
    """(K, 3 N) mm"""
    directions: FloatArray
    """(R, 3 N), each of length 1."""

    def tail(self, field: str) -> tuple[int, ...]:
        """Shape of one frame."""
        flat = 3 * int(self.topology)
        sizes = {"shape_rest": flat, "error_rest": flat, "error_weights": len(self.directions), "gaze_rad": 2}
        sizes |= {"point_confidence": int(self.topology), "expression": len(self.expression_names)}
        return (sizes[field],) if field in sizes else ()


def write_sequences(path: Path, sequences: Many[Sequence], shapes_mm: FloatArray) -> None:
    """Sequences of one topology into a file, made by a model with these expression shapes (K, N, 3)."""
    first = sequences[0]
    shapes = shapes_mm.reshape(len(shapes_mm), -1).astype(np.float16).astype(np.float32)
    directions = _directions(sequences).astype(np.float16).astype(np.float32)
    shared = Shared(first.topology, first.expression_names, shapes, directions)
    info = {"format": FORMAT, "points": int(first.topology), "expression_names": list(first.expression_names)}
    info["frames"] = [len(sequence) for sequence in sequences]
    rows = [_coded(shared, sequence) for sequence in sequences]
    plans = "\n".join(plan_json(sequence.plan) for sequence in sequences)
    content: Arrays = {INFO: _bytes(json.dumps(info)), PLANS: _bytes(plans)}
    content |= {SHAPES: shapes.astype(np.float16), DIRECTIONS: directions.astype(np.float16)}
    content |= {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    with zipfile.ZipFile(path, "w") as archive:
        for name, values in content.items():
            _add(archive, name, values)


def read_sequences(path: Path) -> tuple[Sequence, ...]:
    """What `write_sequences` wrote."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST_BYTES:
                raise CorpusError(
                    f"'{path}' unpacks to over {LARGEST_BYTES >> 30} GB; expected a small set of sequences"
                )
        with np.load(path, allow_pickle=False) as arrays:
            content = {name: arrays[name] for name in arrays.files}
        info = json.loads(content[INFO].tobytes())
        if info["format"] != FORMAT:
            raise CorpusError(f"'{path}': format {info['format']}, expected {FORMAT}; install matching versions")
        return tuple(_sequences(info, content))
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, lzma.LZMAError) as error:
        raise CorpusError(f"'{path}' is no set of sequences ({error}); install the package again") from error


def _coded(shared: Shared, sequence: Sequence) -> Arrays:
    """All fields of a sequence as bytes or as they are, those in fixed point as the reader will have them."""
    whole = {name: FIXED[name].whole(name, getattr(sequence, name)) for name in FIXED if hasattr(sequence, name)}
    expression = FIXED["expression"].value(whole["expression"])
    turn = rotations(sequence.yaw_pitch_roll_rad)
    shape_mm = np.matmul(sequence.points_mm - sequence.translation_mm[:, None], turn).reshape(len(sequence), -1)
    whole["shape_rest"] = FIXED["shape_rest"].whole("shape_rest", shape_mm - expression @ shared.shapes)
    clean = _clean(shared, whole["shape_rest"], expression, sequence.yaw_pitch_roll_rad, sequence.translation_mm)
    clean_px = project(clean, sequence.plan.camera)
    upright, size = _upright(sequence, clean_px)
    whole["error_weights"] = FIXED["error_weights"].whole("error_weights", upright @ shared.directions.T)
    along = FIXED["error_weights"].value(whole["error_weights"]) @ shared.directions
    whole["error_rest"] = FIXED["error_rest"].whole("error_rest", (upright - along) * size)
    coded = {name: FIXED[name].coded(values) for name, values in whole.items()}
    coded |= {name: np.ascontiguousarray(getattr(sequence, name)) for name in EXACT}
    return coded | {HIDDEN: np.packbits(sequence.occluded, axis=1)}


def _sequences(info: dict[str, Any], content: Arrays) -> Iterator[Sequence]:
    names = tuple(info["expression_names"])
    basis = (content[name].astype(np.float32) for name in (SHAPES, DIRECTIONS))
    shared = Shared(Topology(info["points"]), names, *basis)
    plans = content[PLANS].tobytes().decode("ascii").split("\n")
    start = 0
    for frames, plan in zip(info["frames"], plans, strict=True):
        part = slice(start, start + frames)
        arrays: Arrays = {name: content[name][part] for name in EXACT}
        hidden = np.unpackbits(content[HIDDEN][part], axis=1, count=int(shared.topology))
        arrays[HIDDEN] = hidden.view(np.bool_)
        for name, how in FIXED.items():
            tail = shared.tail(name)
            size = 2 * int(np.prod(tail, dtype=np.int64))
            whole = how.decoded(content[name][size * start : size * part.stop], (frames, *tail))
            arrays[name] = whole if name == "shape_rest" else how.value(whole)
        yield _sequence(shared, read_plan(SequencePlan, plan), arrays)
        start = part.stop


def _sequence(shared: Shared, plan: SequencePlan, arrays: Arrays) -> Sequence:
    turn, place = arrays["yaw_pitch_roll_rad"], arrays["translation_mm"]
    points_mm = _clean(shared, arrays.pop("shape_rest"), arrays["expression"], turn, place)
    observed = project(points_mm, plan.camera)
    error: FloatArray = arrays.pop("error_weights") @ shared.directions
    error *= _size(observed)[:, None]
    error += arrays.pop("error_rest")
    observed += _turned(error.reshape(observed.shape), turn[:, 2])
    observed[~arrays["seen"]] = np.nan
    return Sequence(plan, shared.topology, shared.expression_names, observed=observed, points_mm=points_mm, **arrays)


def _clean(
    shared: Shared, rest: NDArray[np.int16], expression: FloatArray, turn: FloatArray, place: FloatArray
) -> FloatArray:
    """(T, N, 3) mm in the optical frame."""
    shape = expression @ shared.shapes
    shape += FIXED["shape_rest"].value(rest)
    return placed(shape.reshape(len(shape), -1, 3), turn, place)


def _upright(sequence: Sequence, clean_px: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(T, 3 N) errors turned against the roll, in sizes of the face, 0 where nothing was seen; and (T, 1) sizes, px."""
    error: FloatArray = sequence.observed - clean_px
    error[~sequence.seen] = 0.0
    size = _size(clean_px)[:, None]
    return _turned(error, np.negative(sequence.yaw_pitch_roll_rad[:, 2])).reshape(len(error), -1) / size, size


def _size(points_px: FloatArray) -> FloatArray:
    """(T,) the larger side of the landmarks' box."""
    x, y = (np.ascontiguousarray(points_px[..., axis]) for axis in (0, 1))
    return np.maximum(x.max(axis=1) - x.min(axis=1), y.max(axis=1) - y.min(axis=1))


def _turned(vectors: FloatArray, angle_rad: FloatArray) -> FloatArray:
    """(T, N, 3) turned in the image plane."""
    cos, sin = np.cos(angle_rad)[:, None], np.sin(angle_rad)[:, None]
    turned = np.empty_like(vectors)
    turned[..., 2] = vectors[..., 2]
    turned[..., 0] = cos * vectors[..., 0] - sin * vectors[..., 1]
    turned[..., 1] = sin * vectors[..., 0] + cos * vectors[..., 1]
    return turned


def _directions(sequences: Many[Sequence]) -> FloatArray:
    """(R, 3 N) in which the errors of all sequences vary most."""
    flat = 3 * int(sequences[0].topology)
    spread = np.zeros((flat, flat), np.float32)
    for sequence in sequences:
        errors, _ = _upright(sequence, sequence.clean_px)
        spread += errors.T @ errors
    _, directions = np.linalg.eigh(spread)
    return np.ascontiguousarray(directions[:, ::-1][:, : min(MOST_DIRECTIONS, flat)].T, np.float32)


def _bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode("ascii"), np.uint8)


def _add(archive: zipfile.ZipFile, name: str, values: NDArray[Any]) -> None:
    """Without the time of its making: the same sequences give the same bytes."""
    stream = BytesIO()
    np.save(stream, values, allow_pickle=False)
    archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), stream.getvalue(), zipfile.ZIP_LZMA)

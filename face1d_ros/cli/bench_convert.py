"""`face1d bench convert`: what it costs to turn arrays into messages and back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import click
import numpy as np

from face1d_ros.cli.tables import print_measurement
from face1d_ros.convert import from_message, to_message
from face1d_ros.evaluate.measurement import Measurement, Row, Target, conditions
from face1d_ros.types import (
    FaceExpression,
    FaceExpressionArray,
    FaceIdentity,
    FaceIdentityArray,
    FaceLandmarks,
    FaceLandmarksArray,
    FaceMesh,
    FaceMeshArray,
    Header,
    StageInfo,
    Topology,
)

SEED = 1
FACES = (1, 4, 8)
LARGEST = Topology.MESH_478
WARM_UP_ROUNDS = 20
COEFFICIENTS = 52
LABELS = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
HEADER = Header(1_700_000_000_123_456_789, "camera_optical_frame")
INFO = StageInfo("bench", "none", "none", 0.001, 1, 1, 0)


@click.command("convert")
@click.option("--json", "path", type=click.Path(dir_okay=False), help="Write the measurement to this file.")
@click.option("--rounds", type=click.IntRange(1, 1_000_000), default=500, show_default=True)
def command(path: str | None, rounds: int) -> None:
    """Time every array message, from arrays and back, for 1, 4 and 8 faces.

    The rounds go through all cases in turn, so that a disturbance of the machine meets each of them.
    """
    measurement = measure(rounds)
    print_measurement(measurement, "Milliseconds for one frame, from arrays to a message and back")
    if path:
        measurement.write_json(path)
        click.echo(f"wrote {path}")


def measure(rounds: int) -> Measurement:
    """All cases, interleaved."""
    values = list(cases(np.random.default_rng(SEED)))
    messages = [to_message(value) for _, value in values]
    times_s = np.empty((2, len(values), rounds))
    for index in range(-WARM_UP_ROUNDS, rounds):
        for case, ((_, value), message) in enumerate(zip(values, messages, strict=True)):
            to_s, from_s = timed_s(to_message, value), timed_s(from_message, message)
            if index >= 0:
                times_s[:, case, index] = to_s, from_s
    rows = [{**case, **_percentiles(*times_s[:, index])} for index, (case, _) in enumerate(values)]
    return Measurement(
        "bench convert",
        conditions(seed=SEED, rounds=rounds, interleaved=True),
        rows,
        {"convert.ms": Target(worst_p50_ms(rows), 0.2)},
    )


def worst_p50_ms(rows: list[dict[str, Any]]) -> float:
    """The target's own value: one face of 478 points, the slower of both ways."""
    row = next(row for row in rows if row["points"] == int(LARGEST) and row["faces"] == 1)
    return float(max(row["to_p50_ms"], row["from_p50_ms"]))


def cases(rng: np.random.Generator) -> Iterator[tuple[Row, Any]]:
    """What is converted: a row's first columns, and a frame with every sequence filled."""
    for topology in (Topology.FACE_68, Topology.MESH_468, LARGEST):
        for count in FACES:
            landmarks = tuple(_landmarks(rng, topology, index) for index in range(count))
            frame = FaceLandmarksArray(HEADER, 640, 480, landmarks, (), INFO)
            yield _case(frame, count, int(topology)), frame
    names = tuple(f"coefficient_{index}" for index in range(COEFFICIENTS))
    for count in FACES:
        mesh = FaceMeshArray(HEADER, "basis 1", "0" * 64, names, tuple(_mesh(rng) for _ in range(count)), (), INFO)
        yield _case(mesh, count), mesh
        faces = tuple(FaceExpression(probabilities=_random(rng, len(LABELS))) for _ in range(count))
        expression = FaceExpressionArray(HEADER, LABELS, (), faces, info=INFO)
        yield _case(expression, count), expression
        identity = FaceIdentityArray(HEADER, (FaceIdentity(),) * count, (), INFO)
        yield _case(identity, count), identity


def timed_s(function: Callable[[Any], Any], argument: Any) -> float:
    """Seconds of one call."""
    began_s = time.perf_counter()
    function(argument)
    return time.perf_counter() - began_s


def _case(frame: Any, faces: int, points: int | None = None) -> Row:
    return {"message": type(frame).__name__, "points": points, "faces": faces}


def _percentiles(to_s: Any, from_s: Any) -> dict[str, float]:
    return {
        f"{way}_p{percent}_ms": float(np.percentile(times_s, percent) * 1e3)
        for way, times_s in (("to", to_s), ("from", from_s))
        for percent in (50, 95, 99)
    }


def _landmarks(rng: np.random.Generator, topology: Topology, track_id: int) -> FaceLandmarks:
    points = rng.uniform(0, 640, (int(topology), 3)).astype(np.float32)
    return FaceLandmarks(
        points=points,
        topology=topology,
        track_id=track_id + 1,
        point_confidence=_random(rng, len(points)),
        blendshapes=_random(rng, 52),
        box=_random(rng, 4),
    )


def _mesh(rng: np.random.Generator) -> FaceMesh:
    return FaceMesh(
        identity=_random(rng, COEFFICIENTS),
        identity_stddev=_random(rng, COEFFICIENTS),
        expression=_random(rng, COEFFICIENTS),
    )


def _random(rng: np.random.Generator, count: int) -> Any:
    return rng.random(count, np.float32)

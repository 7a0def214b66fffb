"""Bad input through the expression stage: nothing unsound comes out, nothing grows, good frames are good at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import mesh_faces
import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

from expression_faces import ACTIONS, LABELS, REST, STEP_NS, frame, stage_of, wandering, write_expression

from face1d_ros.convert.bag import to_bytes
from face1d_ros.stages.expression import ExpressionStage
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set, select
from face1d_ros.types import FaceExpression, FaceExpressionArray, Phase, Topology

FRAMES = 30
MOST_IDS = 12
INPUTS = ("mesh", "landmarks")
Change = Callable[[np.ndarray, np.random.Generator], None]
Spoil = Callable[[Any, int], Any]


def with_values(change: Change) -> Spoil:
    """Changes the coefficients of a mesh's face, or the landmarks of another."""

    def spoil(given: Any, index: int) -> Any:
        face = given.faces[0]
        name = "points" if hasattr(face, "points") else "expression"
        values = getattr(face, name).copy()
        change(values, np.random.default_rng(index))
        return with_faces(given, dataclasses.replace(face, **{name: values}))

    return spoil


def with_faces(given: Any, *faces: Any) -> Any:
    return dataclasses.replace(given, faces=faces)


def at(step: Callable[[int], int]) -> Spoil:
    """As if a frame had come this number of frames after the beginning."""

    def spoil(given: Any, index: int) -> Any:
        stamp_ns = mesh_faces.BEGIN_NS + STEP_NS * step(index)
        return dataclasses.replace(given, header=dataclasses.replace(given.header, stamp_ns=stamp_ns))

    return spoil


def one(value: float) -> Spoil:
    return with_values(lambda values, rng: values.reshape(-1).__setitem__(rng.integers(values.size), value))


def many(given: Any, index: int) -> Any:
    """Up to 13 faces, some ids twice, others from frame to frame."""
    faces = (dataclasses.replace(given.faces[0], track_id=1 + (number + index) % 11) for number in range(index % 14))
    return with_faces(given, *faces)


def with_fields(**fields: Any) -> Spoil:
    return lambda given, _: with_faces(given, dataclasses.replace(given.faces[0], **fields))


BOTH: dict[str, Spoil] = {
    "nan": one(np.nan),
    "infinite": one(np.inf),
    "huge": one(3e38),
    "negative": with_values(lambda values, _: values.__imul__(-1.0)),
    "noise": with_values(lambda values, rng: np.copyto(values, rng.normal(0.0, 300.0, values.shape))),
    "a new id in every frame": lambda given, index: with_fields(track_id=index + 1)(given, index),
    "no id": with_fields(track_id=0),
    "many faces and ids twice": many,
    "one stamp": at(lambda _: 1000),
    "backward": at(lambda index: 1000 - index),
    "to and fro": at(lambda index: 100_000 * (index % 2) + index),
}
OF_MESH: dict[str, Spoil] = {
    "no coefficients": with_fields(expression=np.zeros(0, np.float32)),
    "too few coefficients": with_fields(expression=np.zeros(2, np.float32)),
    "other names": lambda given, _: dataclasses.replace(given, expression_names=("a", "b", "c")),
    "from end to end": with_values(lambda values, rng: np.copyto(values, rng.integers(0, 2, values.shape))),
}
OF_LANDMARKS: dict[str, Spoil] = {
    "nearly a point": with_values(lambda values, _: values.__imul__(1e-5)),
    "no confidence": with_fields(confidence=np.nan),
    "confidence beyond 1": with_fields(confidence=7.0),
    "another topology": with_fields(topology=Topology.FACE_68),
    "no image size": lambda given, _: dataclasses.replace(given, image_width=0, image_height=0),
}
SPOILED = [(given, name) for given, own in zip(INPUTS, (OF_MESH, OF_LANDMARKS), strict=True) for name in BOTH | own]


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ExpressionStage]]:
    folder = tmp_path_factory.mktemp("bundles")
    made = {given: stage_of(write_expression(folder / given, given), given) for given in INPUTS}
    yield made
    for stage in made.values():
        stage.close()


@pytest.fixture(scope="module")
def good() -> dict[str, list[Any]]:
    """Frames of one face, with the id 1."""
    sequence = select(load_small_test_set(), "mesh")[0]
    landmarks = [mesh_faces.frame(sequence, index) for index in mesh_faces.seen(sequence)[:FRAMES]]
    return {"mesh": [frame(0, (1, row)) for row in wandering(FRAMES, 1)], "landmarks": landmarks}


def is_sound(said: FaceExpressionArray) -> bool:
    return all(map(_is_sound, said.faces)) and all(0 < event.began_ns <= said.header.stamp_ns for event in said.events)


def _is_sound(face: FaceExpression) -> bool:
    """All is known, within bounds, and whole."""
    numbers = [face.confidence, face.none_probability, face.intensity, face.phase_confidence]
    known = np.concatenate([face.probabilities, face.actions, numbers])
    return (
        len(known) == len(LABELS) + len(ACTIONS) + len(numbers)
        and bool(((known >= -1e-4) & (known <= 1.0 + 1e-4)).all())
        and abs(face.probabilities.sum() + face.none_probability - 1.0) < 1e-4
        and face.label in (*LABELS, "none")
        and face.phase is not Phase.UNKNOWN
        and not face.since_onset_s < 0.0
    )


@pytest.mark.parametrize(("given", "name"), SPOILED)
def test_nothing_unsound_comes_out_and_the_next_good_frame_is_answered(
    stages: dict[str, ExpressionStage], good: dict[str, list[Any]], given: str, name: str
) -> None:
    stage, spoil = stages[given], (BOTH | OF_MESH | OF_LANDMARKS)[name]
    stage.reset()
    stage.process(at(lambda _: 0)(good[given][0], 0))
    for index in range(FRAMES):
        said = stage.process(spoil(at(lambda i: 1 + i)(good[given][index], index), index))
        assert is_sound(said), said
        assert to_bytes(said)
    assert len(stage._tracks) <= (FRAMES + 1 if name == "a new id in every frame" else MOST_IDS)
    long_after = at(lambda _: 10**6)(good[given][0], 0)
    (face,) = stage.process(long_after).faces
    assert face.track_id == 1 and len(stage._tracks) == 1


@pytest.mark.parametrize("name", ["nan", "infinite", "huge", "negative", "no coefficients", "other names"])
def test_a_damaged_frame_leaves_no_trace_in_the_ones_after_it(
    stages: dict[str, ExpressionStage], good: dict[str, list[Any]], name: str
) -> None:
    """But for the time that has passed: the network has not seen the face in between, its neutral stays."""
    stage, frames = stages["mesh"], [at(lambda i: i)(one, index) for index, one in enumerate(good["mesh"])]
    said = []
    for between in ((BOTH | OF_MESH)[name](frames[9], 9), with_faces(frames[9])):
        stage.reset()
        for before in frames[:9]:
            stage.process(before)
        assert stage.process(between).faces == ()
        said.append(np.array([stage.process(after).faces[0].probabilities for after in frames[10:]]))
    np.testing.assert_array_equal(*said)


@pytest.mark.parametrize("given", INPUTS)
def test_frames_without_faces_stay_frames(
    stages: dict[str, ExpressionStage], good: dict[str, list[Any]], given: str
) -> None:
    stages[given].reset()
    empty = with_faces(good[given][0])
    said = stages[given].process(empty)
    assert said.faces == said.events == () and said.header is empty.header and said.labels == LABELS


def test_faces_that_are_never_seen_again_are_forgotten(stages: dict[str, ExpressionStage]) -> None:
    stage, most = stages["mesh"], 0
    stage.reset()
    for index in range(300):
        stage.process(frame(index, (index + 1, REST)))
        most = max(most, int(str(stage.diagnostics()["faces remembered"])))
    assert 50 < most < 70, "those of the last two seconds at 30 Hz"

"""Stages that look at images beside their input are shown each frame, before its landmarks come to them."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stages.appearance_bundles import portrait, write_embedder
from stages.identity_faces import JAW, RATE_HZ, face, motion, moving, resting, wish, write_encoder

from face1d_ros.config import IdentityConfig
from face1d_ros.graph import IDENTITY, IDENTITY_RESULT, LANDMARKS, SMOOTHING
from face1d_ros.replay.pipeline import Pipeline, Step
from face1d_ros.stages.identity import IdentityStage
from face1d_ros.types import Decision, FaceLandmarksArray, Factor, Frame, Header, StageInfo

NS = 1_000_000_000
BOTH = Factor.MOTION | Factor.APPEARANCE


class Detector:
    """Knows where the face is from the frame's number."""

    name = "landmarks"

    def __init__(self) -> None:
        self.clip: list[Any] = []

    def process(self, frame: Frame) -> FaceLandmarksArray:
        return FaceLandmarksArray(frame.header, 640, 480, (face(self.clip[int(frame.header.frame_id)]),))

    def close(self) -> None: ...


class Ahead:
    """Gives what came so many frames before, as smoothers do that look ahead."""

    name = "smoothing"

    def __init__(self, frames: int) -> None:
        self._waiting: list[FaceLandmarksArray] = []
        self._frames = frames

    def process(self, value: FaceLandmarksArray) -> FaceLandmarksArray | None:
        self._waiting.append(value)
        if len(self._waiting) <= self._frames:
            return None
        return dataclasses.replace(self._waiting.pop(0), info=StageInfo("smoothing"))

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("bundles")
    return write_encoder(folder / "deformation"), write_embedder(folder / "projection")


@pytest.mark.parametrize("ahead", [0, 5])
def test_a_person_is_enrolled_and_verified_by_both_however_far_smoothing_looks_ahead(
    models: tuple[Path, Path], tmp_path: Path, ahead: int
) -> None:
    encoder, embedder = map(str, models)
    config = IdentityConfig(
        gallery=str(tmp_path / "gallery"),
        key=str(tmp_path / "gallery.key"),
        model=encoder,
        appearance_model=embedder,
        engine="onnxruntime",
    )
    detector, stage = Detector(), IdentityStage(config)
    steps = [Step(LANDMARKS, detector), Step(SMOOTHING, Ahead(ahead)), Step(IDENTITY, stage)]  # type: ignore[arg-type]
    with closing(Pipeline(steps)) as pipeline:

        def play(clip: list[Any], person: int) -> Any:
            for points in clip:
                detector.clip.append(points)
                number = len(detector.clip)
                header = Header(number * round(NS / RATE_HZ), str(number - 1))
                values = pipeline.process(Frame(header, portrait(person) if person else np.zeros((2, 2, 3), np.uint8)))
            return values[IDENTITY_RESULT.name].faces[0]

        play(resting(0.5), 1)
        enrolment = stage.enrol(wish())
        play([*resting(), *moving(JAW), *resting(1.4), *moving(JAW), *resting(1.6)], 1)
        handle = stage.store(enrolment).subject
        for person, decision in ((1, Decision.VERIFIED), (2, Decision.REJECTED)):
            stage.verify(handle)
            told = play([*motion(JAW), *resting(0.3)], person)
            assert (told.decision, told.factors) == (decision, BOTH)

"""A landmark stage that goes on from a saved state gives what it would have given, to the last bit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from detector_pictures import astronaut, grey_with_faces
from numpy.typing import NDArray

from face1d_ros.config import LandmarksConfig
from face1d_ros.convert.bag import to_bytes
from face1d_ros.detect.regions import Region
from face1d_ros.errors import DetectorError
from face1d_ros.sources.portrait import AnimatedPortrait
from face1d_ros.stages.landmarks import LandmarksStage
from face1d_ros.types import FaceLandmarks, Frame, Header

STEP_NS = 33_000_000
FRAMES = 24


def scenes() -> Iterator[Frame]:
    """A face that moves, none, then two others and a third that comes: searching, losing, waiting in turn."""
    portrait = AnimatedPortrait(width=640, height=480, length=8)
    images: list[NDArray[np.uint8]] = [frame.image for frame in portrait.frames()]
    images += [np.full_like(images[0], 90)] * 4
    two = grey_with_faces((150, 130, 100), (480, 130, 60))
    three = grey_with_faces((150, 130, 100), (480, 130, 60), (320, 350, 140))
    images += [two] * 6 + [three] * 6
    for index, image in enumerate(images):
        yield Frame(Header(index * STEP_NS, "camera"), image)


def processed(stage: LandmarksStage, frames: list[Frame]) -> list[bytes]:
    return [to_bytes(stage.process(frame)) for frame in frames]


@pytest.mark.parametrize("detection_range", ["short", "full"])
def test_it_goes_on_in_another_detector(detection_range: str) -> None:
    config = LandmarksConfig(detection_range=detection_range, min_face_px=16.0)
    frames = list(scenes())
    assert len(frames) == FRAMES
    states: list[str] = []
    wanted: list[bytes] = []
    counts: list[int] = []
    with closing(LandmarksStage(config)) as whole:
        for frame in frames:
            result = whole.process(frame)
            wanted.append(to_bytes(result))
            counts.append(len(result.faces))
            states.append(json.dumps(whole.state()))
    assert set(counts) >= {0, 1, 2, 3}
    assert set(counts) >= {0, 1, 2, 3}
    with closing(LandmarksStage(config)) as other:
        processed(other, frames[:5])
        for split in (0, 3, 8, 10, 13, 19):
            other.restore(json.loads(states[split]))
            assert json.dumps(other.state()) == states[split]
            assert processed(other, frames[split + 1 :]) == wanted[split + 1 :]


def test_regions_hold_numbers_that_json_loses_nothing_of() -> None:
    with closing(LandmarksStage(LandmarksConfig())) as stage:
        stage.process(Frame(Header(), astronaut()))
        state = stage.state()
    assert state is not None
    (region,) = state["detector"]["regions"]
    assert [type(value) for value in region] == [float] * 4
    assert Region(*json.loads(json.dumps(region))) == Region(*region)


class Forgetful:
    """A detector that keeps what it knows to itself."""

    model = "one that tells nothing"

    def detect(self, image: NDArray[np.uint8]) -> tuple[FaceLandmarks, ...]:
        return ()

    def reset(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def test_a_detector_that_cannot_tell_makes_a_stage_without_state() -> None:
    stage = LandmarksStage(LandmarksConfig(), Forgetful())
    stage.process(Frame(Header(), np.zeros((48, 64, 3), np.uint8)))
    assert stage.state() is None
    state: dict[str, Any] = {"stamp_ns": 0, "detector": {}, "tracker": {}}
    with pytest.raises(DetectorError, match=r"one that tells nothing cannot go on .*begin with the first frame"):
        stage.restore(state)

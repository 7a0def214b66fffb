"""Which half of a face moves less, whichever way the head looks."""

from __future__ import annotations

import numpy as np
import pytest

from face1d_ros.errors import InvalidValueError
from face1d_ros.geometry import asymmetry
from face1d_ros.geometry.asymmetry import AsymmetryMeter
from face1d_ros.geometry.asymmetry_signals import MOTIONS, REGIONS, signals
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.topology import curve, indices_in, partner
from face1d_ros.types import FaceAsymmetry, Side, Topology

HZ = 30.0
EYE, BROW = (REGIONS.index(name) for name in ("eye", "brow"))
TOPOLOGIES = (Topology.FACE_68, Topology.MESH_468, Topology.MESH_478)
OFF = {Topology.FACE_68: 0.2, Topology.MESH_468: 0.12, Topology.MESH_478: 0.06}
"""Lids that are moved straight down are no blink of the face model; few points tell less of what else they may be."""


def face_at(topology: Topology, left: float, right: float) -> np.ndarray:
    """The canonical face with both eyes shut so far, from 0 to 1."""
    points = canonical_face().points_cm[indices_in(topology, Topology.MESH_478)].copy()
    for side, shut in (("left", left), ("right", right)):
        upper, lower = (curve(f"{side}_{edge}_lid", topology).indices[1:-1] for edge in ("upper", "lower"))
        points[upper, 1] += shut * (points[lower, 1] - points[upper, 1]).mean()
    return points


def blinks(seconds: float = 8.0) -> np.ndarray:
    """(T,) three blinks in two seconds."""
    return np.clip(np.sin(np.arange(round(seconds * HZ)) / HZ * 3 * np.pi), 0.0, 1.0) ** 4


def after(
    left: float,
    right: float,
    topology: Topology = Topology.MESH_478,
    *,
    yaw_rad: float = 0.0,
    noise_cm: float = 0.01,
    lean: float = 0.0,
    mirrored: bool = False,
) -> FaceAsymmetry:
    """What is said of a face that blinks so strongly while the head turns to and fro.

    `lean`: how many centimetres the left eye seems to open for each radian of yaw, a fault of the detector.
    """
    rng, meter, said = np.random.default_rng(5), AsymmetryMeter(topology), FaceAsymmetry()
    other = partner(topology)
    for index, shut in enumerate(blinks()):
        yaw = yaw_rad * np.sin(index / HZ * 1.3)
        points = face_at(topology, left * shut, right * shut)
        points[curve("left_upper_lid", topology).indices[1:-1], 1] -= lean * yaw
        points += rng.normal(scale=noise_cm, size=points.shape)
        if mirrored:
            points, yaw = points[other] * (-1.0, 1.0, 1.0), -yaw
        said = meter.update(points, np.array([yaw, 0.0, 0.0]), 1 / HZ if index else 0.0)
    return said


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_a_mirrored_face_swaps_the_signals(topology: Topology):
    points = canonical_face().points_cm[indices_in(topology, Topology.MESH_478)]
    moved = points + np.random.default_rng(1).normal(scale=0.1, size=points.shape)
    read = signals(topology)
    left, right = np.split(read.of(moved), 2)
    mirrored = np.split(read.of(moved[partner(topology)] * (-1.0, 1.0, 1.0)), 2)
    np.testing.assert_allclose(mirrored, (right, left), atol=1e-9)
    assert len(read.region) == len(MOTIONS) and set(read.region.tolist()) == set(range(len(REGIONS)))


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_shutting_an_eye_is_the_strongest_signal_of_its_side(topology: Topology):
    read, blink = signals(topology), MOTIONS.index("eyeBlink")
    change = read.of(face_at(topology, 1.0, 0.0)) - read.of(face_at(topology, 0.0, 0.0))
    assert change.argmax() == blink
    assert abs(change[len(MOTIONS) + blink]) < 0.2 * change[blink]


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("kept", [0.1, 0.4, 0.7])
def test_the_index_is_how_much_less_a_side_moves(topology: Topology, kept: float):
    said = after(kept, 1.0, topology)
    assert said.motion[EYE] == pytest.approx(-(1.0 - kept) / (1.0 + kept), abs=OFF[topology])
    assert said.weaker_side is Side.LEFT
    assert said.overall == pytest.approx((1.0 - kept) / (1.0 + kept), abs=OFF[topology])
    assert 0.3 < said.confidence <= 1.0


def test_a_mirrored_face_is_weaker_on_the_other_side():
    one, other = after(0.4, 1.0), after(0.4, 1.0, mirrored=True)
    assert (one.weaker_side, other.weaker_side) == (Side.LEFT, Side.RIGHT)
    np.testing.assert_allclose(other.motion, -one.motion, atol=1e-6)
    assert other.overall == pytest.approx(one.overall)


@pytest.mark.parametrize("yaw_deg", [0.0, 15.0, 30.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_symmetric_face_has_no_weaker_side_while_the_head_turns(yaw_deg: float, mirrored: bool):
    said = after(1.0, 1.0, yaw_rad=np.radians(yaw_deg), lean=0.3, mirrored=mirrored)
    assert said.weaker_side is Side.NONE and said.overall < 0.08


def test_position_says_which_side_is_away_from_rest_now():
    meter = AsymmetryMeter(Topology.MESH_478)
    for index in range(200):
        meter.update(face_at(Topology.MESH_478, 0.0, 0.0), np.zeros(3), 1 / HZ if index else 0.0)
    for shut in blinks(3.0):
        meter.update(face_at(Topology.MESH_478, shut, shut), np.zeros(3), 1 / HZ)
    wink = meter.update(face_at(Topology.MESH_478, 1.0, 0.0), np.zeros(3), 1 / HZ)
    assert wink.position[EYE] > 0.6 and abs(wink.position[BROW]) < 0.4


def test_what_is_said_is_hardly_older_than_the_frame_and_the_position_is_that_of_the_frame(
    monkeypatch: pytest.MonkeyPatch,
):
    rng = np.random.default_rng(6)
    faces = [face_at(Topology.MESH_478, 0.4 * shut, shut) for shut in blinks()]
    faces = [points + rng.normal(scale=0.01, size=points.shape) for points in faces]

    def said() -> list[FaceAsymmetry]:
        meter = AsymmetryMeter(Topology.MESH_478)
        return [meter.update(points, np.zeros(3), 1 / HZ if index else 0.0) for index, points in enumerate(faces)]

    usual = said()
    monkeypatch.setattr(asymmetry, "JUDGED_EVERY_S", 0.0)
    at_once = said()
    known = [index for index, each in enumerate(at_once) if not np.isnan(each.overall + usual[index].overall)]
    assert len(known) > 100
    for index in known:
        np.testing.assert_array_equal(usual[index].position, at_once[index].position)
        recent = [each.overall for each in at_once[index - round(0.2 * HZ) : index + 1]]
        assert usual[index].overall in recent


def test_nothing_is_said_at_first_nor_of_a_face_that_does_not_move():
    meter = AsymmetryMeter(Topology.FACE_68)
    still = face_at(Topology.FACE_68, 0.0, 0.0)
    said = [meter.update(still, np.zeros(3), 1 / HZ) for _ in range(200)]
    assert {each.weaker_side for each in said} == {Side.UNKNOWN}
    assert np.isnan(said[-1].motion).all()


def test_frames_that_show_one_half_alone_or_are_broken_change_nothing():
    one, other = AsymmetryMeter(Topology.FACE_68), AsymmetryMeter(Topology.FACE_68)
    broken = np.full((68, 3), np.nan)
    for index, shut in enumerate(blinks()):
        points, dt_s = face_at(Topology.FACE_68, 0.5 * shut, shut), 1 / HZ if index else 0.0
        one.update(points, np.zeros(3), dt_s)
        other.update(points, np.zeros(3), dt_s)
        other.update(points * 3.0, np.array([1.2, 0.0, 0.0]), 0.0)
        other.update(broken, np.zeros(3), 0.0)
    points = face_at(Topology.FACE_68, 0.0, 0.0)
    np.testing.assert_array_equal(
        one.update(points, np.zeros(3), 1 / HZ).motion, other.update(points, np.zeros(3), 1 / HZ).motion
    )


def test_time_does_not_run_backwards():
    with pytest.raises(InvalidValueError, match="seconds from 0"):
        AsymmetryMeter(Topology.FACE_68).update(np.zeros((68, 3)), np.zeros(3), -0.1)


def test_what_changed_while_the_face_was_not_seen_is_no_motion():
    meter, still = AsymmetryMeter(Topology.MESH_478), np.zeros(3)
    moving = AsymmetryMeter(Topology.MESH_478)
    for block in range(24):
        points = face_at(Topology.MESH_478, float(block % 2), 0.0)
        for _ in range(12):
            meter.update(points, still, 1 / HZ)
            moving.update(points, still, 1 / HZ)
        said = meter.skip(1.0)
        assert np.isnan(said.position).all()
    assert np.isnan(meter.last.overall) and meter.last.weaker_side is Side.UNKNOWN
    assert moving.last.overall > 0.3 and moving.last.weaker_side is Side.RIGHT

"""The animated portrait: image and truth are one map."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from itertools import islice

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from face1d_ros.errors import ConversionError, InvalidValueError
from face1d_ros.sources.portrait import AnimatedPortrait, PortraitTruth, astronaut
from face1d_ros.sources.portrait_imaging import PortraitImaging
from face1d_ros.sources.portrait_motion import (
    STILL,
    Channels,
    Constant,
    Event,
    PortraitMotion,
    Product,
    Repeat,
    Wave,
    demo_motion,
    ease,
)

POSES = {
    "still": {},
    "head": {"shift_x": 0.2, "shift_y": -0.1, "roll_rad": 0.3, "zoom": 0.15},
    "jaw": {"jaw": 1.0},
    "lips shut": {"lips_closed": 1.0},
    "smile": {"smile_left": 1.0, "smile_right": -1.0},
    "brows": {"brow_left": 1.0, "brow_right": -1.0},
    "eyes": {"eye_closed_left": 1.0, "eye_closed_right": 0.5},
    "all": {
        **{"shift_x": -0.1, "roll_rad": -0.2, "zoom": 0.1, "jaw": 0.6, "lips_closed": 0.5, "smile_left": 0.8},
        **{
            "smile_right": 0.5,
            "brow_left": 0.7,
            "brow_right": 0.9,
            "eye_closed_left": 0.4,
            "eye_closed_right": 0.9,
        },
    },
}
REGIONS = {
    "right eye": (185, 80, 220, 115),
    "left eye": (230, 82, 266, 117),
    "mouth": (198, 132, 250, 160),
    "face": (180, 75, 270, 185),
}


def posed(pose: dict[str, float]) -> PortraitMotion:
    return PortraitMotion(**{name: (Constant(value),) for name, value in pose.items()})


def grid(region: tuple[int, int, int, int], step: float) -> NDArray[np.float64]:
    x, y = np.meshgrid(np.arange(region[0], region[2], step), np.arange(region[1], region[3], step))
    return np.stack([x.ravel(), y.ravel()], axis=1)


@pytest.mark.parametrize("pose", POSES)
def test_move_and_trace_back_are_each_others_reverse(pose: str) -> None:
    truth = AnimatedPortrait(motion=posed(POSES[pose])).truth(0.0)
    points = grid((150, 40, 300, 230), 1.3)
    assert np.abs(truth.trace_back(truth.move(points)) - points).max() < 1e-6


@pytest.mark.parametrize("pose", POSES)
def test_no_pose_folds_the_face(pose: str) -> None:
    truth = AnimatedPortrait(motion=posed(POSES[pose])).truth(0.0)
    assert magnification(truth, grid((150, 40, 300, 230), 0.7)).min() > 0.0


def magnification(truth: PortraitTruth, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frame pixels per pixel of the photo, in area, at each point; negative where the map folds."""
    step = np.eye(2) * 1e-4
    along_x, along_y = ((truth.move(points + one) - truth.move(points)) * 1e4 for one in step)
    area: NDArray[np.float64] = along_x[:, 0] * along_y[:, 1] - along_x[:, 1] * along_y[:, 0]
    return area


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("region", REGIONS)
def test_dots_on_the_photo_land_where_move_says(pose: str, region: str) -> None:
    """Single bright pixels of a black photo, seen in the frame, against their spots pushed through `move`."""
    errors = []
    for dots in dots_apart(REGIONS[region]):
        portrait = AnimatedPortrait(
            width=1280,
            height=960,
            motion=posed(POSES[pose]),
            photo=dotted(dots),
            shadows=False,
            face_height=0.6,
        )
        truth = portrait.truth(0.0)
        image = portrait.image(truth)[..., 0].astype(np.float64)
        errors += [np.hypot(*(centroid(image, place) - place)) for place in expected_centroids(truth, dots)]
    assert len(errors) >= 25
    assert max(errors) < 0.1


def dots_apart(region: tuple[int, int, int, int]) -> list[NDArray[np.float64]]:
    """Dots on whole pixels all over the region, in a few sets within which they are 18 px apart."""
    x0, y0, x1, y1 = region
    return [grid((x0 + dx, y0 + dy, x1, y1), 18.0) for dx in (0, 5, 11) for dy in (0, 4, 9, 13)]


def dotted(dots: NDArray[np.float64]) -> NDArray[np.uint8]:
    photo = np.zeros((512, 512, 3), np.uint8)
    photo[dots[:, 1].astype(int), dots[:, 0].astype(int)] = 250
    return photo


def expected_centroids(truth: PortraitTruth, dots: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """Where the light of each dot's spot goes, by `move` alone.

    The spot is the cubic kernel (a = -0.75) that enlarged the photo, in grey levels, without its negative lobes.
    Left out are dots torn apart where the mouth opens (stretched more than tenfold), and those squeezed between
    closed lids or lips to less than a fifth, too few rows of pixels for a centroid.
    """
    step = 0.1
    around = grid((-2, -2, 2, 2), step) + step / 2.0
    d = np.abs(around)
    kernel = np.where(d < 1.0, (1.25 * d - 2.25) * d**2 + 1.0, -0.75 * (((d - 5.0) * d + 8.0) * d - 4.0))
    spot = np.rint(250.0 * np.maximum(kernel.prod(axis=1), 0.0))
    around, spot = around[spot > 0.0], spot[spot > 0.0]
    for dot in dots:
        points = dot + around
        moved = truth.move(points)
        area = magnification(truth, points)
        if area.max() < 300.0 and area.min() > 6.0:  # 29 at rest
            light = spot * area
            yield (moved * light[:, None]).sum(axis=0) / light.sum()


def centroid(image: NDArray[np.float64], place: NDArray[np.float64], radius_px: int = 30) -> NDArray[np.float64]:
    column, row = np.rint(place).astype(int)
    rows, columns = np.mgrid[row - radius_px : row + radius_px + 1, column - radius_px : column + radius_px + 1]
    window = image[rows, columns]
    return np.array([(columns * window).sum(), (rows * window).sum()]) / window.sum()


def test_the_still_portrait_is_the_photo_enlarged_around_the_face() -> None:
    portrait = AnimatedPortrait(motion=STILL, width=1024, height=1024, face_height=107.0 / 512.0)
    truth = portrait.truth(0.0)
    assert truth.similarity == pytest.approx(np.array([[2.0, 0.0, 511.5 - 449.0], [0.0, 2.0, 511.5 - 247.0]]))
    image = portrait.image(truth)
    x, y = truth.move(np.array([[222.0, 150.0]]))[0]
    assert (x, y) == (506.5, 564.5), "the middle between four pixels"
    seen = image[564:566, 506:508].reshape(-1, 3).mean(axis=0)
    assert seen == pytest.approx(astronaut()[150, 222].astype(float), abs=12.0)


def test_z_is_scaled_with_the_head() -> None:
    truth = AnimatedPortrait(motion=posed({"zoom": 0.5})).truth(0.0)
    scale = math.hypot(*truth.similarity[:, 0])
    assert truth.move(np.array([[200.0, 100.0, 4.0]]))[0, 2] == pytest.approx(4.0 * scale)
    with pytest.raises(ConversionError, match="points"):
        truth.move(np.zeros((3, 4)))


def test_each_side_moves_alone() -> None:
    photo_left, photo_right = grid((226, 60, 290, 230), 2.0), grid((150, 60, 220, 230), 2.0)
    still = AnimatedPortrait(motion=STILL).truth(0.0)
    for name in ("smile", "brow", "eye_closed"):
        for side, own, other in (("left", photo_left, photo_right), ("right", photo_right, photo_left)):
            truth = AnimatedPortrait(motion=posed({f"{name}_{side}": 1.0})).truth(0.0)
            assert np.abs(truth.move(own) - still.move(own)).max() > 5.0
            assert np.abs(truth.move(other) - still.move(other)).max() == 0.0


def test_frames_are_the_same_every_time_and_at_every_rate() -> None:
    noisy = PortraitImaging(noise=4.0, seed=3)
    first, second = (list(AnimatedPortrait(length=6, imaging=noisy).frames()) for _ in range(2))
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, second, strict=True))
    fast = list(AnimatedPortrait(length=12, rate_hz=60.0).frames())
    slow = list(AnimatedPortrait(length=6, rate_hz=30.0).frames())
    for a, b in zip(slow, fast[::2], strict=True):
        assert a.header.stamp_ns == b.header.stamp_ns
        assert np.array_equal(a.image, b.image)


def test_truth_belongs_to_the_frame_beside_it() -> None:
    portrait = AnimatedPortrait(rate_hz=20.0, width=320, height=240)
    for index, (frame, truth) in enumerate(islice(portrait.frames_with_truth(), 5)):
        assert frame.header.stamp_ns == index * 50_000_000
        assert truth.t_s == index / 20.0
        assert np.array_equal(frame.image, portrait.image(portrait.truth(truth.t_s)))
        points = np.array([[220.0, 130.0]])
        assert np.array_equal(portrait.move(points, truth.t_s), truth.move(points))


@pytest.mark.parametrize(("width", "height"), [(64, 64), (640, 480), (1280, 720), (300, 1000)])
def test_any_size_shows_the_face_and_no_black_edges(width: int, height: int) -> None:
    portrait = AnimatedPortrait(width=width, height=height, motion=posed({"shift_x": 1.0, "roll_rad": 0.8}))
    image = portrait.image(portrait.truth(0.0))
    assert image.shape == (height, width, 3)
    assert image[[0, -1]].max() > 60 and image[:, [0, -1]].max() > 60
    top, chin = portrait.truth(0.0).move(np.array([[224.5, 70.0], [224.5, 177.0]]))
    assert np.hypot(*(chin - top)) == pytest.approx(height / 2)


def test_light_noise_and_blur_do_what_they_say() -> None:
    def shot(**imaging: object) -> NDArray[np.float64]:
        portrait = AnimatedPortrait(motion=STILL, imaging=PortraitImaging(**imaging))  # type: ignore[arg-type]
        return portrait.image(portrait.truth(0.0)).astype(np.float64)

    plain = np.maximum(shot(), 1.0)
    middle = (plain > 40) & (plain < 180)
    assert (shot(light=(Constant(0.2),)) / plain)[middle].mean() == pytest.approx(1.2, abs=0.01)
    sided = shot(side_light=(Constant(0.4),))
    assert (sided[:, 0] / plain[:, 0])[middle[:, 0]].mean() == pytest.approx(1.2, abs=0.02)
    assert (sided[:, -1] / plain[:, -1])[middle[:, -1]].mean() == pytest.approx(0.8, abs=0.02)
    assert (shot(noise=5.0) - plain)[middle].std() == pytest.approx(5.0, rel=0.05)
    assert sharpness(shot(defocus_px=2.0)) < 0.2 * sharpness(plain)


def test_motion_blur_smears_along_the_motion_only() -> None:
    motion = PortraitMotion(shift_x=(Wave(0.5, 1.0),))
    still, blurred = (
        AnimatedPortrait(motion=motion, imaging=PortraitImaging(exposure_s=exposure_s, exposure_samples=16))
        for exposure_s in (0.0, 0.02)
    )
    sharp, smeared = (p.image(p.truth(0.0))[..., 1].astype(np.float64) for p in (still, blurred))
    assert np.abs(np.diff(smeared, axis=1)).mean() < 0.6 * np.abs(np.diff(sharp, axis=1)).mean()
    assert np.abs(np.diff(smeared, axis=0)).mean() > 0.6 * np.abs(np.diff(sharp, axis=0)).mean()


def sharpness(image: NDArray[np.float64]) -> float:
    return float(cv2.Laplacian(image, cv2.CV_64F).var())


def test_events_rise_hold_and_fall_on_time() -> None:
    event = Event(start_s=1.0, rise_s=0.2, hold_s=0.5, fall_s=0.4, amount=0.8)
    values = {t_s: event.value(t_s) for t_s in (1.0, 1.1, 1.2, 1.5, 1.7, 1.9, 2.1, 3.0)}
    assert list(values.values()) == pytest.approx([0.0, 0.4, 0.8, 0.8, 0.8, 0.4, 0.0, 0.0], abs=1e-9)
    speeds = np.gradient([ease(x) for x in np.linspace(0.0, 1.0, 1001)])
    assert speeds[0] == pytest.approx(0.0, abs=1e-6) and speeds[-1] == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(InvalidValueError, match="rise_s"):
        Event(0.0, 0.0, 1.0, 1.0)


def test_curves_repeat_with_their_own_jitter_and_multiply() -> None:
    event = Event(0.1, 0.1, 0.1, 0.1)
    assert Repeat(event, 2.0).value(6.25) == pytest.approx(event.value(0.25))
    jittered = Repeat(event, 2.0, jitter_s=1.5, seed=4)
    times = np.arange(0.0, 40.0, 0.01)
    onsets = times[np.flatnonzero(np.diff([jittered.value(t) > 0.5 for t in times], prepend=0) == 1)] % 2.0
    assert len(onsets) == 20
    assert 0.1 <= onsets.min() < 0.5 and 1.0 < onsets.max() <= 1.8
    assert Product((event, Constant(0.5))).value(0.25) == pytest.approx(0.5)
    assert Product((event, Constant(0.5))).value(1.0) == 0.0


def test_channels_stay_within_their_limits() -> None:
    channels = posed({"jaw": 3.0, "smile_left": -4.0, "eye_closed_right": -1.0, "shift_x": 7.0}).at(0.0)
    assert channels == Channels(jaw=1.0, smile_left=-1.0, eye_closed_right=0.0, shift_x=7.0)
    with pytest.raises(InvalidValueError, match="tuple of curves"):
        PortraitMotion(jaw=Constant(1.0))  # type: ignore[arg-type]


def test_the_demo_shows_every_movement() -> None:
    motion = demo_motion()
    shown = [motion.at(t_s) for t_s in np.arange(0.0, 20.0, 0.02)]
    for name in Channels._fields:
        values = np.array([getattr(channels, name) for channels in shown])
        assert np.ptp(values) > (0.05 if name in ("shift_x", "shift_y", "roll_rad", "zoom") else 0.4), name
    shut = np.array([c.eye_closed_right for c in shown]) > 0.9
    assert 4 <= np.count_nonzero(np.diff(shut.astype(int)) == 1) <= 8, "blinks in 20 s"
    blinks = [[demo_motion(seed).at(t).eye_closed_left for t in np.arange(0.0, 14.0, 0.05)] for seed in (1, 2)]
    assert blinks[0] != blinks[1]


@pytest.mark.parametrize("bad", [{"width": 0}, {"rate_hz": math.nan}, {"face_height": -1.0}])
def test_impossible_portraits_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InvalidValueError, match=next(iter(bad))):
        AnimatedPortrait(**bad)  # type: ignore[arg-type]


def test_sixty_frames_a_second_at_640_by_480_on_one_core() -> None:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        rates = []
        for _ in range(3):
            began_s = time.process_time()
            count = sum(1 for _ in AnimatedPortrait(length=60).frames())
            rates.append(count / (time.process_time() - began_s))
    finally:
        cv2.setNumThreads(threads)
    assert max(rates) >= 60.0

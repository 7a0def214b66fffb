from __future__ import annotations

import numpy as np
import pytest

from face1d_ros.detect.face_mesh import SEARCH_EVERY
from face1d_ros.detect.views import IN_TURN, Rotation, View, Views, full_range_views, short_range_views

THIN = [(1, 5000), (5000, 1), (8192, 1), (256, 8192), (8192, 256), (4000, 16), (1, 640)]
SIZES = [(640, 480), (1280, 720), (1920, 1080), (480, 640), (300, 300), (64, 64), (1, 1), *THIN]
RANGES = {"short": short_range_views, "full": full_range_views}


def contains(view: View, x: float, y: float, side: float) -> bool:
    return (
        view.x_px <= x
        and view.y_px <= y
        and x + side <= view.x_px + view.width_px
        and y + side <= view.y_px + view.height_px
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("detection_range", RANGES)
def test_the_whole_image_comes_first_and_tiles_lie_inside(detection_range: str, size: tuple[int, int]) -> None:
    width, height = size
    views = RANGES[detection_range](width, height, 32.0)
    assert views.always[0] == View(0.0, 0.0, width, height)
    for view in views.always + views.in_turn:
        assert view.x_px >= 0.0 and view.x_px + view.width_px <= width + 1e-6
        assert view.y_px >= 0.0 and view.y_px + view.height_px <= height + 1e-6
        assert view.width_px > 0.0 and view.height_px > 0.0


@pytest.mark.parametrize("size", [(640, 480), (1280, 720), (1920, 1080)])
@pytest.mark.parametrize("detection_range", RANGES)
def test_a_small_face_is_whole_in_some_tile_wherever_it_is(detection_range: str, size: tuple[int, int]) -> None:
    width, height = size
    tiles = RANGES[detection_range](width, height, 32.0).in_turn
    assert all(max(tile.width_px, tile.height_px) <= max(height * 0.55, 520) for tile in tiles)
    for x in np.linspace(0, width - 40, 23):
        for y in np.linspace(0, height - 40, 17):
            assert any(contains(tile, x, y, 40.0) for tile in tiles)


def test_no_tiles_for_faces_that_nobody_asks_for() -> None:
    assert short_range_views(1280, 720, 32.0).in_turn
    assert not short_range_views(1280, 720, 100.0).in_turn
    assert len(full_range_views(1920, 1080, 80.0).in_turn) < len(full_range_views(1920, 1080, 32.0).in_turn)


@pytest.mark.parametrize("size", [(640, 480), (1280, 720), (1920, 1080), (3840, 2160)])
def test_few_views_an_image_whatever_its_size(size: tuple[int, int]) -> None:
    short, full = Rotation(), Rotation()
    for image in range(50):
        assert len(short.choose(short_range_views(*size, 32.0), any_face=False)) <= 5
        assert len(full.choose(full_range_views(*size, 32.0), any_face=False)) <= (9 if image == 0 else 2)
        assert len(short.choose(short_range_views(*size, 32.0), any_face=True)) == 1


@pytest.mark.parametrize("size", THIN)
def test_a_thin_image_is_no_flood_of_views(size: tuple[int, int]) -> None:
    for views in RANGES.values():
        assert len(views(*size, 32.0).always) <= 16


@pytest.mark.parametrize("size", [(8192, 256), (256, 8192), (4000, 400)])
def test_a_large_face_in_a_thin_image_is_whole_in_some_tile_wherever_it_is(size: tuple[int, int]) -> None:
    width, height = size
    tiles = short_range_views(width, height, 32.0).always[1:]
    assert max(max(tile.width_px, tile.height_px) for tile in tiles) <= max(size) / 8
    side = min(size) / 2
    for x in np.linspace(0, width - side, 97 if width > height else 5):
        for y in np.linspace(0, height - side, 97 if height > width else 5):
            assert any(contains(tile, x, y, side) for tile in tiles)


@pytest.mark.parametrize(("size", "count"), [((640, 480), 3), ((1280, 720), 4), ((1920, 1080), 4)])
def test_common_images_have_few_views(size: tuple[int, int], count: int) -> None:
    assert len(short_range_views(*size, 32.0).always) == count


@pytest.mark.parametrize("any_face", [False, True])
def test_every_view_has_its_turn(any_face: bool) -> None:
    always = tuple(View(i, 0.0, 1.0, 1.0) for i in range(3))
    in_turn = tuple(View(i, 1.0, 1.0, 1.0) for i in range(7))
    rotation = Rotation()
    shown = [view for _ in range(14) for view in rotation.choose(Views(always, in_turn), any_face)]
    assert set(shown) == {*always, *in_turn}
    counts = [shown.count(view) for view in in_turn]
    assert max(counts) - min(counts) <= IN_TURN


@pytest.mark.parametrize(("size", "near", "far"), [((640, 480), 12, 48), ((1280, 720), 16, 72)])
def test_while_a_face_is_known_all_is_searched_in_so_many_images(size: tuple[int, int], near: int, far: int) -> None:
    """As docs/landmarks.md says."""
    views, rotation = short_range_views(*size, 32.0), Rotation()
    shown = [rotation.choose(views, any_face=True)[0] for _ in range(far // SEARCH_EVERY)]
    assert set(shown[: near // SEARCH_EVERY]) >= set(views.always)
    assert set(shown) == {*views.always, *views.in_turn}


def test_without_tiles_the_whole_image_is_shown_each_time() -> None:
    views = full_range_views(64, 64, 32.0)
    rotation = Rotation()
    assert [rotation.choose(views, any_face=i % 2 == 0) for i in range(4)] == [list(views.always)] * 4

from __future__ import annotations

import itertools

import pytest

from face1d_ros.detect.regions import Found, Region, around_box, distinct


def test_overlap_is_intersection_over_union() -> None:
    square = Region(100.0, 100.0, 40.0)
    assert square.overlap(square) == 1.0
    assert square.overlap(Region(120.0, 100.0, 40.0)) == pytest.approx(1 / 3)
    assert square.overlap(Region(100.0, 100.0, 20.0)) == pytest.approx(1 / 4)
    assert square.overlap(Region(140.0, 100.0, 40.0)) == square.overlap(Region(500.0, 0.0, 40.0)) == 0.0


def test_a_region_is_turned_with_the_eyes_and_half_as_large_again() -> None:
    region = around_box((10.0, 20.0, 40.0, 60.0), (20.0, 40.0), (40.0, 60.0))
    assert (region.x_px, region.y_px, region.side_px) == (30.0, 50.0, 90.0)
    assert region.angle_rad == pytest.approx(3.14159265 / 4)


def test_the_best_of_each_face_is_taken_in_whatever_order_they_come() -> None:
    best, worse = Found(0.9, Region(100.0, 100.0, 50.0)), Found(0.7, Region(104.0, 98.0, 52.0))
    other, known = Found(0.8, Region(300.0, 100.0, 50.0)), Found(0.95, Region(500.0, 100.0, 50.0))
    for order in itertools.permutations([best, worse, other, known]):
        assert distinct(order, [Region(502.0, 101.0, 49.0)]) == [best.region, other.region]


def test_a_smaller_find_within_a_face_is_the_same_face_and_a_neighbour_is_not() -> None:
    face = Region(345.0, 113.0, 150.0)
    assert face.same_face([Region(346.0, 128.0, 102.0)]) and Region(346.0, 128.0, 102.0).same_face([face])
    assert not face.overlaps([Region(346.0, 128.0, 102.0)])
    assert not face.same_face([Region(400.0, 150.0, 60.0), Region(345.0, 170.0, 150.0)])

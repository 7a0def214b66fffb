import numpy as np
import pytest

from face1d_ros.errors import InvalidValueError
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.order import neighbours_first
from face1d_ros.geometry.topology import indices_in
from face1d_ros.types import Topology


@pytest.mark.parametrize("topology", [Topology.FACE_68, Topology.MESH_468, Topology.MESH_478])
@pytest.mark.parametrize("part", [1, 8, 16])
def test_every_landmark_stands_in_one_of_the_whole_parts(topology: Topology, part: int):
    order = neighbours_first(topology, part)
    assert set(order) == set(range(topology))
    assert len(order) % part == 0 and len(order) - int(topology) < part


def test_parts_are_patches_of_the_face():
    points = canonical_face().points_cm[indices_in(Topology.MESH_478, Topology.MESH_478), :2]

    def spread(order: tuple[int, ...]) -> float:
        return float(np.mean([np.ptp(points[list(order[i : i + 16])], axis=0).max() for i in range(0, len(order), 16)]))

    assert spread(neighbours_first(Topology.MESH_478, 16)) < 0.4 * spread((*range(478), 0, 0))


def test_parts_have_at_least_one_landmark():
    with pytest.raises(InvalidValueError, match="part"):
        neighbours_first(Topology.FACE_68, 0)

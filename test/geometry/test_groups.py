from collections import Counter

import pytest

from face1d_ros.geometry.groups import GROUPS, seven_groups
from face1d_ros.types import Topology


def test_the_68_points_fall_into_the_groups_of_300w():
    sizes = Counter(seven_groups(Topology.FACE_68))
    assert [sizes[place] for place in range(7)] == [5, 5, 6, 6, 9, 20, 17]


@pytest.mark.parametrize("topology", [Topology.MESH_468, Topology.MESH_478])
def test_every_point_of_a_mesh_has_a_group_and_both_sides_are_alike(topology: Topology):
    groups = seven_groups(topology)
    sizes = Counter(groups)
    assert len(groups) == topology and set(groups) == set(range(len(GROUPS)))
    assert sizes[0] == sizes[1] and sizes[2] == sizes[3]

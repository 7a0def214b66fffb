"""What the points of each topology are: curves, regions, mirror partners, and the way to the 68 points.

All functions are pure; the arrays they return are shared and read-only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError
from face1d_ros.geometry import tables
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.types import Topology

Indices = NDArray[np.intp]
Scalar = TypeVar("Scalar", bound=np.generic)
MESHES = (Topology.MESH_468, Topology.MESH_478)
KNOWN = (Topology.FACE_68, *MESHES)


@dataclass(frozen=True, eq=False)
class Curve:
    """Points in their order along a line of the face."""

    name: str
    indices: Indices
    """(N,) into the topology's points."""
    closed: bool
    """Whether the last point joins the first."""


def to_68(points: NDArray[Scalar]) -> NDArray[Scalar]:
    """(..., N, C) of a topology with N points to (..., 68, C)."""
    return points[..., indices_in(Topology.FACE_68, topology_of(points.shape[-2])), :]


def topology_of(count: int) -> Topology:
    """The topology with so many points."""
    for topology in KNOWN:
        if topology == count:
            return topology
    raise GeometryError("number of landmarks", count, "68, 468 or 478")


@cache
def indices_in(target: Topology, source: Topology) -> Indices:
    """(N of target,) where each point of one topology is found in another that has them all."""
    if target == source and source in KNOWN:
        return _fixed(range(int(source)))
    if source in MESHES and target == Topology.FACE_68:
        return _fixed(tables.MESH_TO_68)
    if source == Topology.MESH_478 and target == Topology.MESH_468:
        return _fixed(range(468))
    raise GeometryError("topology", f"{source.name} to turn into {target.name}", "one with more points than asked for")


@cache
def partner(topology: Topology) -> Indices:
    """(N,) for each point its mirror image on the other side of the face; midline points are their own."""
    in_mesh = _mesh_indices(topology)
    mirrored = canonical_face().partner[in_mesh]
    if topology in MESHES:
        return _fixed(mirrored)
    position = {int(mesh_index): index for index, mesh_index in enumerate(in_mesh)}
    return _fixed([position[int(mesh_index)] for mesh_index in mirrored])


@cache
def curve(name: str, topology: Topology = Topology.MESH_478) -> Curve:
    """A named curve; `curve_names` lists them.

    Curves of one side run from the outer to the inner end (closed ones on over the lower edge), so that the left
    one is point by point the mirror image of the right one. `jaw`, lips and `nose_base` run from the person's
    right to the left, `nose_bridge` downwards.
    """
    known = _curves(topology)
    if name not in known:
        raise GeometryError("curve", f"'{name}' of {topology.name}", "one of " + ", ".join(known))
    return known[name]


def curve_names(topology: Topology) -> tuple[str, ...]:
    """The names of all curves that a topology has."""
    return tuple(_curves(topology))


@cache
def region(name: str, topology: Topology = Topology.MESH_478) -> Indices:
    """(M,) points of a region, ascending.

    Regions do not overlap and cover the face; forehead and cheeks are empty in the 68 points.
    """
    if name not in tables.REGIONS:
        raise GeometryError("region", f"'{name}'", "one of " + ", ".join(tables.REGIONS))
    labels = canonical_face().region[_mesh_indices(topology)]
    return _fixed(np.flatnonzero(labels == tables.REGIONS.index(name)))


def region_names() -> tuple[str, ...]:
    """The names of all regions."""
    return tables.REGIONS


@cache
def triangles(topology: Topology) -> Indices:
    """(M, 3) triangles of a mesh topology, corners clockwise seen from outside. Eyes and mouth are filled."""
    if topology not in MESHES:
        raise GeometryError("topology", topology.name, "MESH_468 or MESH_478, which have triangles")
    every = canonical_face().triangles
    return _fixed(every[(every < int(topology)).all(axis=1)])


@cache
def edges(topology: Topology) -> Indices:
    """(E, 2) lines to draw, each once: the mesh's edges, or the neighbours along the curves of the 68 points."""
    if topology in MESHES:
        corners = triangles(topology)
        pairs = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
        return _fixed(np.unique(np.sort(pairs, axis=1), axis=0))
    return contours(topology)


@cache
def contours(topology: Topology) -> Indices:
    """(E, 2) lines between neighbours along all curves, each once."""
    pairs: list[tuple[int, int]] = []
    for one in _curves(topology).values():
        line = [int(index) for index in one.indices]
        ends = [*line[1:], line[0]] if one.closed else line[1:]
        pairs += [(min(a, b), max(a, b)) for a, b in zip(line[: len(ends)], ends, strict=True)]
    return _fixed(sorted(set(pairs)))


@cache
def _curves(topology: Topology) -> dict[str, Curve]:
    if topology in MESHES:
        right, centre = dict(tables.MESH_RIGHT_CURVES), tables.MESH_CENTRE_CURVES
        if topology == Topology.MESH_478:
            right |= tables.IRIS_RIGHT_CURVES
    else:
        right, centre = tables.FACE_68_RIGHT_CURVES, tables.FACE_68_CENTRE_CURVES
    other = partner(topology)
    found: dict[str, Curve] = {}
    for name, indices in right.items():
        closed = name in tables.CLOSED_CURVES
        found[f"right_{name}"] = Curve(f"right_{name}", _fixed(indices), closed)
        found[f"left_{name}"] = Curve(f"left_{name}", _fixed(other[list(indices)]), closed)
    for name, indices in centre.items():
        found[name] = Curve(name, _fixed(indices), name in tables.CLOSED_CURVES)
    return found


def _mesh_indices(topology: Topology) -> Indices:
    """(N,) the mesh point that each point of a topology is."""
    if topology not in KNOWN:
        raise GeometryError("topology", topology.name, "one of " + ", ".join(known.name for known in KNOWN))
    return indices_in(topology, Topology.MESH_478)


def _fixed(indices: Any) -> Indices:
    array = np.array(indices, np.intp)
    array.flags.writeable = False
    return array

"""What the mesh stage remembers of each face."""

from __future__ import annotations

from dataclasses import dataclass

from face1d_ros.geometry.asymmetry import AsymmetryMeter
from face1d_ros.stages.face_memory import FaceMemory
from face1d_ros.stages.mesh_identity import RunningIdentity
from face1d_ros.types import Topology


@dataclass(eq=False)
class MeshTrack:
    """One face."""

    key: int
    topology: Topology
    identity: RunningIdentity
    asymmetry: AsymmetryMeter
    stepped_ns: int | None = None


def mesh_tracks(identity: int) -> FaceMemory[MeshTrack]:
    """Of a network with so many identity coefficients."""
    return FaceMemory(
        lambda key, topology: MeshTrack(key, topology, RunningIdentity(identity), AsymmetryMeter(topology))
    )

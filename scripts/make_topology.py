"""Makes face1d_ros/geometry/canonical_face.npz from MediaPipe's canonical face model.

Usage: python scripts/make_topology.py FOLDER [OUTPUT]

FOLDER holds face_model_with_iris.obj and geometry_pipeline_metadata_landmarks.pbtxt of MediaPipe's
modules/face_geometry/data.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from face1d_ros.geometry import tables  # noqa: E402
from face1d_ros.geometry.canonical import TABLE  # noqa: E402

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
MIRROR_TOLERANCE_CM = 1e-4
"""The model is symmetric to its last printed digit; the nearest wrong partner is 0.05 cm away."""


def read_obj(path: Path) -> tuple[Floats, Indices]:
    """Points (N, 3) and triangles (M, 3) of an OBJ file."""
    lines = [line.split() for line in path.read_text(encoding="ascii").splitlines() if line.strip()]
    points = np.array([line[1:4] for line in lines if line[0] == "v"], np.float64)
    corners = [[int(corner.split("/")[0]) - 1 for corner in line[1:]] for line in lines if line[0] == "f"]
    return points, np.array(corners, np.intp)


def read_pose_weights(path: Path) -> Floats:
    """(468,) weights of the Procrustes basis."""
    weights = np.zeros(468)
    pattern = re.compile(r"procrustes_landmark_basis \{ landmark_id: (\d+) weight: ([\d.]+) \}")
    for index, weight in pattern.findall(path.read_text(encoding="ascii")):
        weights[int(index)] = float(weight)
    return weights


def mirror_partners(points: Floats) -> Indices:
    """(N,) the point at each point's mirror image in the plane x = 0."""
    distances = np.linalg.norm((points * [-1.0, 1.0, 1.0])[:, None] - points[None], axis=2)
    partner: Indices = distances.argmin(axis=1)
    if distances.min(axis=1).max() > MIRROR_TOLERANCE_CM or (partner[partner] != np.arange(len(points))).any():
        raise SystemExit("the face model is not symmetric in x = 0: this is not MediaPipe's canonical face")
    return partner


def region_labels(points: Floats, triangles: Indices, partner: Indices) -> Indices:
    """(N,) position in `tables.REGIONS` of each point, given the points in the head frame.

    Eyes, brows and mouth grow from their curves over the mesh; the rest is told apart by where it lies.
    """
    labels = np.full(len(points), -1, np.intp)
    right = {
        "right_brow": grow(tables.MESH_RIGHT_CURVES["brow"] + tables.MESH_RIGHT_CURVES["brow_lower"], triangles, 0),
        "right_eye": grow(tables.MESH_RIGHT_CURVES["eye"], triangles, 2) | set(range(468, 473)),
        "mouth": grow(tables.MESH_CENTRE_CURVES["outer_lips"] + tables.MESH_CENTRE_CURVES["inner_lips"], triangles, 1),
        "jaw": set(tables.MESH_CENTRE_CURVES["jaw"]),
    }
    nose = tables.MESH_CENTRE_CURVES["nose_bridge"] + tables.MESH_CENTRE_CURVES["nose_base"]
    right["nose"] = {int(i) for i in np.flatnonzero(is_nose(points))} | set(nose)
    for name in ("right_brow", "right_eye", "mouth", "jaw", "nose"):
        for index in right[name]:
            set_both(labels, partner, index, name)
    brow_y = points[list(tables.MESH_RIGHT_CURVES["brow"]), 1].max()
    nose_y = points[list(tables.MESH_CENTRE_CURVES["nose_bridge"]), 1].min()
    mouth_y = points[list(tables.MESH_CENTRE_CURVES["outer_lips"]), 1].max()
    for index in np.flatnonzero(labels < 0):
        x, y, _ = points[index]
        name = "right_cheek" if x < 0 else "left_cheek"
        if y < brow_y or (x == 0 and y < nose_y):
            name = "forehead"
        elif y > mouth_y:
            name = "jaw"
        labels[index] = tables.REGIONS.index(name)
    return labels


def is_nose(points: Floats) -> NDArray[np.bool_]:
    """(N,) whether a point lies in the wedge from between the eyes to the wings and base of the nose."""
    top, base = points[168, 1], points[2, 1]
    along = (points[:, 1] - top) / (base - top)
    half_width = 1.1 + 1.0 * np.clip(along, 0.0, 1.0)
    inside: NDArray[np.bool_] = (np.abs(points[:, 0]) <= half_width) & (along >= -0.02) & (along <= 1.02)
    return inside


def grow(seeds: tuple[int, ...], triangles: Indices, rings: int) -> set[int]:
    """The seeds and everything up to so many edges away."""
    reached = set(seeds)
    for _ in range(rings):
        touching = np.isin(triangles, list(reached)).any(axis=1)
        reached |= {int(index) for index in triangles[touching].ravel()}
    return reached


def set_both(labels: Indices, partner: Indices, index: int, name: str) -> None:
    """Label a point that is not labelled yet, and its partner with the other side's name."""
    if labels[index] < 0:
        labels[index] = tables.REGIONS.index(name)
        labels[partner[index]] = tables.REGIONS.index(name.replace("right_", "left_"))


def build(folder: Path) -> dict[str, NDArray[Any]]:
    """The arrays of the table."""
    points, triangles = read_obj(folder / "face_model_with_iris.obj")
    partner = mirror_partners(points)
    points *= [1.0, -1.0, -1.0]  # from x right, y up, z to the viewer to the head frame
    inner = (triangles < 468).all(axis=1)
    triangles = np.concatenate([triangles[inner], triangles[~inner]])
    return {
        "points_cm": points.astype(np.float32),
        "triangles": triangles.astype(np.uint16),
        "partner": partner.astype(np.uint16),
        "region": region_labels(points, triangles, partner).astype(np.uint8),
        "pose_weights": read_pose_weights(folder / "geometry_pipeline_metadata_landmarks.pbtxt").astype(np.float32),
    }


def main() -> None:
    """Write the table."""
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    output = Path(sys.argv[2]) if len(sys.argv) == 3 else TABLE
    np.savez_compressed(output, **build(Path(sys.argv[1])))
    print(f"{output}: {output.stat().st_size} bytes")


if __name__ == "__main__":
    main()

"""The picture of a registration: the canonical face's lines on the shaded model, from the front and the side."""

from __future__ import annotations

import numpy as np

from face1d_ros.geometry.canonical import vertex_normals
from face1d_ros.geometry.topology import triangles
from face1d_ros.synth.faces.model_arrays import UNKNOWN, ModelArrays
from face1d_ros.synth.faces.picture import Image, View, draw_dots, draw_mesh, shaded, sheet, view_of, write_text
from face1d_ros.synth.faces.registration import Registration
from face1d_ros.types import Topology

HEIGHT_PX = 680
CLOSE_HEIGHT_PX = 340
CLOSE_PX_PER_MM = 9.5
SIDE_RAD = -1.35
RIGHT_EYE, MOUTH = 159, 13
"""Points of the mesh that the close views are centred on."""


def registration_picture(model: ModelArrays, registration: Registration) -> Image:
    """Front and side, with the model's own landmarks as rings; below, an eye and the mouth from near."""
    points = registration.placed_mm[: int(Topology.MESH_468)]
    normals = vertex_normals(points, triangles(Topology.MESH_468))
    face = model.mean_mm[(model.mean_mm[:, 2] < points[:, 2].max() + 10.0)]
    views = [view_of(face, 0.0, HEIGHT_PX), view_of(face, SIDE_RAD, HEIGHT_PX)]
    width = sum(view.size_px[0] for view in views)
    for centre, part in ((RIGHT_EYE, width // 2), (MOUTH, width - width // 2)):
        middle = (float(points[centre, 0]), float(points[centre, 1]))
        views.append(View(0.0, (part, CLOSE_HEIGHT_PX), CLOSE_PX_PER_MM, middle))
    known = model.landmarks_68[model.landmarks_68 != UNKNOWN]
    drawn = []
    for view in views:
        canvas = shaded(model.mean_mm, model.triangles, view)
        draw_mesh(canvas, points, view, normals, Topology.MESH_468)
        draw_dots(canvas, model.mean_mm[known], view)
        drawn.append(canvas)
    mean_mm, most_mm = float(np.mean(registration.surface_mm)), float(np.max(registration.surface_mm))
    lines = (
        f"MediaPipe's canonical face on {model.name}",
        f"off the surface before it was put there: mean {mean_mm:.2f} mm, largest {most_mm:.2f} mm",
        "yellow: curves; red rings: the model's own landmarks",
    )
    write_text(drawn[0], lines)
    return sheet([drawn[:2], drawn[2:]])

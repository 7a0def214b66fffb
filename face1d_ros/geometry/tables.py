"""The hand-made tables: which mesh point is which part of a face.

Indices into MediaPipe's face mesh. Only the person's right side and the midline are written down; the left side is
each point's mirror partner. Curves of the right side run from the outer to the inner end, upper edge first; curves
over both sides run from the person's right to the left; curves along the midline run downwards.
"""

from __future__ import annotations

from typing import TypeAlias

CurveTable: TypeAlias = dict[str, tuple[int, ...]]

# fmt: off
MESH_TO_68: tuple[int, ...] = (
    # 0-16 jaw, as evenly spaced as the mesh allows, from the person's right ear over the chin (152)
    127, 93, 132, 58, 172, 136, 150, 176, 152, 400, 379, 365, 397, 288, 361, 323, 356,
    # 17-21 right brow, 22-26 left brow: the upper edge
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    # 27-30 nose bridge down to the tip, 31-35 under the nostrils
    168, 197, 5, 4, 98, 97, 2, 326, 327,
    # 36-41 right eye, 42-47 left eye: corners, and lid margin points that meet when the eye shuts
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    # 48-59 outer border of the lips
    61, 39, 37, 0, 267, 269, 291, 321, 314, 17, 84, 91,
    # 60-67 inner border of the lips, whose points meet when the mouth shuts
    78, 81, 13, 311, 308, 402, 14, 178,
)
"""The mesh point that is each of the 68 points of 300W."""

MESH_RIGHT_CURVES: CurveTable = {
    "brow": (70, 63, 105, 66, 107),
    "brow_lower": (46, 53, 52, 65, 55),
    "eye": (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    "upper_lid": (33, 246, 161, 160, 159, 158, 157, 173, 133),
    "lower_lid": (33, 7, 163, 144, 145, 153, 154, 155, 133),
}
IRIS_RIGHT_CURVES: CurveTable = {"iris": (471, 470, 469, 472)}
RIGHT_IRIS_CENTRE = 468

MESH_CENTRE_CURVES: CurveTable = {
    "jaw": (127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152,
            377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 356),
    "face_oval": (127, 162, 21, 54, 103, 67, 109, 10, 338, 297, 332, 284, 251, 389, 356,
                  454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
                  148, 176, 149, 150, 136, 172, 58, 132, 93, 234),
    "nose_bridge": (168, 6, 197, 195, 5, 4),
    "nose_base": (98, 97, 2, 326, 327),
    "outer_lips": (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146),
    "inner_lips": (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95),
    "upper_inner_lip": (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
    "lower_inner_lip": (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
}

FACE_68_RIGHT_CURVES: CurveTable = {
    "brow": (17, 18, 19, 20, 21),
    "eye": (36, 37, 38, 39, 40, 41),
    "upper_lid": (36, 37, 38, 39),
    "lower_lid": (36, 41, 40, 39),
}
FACE_68_CENTRE_CURVES: CurveTable = {
    "jaw": tuple(range(17)),
    "nose_bridge": (27, 28, 29, 30),
    "nose_base": (31, 32, 33, 34, 35),
    "outer_lips": tuple(range(48, 60)),
    "inner_lips": tuple(range(60, 68)),
    "upper_inner_lip": (60, 61, 62, 63, 64),
    "lower_inner_lip": (60, 67, 66, 65, 64),
}
# fmt: on

CLOSED_CURVES = frozenset({"eye", "iris", "face_oval", "outer_lips", "inner_lips"})
"""Curves (without their side) whose last point joins the first."""

REGIONS: tuple[str, ...] = (
    "forehead",
    "right_brow",
    "left_brow",
    "right_eye",
    "left_eye",
    "nose",
    "right_cheek",
    "left_cheek",
    "mouth",
    "jaw",
)
"""Each mesh point belongs to exactly one; the stored table holds positions in this tuple."""

POSE_WEIGHTS_68: dict[int, float] = {
    **dict.fromkeys((36, 39, 42, 45), 1.0),
    **dict.fromkeys((27, 28, 29, 30, 31, 33, 35), 1.0),
    **dict.fromkeys((0, 1, 15, 16), 0.25),
}
"""Points of the 68 that move little with expression, for head pose."""

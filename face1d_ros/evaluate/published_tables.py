"""Tables 3, 4, 5 and 7 of the review, as printed (names of datasets shortened): facts of others, none measured here.

Al Hammami and Hassan, "A Comprehensive Review of 1D Deep Learning Approaches in Facial Analysis", 2026,
doi:10.70403/3008-1084.1029. Numbers in brackets are the review's own references.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Cell: TypeAlias = str | int | float | bool | None
REVIEW = "Al Hammami and Hassan, 2026, doi:10.70403/3008-1084.1029"


@dataclass(frozen=True)
class Published:
    """A table as it was printed."""

    number: int
    caption: str
    columns: Mapping[str, str]
    """Keys, and what stands above them."""
    rows: tuple[Mapping[str, Cell], ...]
    conditions: str
    """That its caption names."""
    doubts: str = ""
    """What the review leaves open, and a reader should know before comparing."""


TABLE_3 = Published(
    3,
    "Comparative evaluation of 1D architectures on face recognition (LFW dataset, mobile GPU)",
    {
        "model": "Model",
        "datasets": "Datasets",
        "parameters_m": "Parameters (M)",
        "latency_ms": "Latency (ms)",
        "accuracy_percent": "Accuracy (%)",
        "use_case": "Use case",
    },
    (
        {"model": "1D CNN [54]", "datasets": "300 W, 300 VW", "parameters_m": 0.15, "latency_ms": 4.2,
         "accuracy_percent": 92.1, "use_case": "Landmark smoothing"},
        {"model": "LSTM [56]", "datasets": "CK+, Oulu-CASIA, 300 VW", "parameters_m": 2.1, "latency_ms": 18.5,
         "accuracy_percent": 94.3, "use_case": "Expression tracking"},
        {"model": "Transformer [58]", "datasets": "LFW, IJB-A", "parameters_m": 20.3, "latency_ms": 35.7,
         "accuracy_percent": 96.8, "use_case": "Identity verification"},
        {"model": "Hybrid (2D + 1D) [57, 58]", "datasets": "MediaPipe internal data, 300 VW", "parameters_m": 3.2,
         "latency_ms": 12.1, "accuracy_percent": 95.6, "use_case": "Real-time AR"},
    ),
    "real faces; mobile GPU",
    "The caption names LFW, the column other datasets; what accuracy means for landmark smoothing is not said.",
)  # fmt: skip
TABLE_4 = Published(
    4,
    "Comparing the performance on the 300 VW dataset under mobile GPU",
    {
        "model": "Model",
        "landmarks": "Landmarks",
        "latency_ms": "Latency (ms)",
        "nme_percent": "NME (%)",
        "mflop": "FLOPS (M)",
        "use_case": "Use case",
    },
    (
        {"model": "1D CNN (3-layer)", "landmarks": 68, "latency_ms": 3.8, "nme_percent": 1.92, "mflop": 42,
         "use_case": "Mobile AR"},
        {"model": "LSTM (2-layer)", "landmarks": 68, "latency_ms": 16.3, "nme_percent": 1.75, "mflop": 187,
         "use_case": "Video tracking"},
        {"model": "Transformer (4-head)", "landmarks": 68, "latency_ms": 28.7, "nme_percent": 1.68, "mflop": 312,
         "use_case": "High-accuracy apps"},
        {"model": "Hybrid (2D detector + 1D smoother)", "landmarks": 468, "latency_ms": 11.2, "nme_percent": 1.81,
         "mflop": 89, "use_case": "Real-time mesh"},
    ),
    "real faces, 300 VW; mobile GPU",
    "By what the error is divided is not said, nor whether the detector's time is in the latency.",
)  # fmt: skip
TABLE_5 = Published(
    5,
    "3D face reconstruction performance on the BIWI dataset",
    {
        "model": "Method",
        "vertices": "3D vertices",
        "latency_ms": "Latency (ms)",
        "mesh_error_mm": "Mesh error (mm)",
        "size_mb": "Model size (MB)",
    },
    (
        {"model": "3DMM (image-based)", "vertices": "50 K", "latency_ms": 45.2, "mesh_error_mm": 1.8, "size_mb": 120},
        {"model": "FLAME + 1D CNN", "vertices": "5 K", "latency_ms": 12.1, "mesh_error_mm": 2.1, "size_mb": 8.3},
        {"model": "MediaPipe Face Mesh", "vertices": "468", "latency_ms": 9.8, "mesh_error_mm": 2.4, "size_mb": 4.7},
        {"model": "Transformer + 1D curve", "vertices": "5 K", "latency_ms": 21.5, "mesh_error_mm": 1.9,
         "size_mb": 22.1},
    ),
    "real faces, BIWI; hardware not said",
    "How meshes were aligned, and in which region they were compared, is not said.",
)  # fmt: skip
TABLE_7 = Published(
    7,
    "Multi-dimensional evaluation metrics",
    {
        "metric": "Metric",
        "definition": "Definition",
        "ideal": "Ideal value",
        "task": "Task",
    },
    (
        {"metric": "NME", "definition": "Normalized Mean Error (landmarks)", "ideal": "< 2.0 %",
         "task": "Landmark detection/temporal smoothing"},
        {"metric": "Acc", "definition": "Top-1 accuracy (recognition)", "ideal": "> 95 %",
         "task": "Identity verification"},
        {"metric": "Latency", "definition": "Inference time (ms)", "ideal": "< 10 ms", "task": "Real-time processing"},
        {"metric": "FLOPS", "definition": "Computational cost (M)", "ideal": "< 100 M", "task": "Edge deployment"},
        {"metric": "Model Size", "definition": "Parameter count (MB)", "ideal": "< 10 MB", "task": "Edge deployment"},
        {"metric": "Jitter Index", "definition": "Std. dev. of landmark motion", "ideal": "< 0.5 px",
         "task": "Temporal smoothing"},
        {"metric": "Mesh Error", "definition": "Vertex-to-surface distance (mm)", "ideal": "< 2.5 mm",
         "task": "3D coefficient regression/mesh reconstruction"},
    ),
    "ideal values, not measurements",
)  # fmt: skip

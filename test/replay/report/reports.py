"""Made reports: one with every section filled, and one of a bag in which there was nearly nothing."""

from __future__ import annotations

import cv2
import numpy as np

from face1d_ros.evaluate.verdicts import judge
from face1d_ros.replay.report.content import (
    HIGHER,
    LOWER,
    NEITHER,
    Figure,
    Judgement,
    Latency,
    Moment,
    Report,
    Run,
    Series,
    Span,
)

DURATION_S, BINS = 240.0, 480
TRACKS = {1: (0.0, 150.0), 2: (20.0, 235.0), 3: (60.0, 110.0), 7: (160.0, 240.0)}
LABELS = ("neutral", "happiness", "neutral", "surprise", "anger", "neutral", "sadness")
COEFFICIENTS = tuple(
    f"{part}{side}" for part in ("browDown", "eyeBlink", "mouthSmile", "cheekPuff", "mouthLowerDown") for side in "LR"
)
REGIONS = ("brow", "eye", "nose", "cheek", "mouth")
EVIL = "</script><script>document.title='evil'</script><img src=x onerror=alert(1)> & \"quotes\" %{y}"
"""What a bag may hold as a name of anything."""


def full_report(name: str = "bag lobby_2026-03-04 (MCAP, 3 files)") -> Report:
    """Four faces, gaps, expressions, decisions, drops, verdicts, damage and notes."""
    return Report(
        run=Run(
            command="face1d replay lobby_2026-03-04 --truth truth.npz --smoothing.strength 0.7",
            source=name,
            topic="/head_front_camera/color/image_raw",
            frames=7191,
            duration_s=DURATION_S,
            rate_hz=29.97,
            width=1280,
            height=720,
            settings={"smoothing_node": {"strength": 0.7}, "landmarks_node": {"max_faces": 4}},
            models={
                "landmarks": "MediaPipe 0.10.21 face mesh on TensorFlow Lite on the CPU",
                "smoothing": "smoothing_gru_478 1 on onnxruntime-cpu",
                "expression": "expression_cnn_landmarks 1 on onnxruntime-cpu",
            },
            conditions={"cpu": "AMD EPYC 7763", "cores": 2, "python": "3.11.9", "versions": {"numpy": "1.26.4"}},
            wall_s=31.4,
            left_out={"of another size": 12, "damaged": 3},
            damage=("lobby_2.mcap ends in the middle of a chunk at byte 73 400 320; about 90 messages are lost.",),
        ),
        figures=_figures(),
        series=_series(),
        spans=_spans(),
        judgements=_judgements(),
        latencies=_latencies(),
        moments=_moments(),
        verdicts=judge(
            {"nme_percent": 1.42, "latency_ms": 17.3, "jitter_px": 0.31, "mesh_error_mm": 1.9},
            data="real",
            conditions="this source, landmarks smoothed; latency: p95 of all stages",
        ),
        notes=("Stamps jump back once, at 121.4 s.", "Curves are of the 4 faces that were there longest."),
        truth="truth.npz, 7191 frames of one face",
    )


def almost_empty_report() -> Report:
    """A bag that could not be read but for its first frames, without a face in them."""
    return Report(
        Run("face1d replay dark.db3", "bag dark.db3", frames=3, duration_s=0.0667, damage=("The file ends early.",)),
        figures=(Figure("run.frames", "frames", 3.0), Figure("faces.tracks", "tracks", 0.0)),
        notes=("Not recorded: face1d/mesh, face1d/expression, face1d/identity.",),
    )


def picture(shade: int, width: int = 320, height: int = 180) -> bytes:
    """A JPEG."""
    image = np.full((height, width, 3), shade, np.uint8)
    cv2.circle(image, (width // 2, height // 2), height // 3, (208, 224, 64), 2, cv2.LINE_AA)
    return bytes(cv2.imencode(".jpg", image)[1])


def wave(key: str, name: str, unit: str, track_id: int | None, middle: float, reach: float) -> Series:
    """A curve with a range, while its face is there, with a gap in the middle."""
    begin, end = TRACKS.get(track_id or 0, (0.0, DURATION_S))
    t_s = np.linspace(begin, end, BINS, dtype=np.float32)
    phase = 0.7 * (track_id or 0) + len(key)
    mean = middle + reach * np.sin(t_s / 9.0 + phase) * np.cos(t_s / 31.0)
    mean[200:215] = np.nan
    spread = reach * (0.1 + 0.15 * np.abs(np.sin(t_s)))
    return Series(
        key, name, unit, track_id, t_s, *(np.asarray(one, np.float32) for one in (mean, mean - spread, mean + spread))
    )


def _series() -> tuple[Series, ...]:
    count = np.zeros(BINS, np.float32)
    t_s = np.linspace(0.0, DURATION_S, BINS, dtype=np.float32)
    for begin, end in TRACKS.values():
        count += (t_s >= begin) & (t_s <= end)
    found = [Series("faces.count", "faces", "", None, t_s, count, count, count)]
    for track_id in TRACKS:
        found += [
            wave("faces.size_px", "size of the face", "px", track_id, 160.0 + 9 * track_id, 20.0),
            wave("faces.confidence", "detector's confidence", "", track_id, 0.93, 0.05),
            *(
                wave(f"stability.{side}.{measure}_percent", f"{measure}, {name}", "%", track_id, middle, middle / 4)
                for side, name, middle in (("raw", "as detected", 0.16), ("smoothed", "smoothed", 0.07))
                for measure in ("sta1", "sta2")
            ),
            wave("expression.intensity", "intensity", "", track_id, 0.4, 0.3),
            wave("expression.confidence", "confidence of the label", "", track_id, 0.8, 0.15),
            *(wave(f"action.AU{n}", f"AU{n} lip corner puller left", "", track_id, 0.3, 0.04 * n) for n in range(20)),
            *(wave(f"pose.{axis}_deg", axis, "°", track_id, 0.0, 25.0) for axis in ("yaw", "pitch", "roll")),
            wave("pose.distance_m", "distance from the camera", "m", track_id, 1.2, 0.3),
            *(wave(f"coefficient.{name}", name, "", track_id, 0.4, 0.3) for name in COEFFICIENTS),
            wave("mesh.residual_px", "residual of the fit", "px", track_id, 4.0, 1.0),
            wave("asymmetry.overall", "overall", "", track_id, 0.1, 0.05),
            *(
                wave(f"asymmetry.{kind}.{region}", f"{kind}, {region}", "", track_id, 0.0, 0.6)
                for kind in ("motion", "position")
                for region in REGIONS
            ),
        ]
    found += [
        wave("identity.score", "similarity", "", 2, 0.6, 0.2),
        wave("identity.threshold", "needed", "", 2, 0.55, 0.0),
    ]
    return tuple(found)


def _spans() -> tuple[Span, ...]:
    found = [Span("track", track_id, "", *times) for track_id, times in TRACKS.items()]
    for track_id, (begin, end) in TRACKS.items():
        edges = np.linspace(begin, end, len(LABELS) + 1).tolist()
        for label, from_s, to_s in zip(LABELS, edges, edges[1:], strict=False):
            found.append(Span("label", track_id, label, from_s, to_s))
            if label != "neutral":
                third = (to_s - from_s) / 5.0
                found += [
                    Span("phase", track_id, "onset", from_s, from_s + third),
                    Span("phase", track_id, "apex", from_s + third, to_s - third),
                    Span("phase", track_id, "offset", to_s - third, to_s),
                ]
    return (*found, Span("bridged", 2, "", 70.0, 74.0), Span("no_face", None, "", 12.0, 14.5))


def _judgements() -> tuple[Judgement, ...]:
    return (
        Judgement(2, 31.0, "not_enough_motion", "", None, None, None, "", 25.0, 31.0),
        Judgement(2, 48.0, "verified", "anna", 0.812, 0.55, 0.262, "motion only", 40.0, 48.0),
        Judgement(1, 90.0, "rejected", "anna", 0.214, 0.55, -0.336, "motion and appearance", 80.0, 90.0),
        Judgement(7, 199.0, "no_match", "", 0.401, 0.55, -0.149, "motion only", 190.0, 199.0),
    )


def _latencies() -> tuple[Latency, ...]:
    found = []
    stages = (
        ("landmarks", 8.0),
        ("smoothing", 0.6),
        ("mesh", 1.1),
        ("expression", 0.7),
        ("identity", 0.05),
        ("all", 11.0),
    )
    for number, (stage, middle) in enumerate(stages):
        edges = middle * 1.127 ** np.arange(-8, 17, dtype=np.float32)
        counts = np.round(1e3 * np.exp(-((np.arange(24) - 8.0) ** 2) / 10.0) + 3.0 * (np.arange(24) > 15))
        times = (middle, 1.6 * middle, 2.4 * middle, 6.0 * middle)
        found.append(
            Latency(stage, 7191, 17 * (number == 0), *times, edges.astype(np.float32), counts.astype(np.float32))
        )
    return tuple(found)


def _moments() -> tuple[Moment, ...]:
    told = (
        ("appears", "face 1 appears"),
        ("several", "three faces at once"),
        ("apex", "happiness at its apex, face 2"),
        ("judged", "face 2 is verified as anna"),
        ("lost", "face 3 is lost"),
        ("regular", "at regular distances"),
    )
    return tuple(
        Moment(7.0 + 38.0 * number, caption, kind, picture(40 + 25 * number))
        for number, (kind, caption) in enumerate(told)
    )


def _figures() -> tuple[Figure, ...]:
    rows: tuple[tuple[str, str, float | None, str, str], ...] = (
        ("run.frames", "frames", 7191.0, "", NEITHER),
        ("faces.tracks", "tracks", 4.0, "", NEITHER),
        ("faces.with_face_percent", "frames with a face", 97.4, "%", HIGHER),
        ("faces.most_at_once", "most faces at once", 3.0, "", NEITHER),
        ("stability.raw.sta1_percent", "sta1, as detected", 0.163, "%", LOWER),
        ("stability.raw.sta2_percent", "sta2, as detected", 0.151, "%", LOWER),
        ("stability.smoothed.sta1_percent", "sta1, smoothed", 0.0713, "%", LOWER),
        ("stability.smoothed.sta2_percent", "sta2, smoothed", 0.0612, "%", LOWER),
        ("stability.ratio.sta1", "sta1, smoothed over raw", 0.437, "", LOWER),
        ("expression.share.neutral_percent", "share of neutral", 61.0, "%", NEITHER),
        ("expression.share.happiness_percent", "share of happiness", 22.0, "%", NEITHER),
        ("expression.events.apex", "events: apex", 16.0, "", NEITHER),
        ("pose.yaw_highest_deg", "yaw, highest", 41.3, "°", NEITHER),
        ("asymmetry.overall", "asymmetry, overall", 0.11, "", NEITHER),
        ("identity.verified", "verified", 1.0, "", NEITHER),
        ("age.landmarks.p95_ms", "age of landmarks when recorded, p95", 21.4, "ms", LOWER),
        ("accuracy.raw.nme_percent", "NME, as detected", 1.31, "%", LOWER),
        ("accuracy.smoothed.nme_percent", "NME, smoothed", 1.42, "%", LOWER),
        ("accuracy.smoothed.auc_8", "AUC@8, smoothed", None, "", HIGHER),
        ("accuracy.labels_percent", "accuracy of labels", 88.2, "%", HIGHER),
    )
    return tuple(Figure(*row) for row in rows)

"""Records what MediaPipe finds on scikit-image's astronaut photo: the example in docs/messages.md.

    python docs/examples/record_astronaut.py

writes face1d_ros/cli/astronaut_face.json. Recorded, not computed when the page is made, because the last
digits depend on the processor.
"""

from __future__ import annotations

import json
import time
from importlib import metadata
from pathlib import Path

import mediapipe as mp
import numpy as np
from skimage.data import astronaut

OUTPUT = Path(__file__).resolve().parents[2] / "face1d_ros" / "cli" / "astronaut_face.json"


def main() -> None:
    image = astronaut()
    height, width = image.shape[:2]
    with mp.solutions.face_detection.FaceDetection() as detector:
        score = detector.process(image).detections[0].score[0]
    with mp.solutions.face_mesh.FaceMesh(refine_landmarks=True) as mesh:
        mesh.process(image)
        began_s = time.perf_counter()
        face = mesh.process(image).multi_face_landmarks[0]
        duration_s = time.perf_counter() - began_s
    points = np.array([(point.x * width, point.y * height, point.z * width) for point in face.landmark])
    points[:, :2] -= 0.5  # (0, 0) is the centre of the first pixel
    points[:, 2] -= points[:, 2].mean()
    record = {
        "model": f"mediapipe-face-mesh {metadata.version('mediapipe')}",
        "image_width": width,
        "image_height": height,
        "duration_s": round(duration_s, 5),
        "confidence": round(score, 4),
        "points": [[round(value, 3) for value in point] for point in points.tolist()],
    }
    OUTPUT.write_text(json.dumps(record) + "\n", encoding="utf-8")
    print(f"wrote {OUTPUT}: {len(points)} points")


if __name__ == "__main__":
    main()

"""OpenCV and MediaPipe, with the system libraries they load."""

from __future__ import annotations

import re

from face1d_ros.cli.checks.check import Check, Level, ProbeFailure, probe

PIP_INSTALL = "pip install 'mediapipe==0.10.21' (0.10.18 on aarch64)"
DEBIAN_PACKAGES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libGLESv2.so.2": "libgles2",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libusb-1.0.so.0": "libusb-1.0-0",
}


def opencv() -> Check:
    """Whether cv2 loads."""
    answer = probe("import json, cv2; print(json.dumps(cv2.__version__))")
    if isinstance(answer, ProbeFailure):
        return Check("OpenCV", Level.PROBLEM, f"does not load: {answer.reason}", _advice(answer))
    return Check("OpenCV", Level.OK, answer, details=answer)


def mediapipe() -> Check:
    """Whether MediaPipe loads and has the face models inside."""
    answer = probe(
        "import json, os, mediapipe as m; root = os.path.dirname(m.__file__);"
        "names = ('face_landmark/face_landmark_front_cpu.binarypb', 'face_detection/face_detection_short_range.tflite',"
        " 'face_landmark/face_landmark_with_attention.tflite', 'face_landmark/face_landmark.tflite');"
        "print(json.dumps({'version': m.__version__,"
        " 'missing': [n for n in names if not os.path.isfile(os.path.join(root, 'modules', n))]}))"
    )
    if isinstance(answer, ProbeFailure):
        return Check("MediaPipe", Level.PROBLEM, f"does not load: {answer.reason}", _advice(answer))
    if answer["missing"]:
        found = f"{answer['version']}, without face models"
        advice = f"{PIP_INSTALL}, or set landmarks_node's model_file to a face_landmarker.task"
        return Check("MediaPipe", Level.PROBLEM, found, advice, answer)
    return Check(
        "MediaPipe",
        Level.OK,
        f"{answer['version']}, face detection and face mesh models inside",
        details=answer,
    )


def _advice(failure: ProbeFailure) -> str:
    if library := re.search(r"(\S+\.so[.\d]*): cannot open shared object", failure.output):
        package = DEBIAN_PACKAGES.get(library[1])
        return f"sudo apt-get install {package}" if package else f"install the system library {library[1]}"
    return f"run `make setup` again, or {PIP_INSTALL}"

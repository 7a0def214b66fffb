from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mediapipe
import numpy as np
import pytest
from detector_pictures import astronaut
from mediapipe.tasks.python.components.containers.category import Category
from mediapipe.tasks.python.components.containers.landmark import NormalizedLandmark

from face1d_ros.config import LandmarksConfig
from face1d_ros.detect.detector import make_detector
from face1d_ros.detect.installed import INSTALL
from face1d_ros.detect.quiet_start import STDERR, quiet_start
from face1d_ros.detect.task_file import PARTS, TaskFileDetector
from face1d_ros.errors import DetectorError, ModelFileError

HERE = Path(__file__).parent
MODELS = Path(mediapipe.__file__).parent / "modules"


@pytest.fixture
def assembled(tmp_path: Path) -> Path:
    """A task file made of the bundled models: the task starts and searches with it, but cannot read its mesh."""
    path = tmp_path / "assembled.task"
    sources = (
        "face_detection/face_detection_short_range.tflite",
        "face_landmark/face_landmark_with_attention.tflite",
        "iris_landmark/iris_landmark.tflite",
    )
    with zipfile.ZipFile(path, "w") as bundle:
        for part, source in zip(PARTS, sources, strict=True):
            bundle.write(MODELS / source, part)
    return path


MAKE = "from face1d_ros.detect.detector import make_detector; from face1d_ros.config import LandmarksConfig;"
NEWER = "import types; sys.modules['mediapipe'] = m = types.ModuleType('mediapipe'); m.__version__ = '0.10.32';"


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("prepare", "problem", "what_to_do"),
    [
        ("sys.modules['mediapipe'] = None;", "is not installed", INSTALL),
        ("sys.modules['mediapipe'] = sys.modules['google.protobuf'] = None;", "is not installed", INSTALL),
        ("sys.modules['mediapipe.python'] = None;", "does not load", "`face1d doctor`"),
        (f"{NEWER} sys.modules['mediapipe.python'] = None;", "0.10.32 brings no face models with it", INSTALL),
    ],
    ids=["not installed", "nor what it brings", "broken", "without models"],
)
def test_without_mediapipe_or_its_models_the_error_says_what_to_do(prepare: str, problem: str, what_to_do: str) -> None:
    result = run(f"import sys; {prepare} {MAKE} make_detector(LandmarksConfig())")
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert "DetectorMissingError: no face detector: MediaPipe" in last
    assert problem in last and what_to_do in last


def test_mediapipe_is_loaded_without_what_no_face_needs_and_is_whole_when_asked() -> None:
    heavy = "[name for name in ('matplotlib', 'sounddevice') if name in sys.modules]"
    result = run(
        f"import sys; {MAKE} make_detector(LandmarksConfig()).close(); print({heavy});"
        "import mediapipe; print(mediapipe.__version__, hasattr(mediapipe, '__other__'), 'tasks' in dir(mediapipe));"
        "print(mediapipe.solutions.face_mesh.__name__, mediapipe.tasks.vision.FaceLandmarker.__name__)"
    )
    assert result.stdout.splitlines() == [
        "[]",
        f"{mediapipe.__version__} False False",
        "mediapipe.python.solutions.face_mesh FaceLandmarker",
    ], result.stderr


@pytest.mark.parametrize(
    "wanted",
    [
        "import mediapipe.tasks.python.vision as v; import mediapipe; mediapipe.tasks.BaseOptions",
        "from face1d_ros.detect.installed import load_tasks; load_tasks().BaseOptions",
        "from mediapipe import *; solutions.face_mesh.FaceMesh",
        "import mediapipe.solutions",
        "import mediapipe; mediapipe.solutions; mediapipe.tasks.BaseOptions; assert type(mediapipe) is type(sys)",
    ],
)
def test_whoever_uses_mediapipe_afterwards_finds_it_whole(wanted: str) -> None:
    before = run(f"import sys; {wanted}")
    after = run(f"import sys; {MAKE} make_detector(LandmarksConfig()).close(); {wanted}")
    assert (after.returncode, after.stderr.splitlines()[-1:]) == (before.returncode, before.stderr.splitlines()[-1:])


def test_threads_that_want_the_rest_at_once_all_get_it() -> None:
    result = run(
        f"import threading; {MAKE} make_detector(LandmarksConfig()).close(); import mediapipe; found = [];"
        "threads = [threading.Thread(target=lambda: found.append(mediapipe.solutions)) for _ in range(4)];"
        "[thread.start() for thread in threads]; [thread.join() for thread in threads]; print(len(found))"
    )
    assert result.stdout.strip() == "4", result.stderr


def test_the_rest_that_cannot_be_loaded_says_why_each_time() -> None:
    result = run(
        f"import sys; {MAKE} make_detector(LandmarksConfig()).close(); import mediapipe\n"
        "sys.modules['matplotlib'] = None\n"
        "for _ in range(2):\n"
        "    try: mediapipe.solutions\n"
        "    except ImportError as error: print('matplotlib' in str(error))"
    )
    assert result.stdout.split() == ["True", "True"], result.stderr


@pytest.mark.parametrize("whole", [False, True], ids=["in part", "whole"])
def test_faces_are_the_same_however_much_of_mediapipe_is_loaded(whole: bool) -> None:
    result = run(
        f"import sys; sys.path.insert(0, {str(HERE)!r}); {'import mediapipe;' if whole else ''} {MAKE}"
        "from detector_pictures import astronaut;"
        "detector = make_detector(LandmarksConfig()); faces = [detector.detect(astronaut()) for _ in range(3)];"
        "print([face[0].points.sum(dtype=float).hex() for face in faces], 'matplotlib' in sys.modules)"
    )
    detector = make_detector(LandmarksConfig())
    faces = [detector.detect(astronaut()) for _ in range(3)]
    detector.close()
    expected = [face[0].points.sum(dtype=float).hex() for face in faces]
    assert result.stdout.strip() == f"{expected} {whole}", result.stderr


def test_settings_that_would_be_lost_are_refused() -> None:
    result = run(
        f"{MAKE} from face1d_ros.detect import graph;"
        "graph.MESSAGES = tuple(name for name in graph.MESSAGES if 'image_to_tensor' not in name);"
        "make_detector(LandmarksConfig())"
    )
    assert "DetectorError: MediaPipe" in result.stderr.splitlines()[-1]
    assert "settings of ImageToTensorCalculator that are not known here" in result.stderr


def test_a_task_file_that_is_not_there() -> None:
    with pytest.raises(ModelFileError, match=r"'/nowhere/face_landmarker\.task' is not there; take"):
        make_detector(LandmarksConfig(model_file="/nowhere/face_landmarker.task"))


def test_a_file_that_is_no_task_file(tmp_path: Path) -> None:
    (tmp_path / "text.task").write_text("not a model")
    with pytest.raises(DetectorError, match="is no task file"):
        make_detector(LandmarksConfig(model_file=str(tmp_path / "text.task")))


def test_a_task_file_for_something_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "hand.task", "w") as bundle:
        bundle.writestr("hand_detector.tflite", b"")
    with pytest.raises(ModelFileError, match=r"has no face_blendshapes\.tflite, face_detector\.tflite"):
        make_detector(LandmarksConfig(model_file=str(tmp_path / "hand.task")))


def test_a_task_file_with_broken_models(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "broken.task", "w") as bundle:
        for part in PARTS:
            bundle.writestr(part, b"no model")
    with pytest.raises(DetectorError, match="was refused by MediaPipe"):
        make_detector(LandmarksConfig(model_file=str(tmp_path / "broken.task")))


def test_a_task_file_has_no_full_range(assembled: Path) -> None:
    with pytest.raises(DetectorError, match="detection_range"):
        make_detector(LandmarksConfig(model_file=str(assembled), detection_range="full"))


def test_the_task_runs_and_survives_a_failure(assembled: Path) -> None:
    detector = make_detector(LandmarksConfig(model_file=str(assembled)))
    empty = np.zeros((120, 160, 3), np.uint8)
    assert detector.detect(empty) == ()
    with pytest.raises(DetectorError, match="MediaPipe broke"):
        detector.detect(astronaut())
    assert detector.detect(empty) == ()
    detector.reset()
    assert detector.detect(empty) == ()
    detector.close()
    detector.close()
    with pytest.raises(DetectorError, match="closed"):
        detector.detect(empty)


@dataclass
class Result:
    """What the task answers with, in MediaPipe's own containers, the faces made up."""

    face_landmarks: list[list[NormalizedLandmark]]
    face_blendshapes: list[list[Category]]


def made_up(centers: list[float]) -> Result:
    spread = np.linspace(-0.1, 0.1, 478)
    landmarks = [[NormalizedLandmark(x=c + s, y=0.5 + s, z=s) for s in spread] for c in centers]
    shapes = [[Category(index=i, score=i / 51 * c, category_name=str(i)) for i in range(52)] for c in centers]
    return Result(landmarks, shapes)


@pytest.mark.parametrize("topology", [468, 478])
def test_what_a_task_answers_becomes_faces(assembled: Path, monkeypatch: pytest.MonkeyPatch, topology: int) -> None:
    config = LandmarksConfig(model_file=str(assembled), max_faces=1, topology=topology)
    detector: Any = TaskFileDetector(config)
    answers = iter([made_up([0.3, 0.7]), made_up([0.7, 0.31]), made_up([])])
    monkeypatch.setattr(detector._task, "detect_for_video", lambda image, stamp_ms: next(answers))
    image = np.zeros((100, 200, 3), np.uint8)
    first, second, none = (detector.detect(image) for _ in range(3))
    detector.close()
    assert len(first) == 1 and first[0].points.shape == (topology, 3)
    np.testing.assert_allclose(first[0].points[0], (40.0, 40.0, -20.0), atol=1e-4)
    np.testing.assert_allclose(first[0].blendshapes, np.arange(52) / 51 * 0.3, atol=1e-6)
    assert np.isnan(first[0].confidence)
    assert len(second) == 1 and second[0].points[0, 0] == pytest.approx(42.0, abs=1e-3)  # the same face goes on
    assert none == ()


@pytest.mark.parametrize(("points", "shapes", "said"), [(400, 52, "gives 400 points"), (478, 51, "51 blendshapes")])
def test_a_task_that_answers_otherwise_is_refused(
    assembled: Path, monkeypatch: pytest.MonkeyPatch, points: int, shapes: int, said: str
) -> None:
    detector: Any = TaskFileDetector(LandmarksConfig(model_file=str(assembled)))
    answer = made_up([0.5])
    cut = Result([answer.face_landmarks[0][:points]], [answer.face_blendshapes[0][:shapes]])
    monkeypatch.setattr(detector._task, "detect_for_video", lambda image, stamp_ms: cut)
    with pytest.raises(DetectorError, match=said):
        detector.detect(np.zeros((100, 200, 3), np.uint8))
    detector.close()


def test_foreign_lines_on_stderr_are_kept(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_start():
        os.write(STDERR, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
        os.write(STDERR, b"W0000 00:00:1795236917.634005   26702 some_file.cc:114] chatter\n")
        os.write(STDERR, b"somebody else's line\n")
    assert capfd.readouterr().err == "somebody else's line\n"

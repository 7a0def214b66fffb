"""`face1d run`: a source through the stages in one process, and everything it leaves behind."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from rosbags.highlevel import AnyReader

from face1d_ros.cli.run import command
from face1d_ros.convert.bag import from_bag
from face1d_ros.errors import PathError, RecordingError, SourceBrokenOffError, SourceNotFoundError
from face1d_ros.replay.pipeline import Pipeline
from face1d_ros.sources.portrait import AnimatedPortrait
from face1d_ros.types import FaceLandmarksArray

ROOT = Path(__file__).parents[2]
FAST = ("--headless", "--as-fast-as-possible")
DEADLINE_S = 30.0


def run(*arguments: object) -> Result:
    """In this process."""
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def start(*arguments: object, code: str = "from face1d_ros.cli.main import main; main()", **options: Any) -> Any:
    """In a process of its own."""
    words = [sys.executable, "-c", code, "run", *map(str, arguments)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    return subprocess.Popen(words, cwd=ROOT, **options)


RAW, SMOOTHED, MESH, EXPRESSION, IDENTITY = (
    f"/face1d/{name}" for name in ("landmarks_raw", "landmarks", "mesh", "expression", "identity")
)
TOPICS = (EXPRESSION, IDENTITY, SMOOTHED, RAW, MESH)


def results(bag: Path, topic: str = RAW) -> list[FaceLandmarksArray]:
    with AnyReader([bag]) as reader:
        assert sorted(connection.topic for connection in reader.connections) == list(TOPICS)
        chosen = [connection for connection in reader.connections if connection.topic == topic]
        return [from_bag(reader.deserialize(data, c.msgtype)) for c, _, data in reader.messages(chosen)]


def bits(value: Any) -> Any:
    """All of a value but how long it took, comparable to the last bit."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, tuple):
        return tuple(map(bits, value))
    if dataclasses.is_dataclass(value):
        return tuple((f.name, bits(getattr(value, f.name))) for f in dataclasses.fields(value) if f.name != "info")
    return repr(value)


def video_length(path: Path) -> int:
    capture, count = cv2.VideoCapture(str(path)), 0
    while capture.read()[0]:
        count += 1
    return count


def wait_for_messages(bag: Path, process: Any) -> None:
    """Until a second of results has reached the disk; the first one goes there at once."""
    end_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < end_s:
        if sum(file.stat().st_size for file in bag.glob("*.mcap")) > 30_000:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    raise AssertionError(f"nothing was written within {DEADLINE_S:g} s")


def test_it_needs_no_ros_and_no_torch_and_writes_bag_and_video(tmp_path: Path) -> None:
    absent = ["rclpy", "torch", "face1d_ros.msg", "std_msgs", "sensor_msgs", "geometry_msgs", "builtin_interfaces"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({absent}))\n"
        "from face1d_ros.cli.main import main\n"
        "try: main()\n"
        "finally: assert not [m for m in sys.modules if m.startswith('face1d_ros.nodes')]"
    )
    outputs = ("--bag", tmp_path / "bag", "--video", tmp_path / "film.mp4")
    said, errors = start(*FAST, "--max-frames", 20, *outputs, code=code).communicate(timeout=DEADLINE_S)
    assert "Traceback" not in errors
    assert "Faces track 1 in 20 of 20 frames" in said
    found = results(tmp_path / "bag")
    assert [value.header.stamp_ns for value in found] == [round(index * 1e9 / 30) for index in range(20)]
    assert [value.info.used for value in found] == list(range(1, 21))
    assert all(0.0 < value.info.duration_s < 5.0 for value in found)
    smoothed = results(tmp_path / "bag", SMOOTHED)
    assert [value.header.stamp_ns for value in smoothed] == [value.header.stamp_ns for value in found]
    assert all(value.info.stage == "smoothing" and len(value.faces) == 1 for value in smoothed)
    assert any((one.faces[0].points != other.faces[0].points).any() for one, other in zip(found, smoothed, strict=True))
    assert video_length(tmp_path / "film.mp4") == 20
    plain = next(AnimatedPortrait().frames()).image
    drawn = cv2.cvtColor(cv2.VideoCapture(str(tmp_path / "film.mp4")).read()[1], cv2.COLOR_BGR2RGB)
    face, corner = np.s_[180:300, 260:380], np.s_[:40, :40]
    assert np.abs(drawn[corner].astype(int) - plain[corner]).mean() < 10
    assert np.abs(drawn[face].astype(int) - plain[face]).mean() > 15


def test_the_same_frames_give_the_same_values_at_any_speed(tmp_path: Path) -> None:
    for name in "ab":
        assert run(*FAST, "--max-frames", 30, "--bag", tmp_path / name).exit_code == 0
    slow = run("--headless", "--max-frames", 10, "--camera.rate-hz", 8, "--bag", tmp_path / "c")
    assert slow.exit_code == 0
    fast = run(*FAST, "--max-frames", 10, "--camera.rate-hz", 8, "--bag", tmp_path / "d")
    assert fast.exit_code == 0
    first, again, paced, unpaced = (bits(tuple(results(tmp_path / name))) for name in "abcd")
    assert len(first) == 30
    assert first == again
    assert paced == unpaced
    assert paced != first[:10]


def test_in_real_time_the_newest_frame_wins_and_the_others_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Pipeline.process

    def slower_than_the_source(*arguments: Any, **options: Any) -> Any:
        time.sleep(0.01)
        return process(*arguments, **options)

    monkeypatch.setattr(Pipeline, "process", slower_than_the_source)
    size = ("--camera.width", 320, "--camera.height", 240)
    done = run("--headless", "--camera.rate-hz", 240, *size, "--max-frames", 60, "--bag", tmp_path / "bag")
    assert done.exit_code == 0, done.output
    found = results(tmp_path / "bag")
    numbers = [round(value.header.stamp_ns * 240 / 1e9) for value in found]
    assert numbers == sorted(set(numbers))
    for number, value in zip(numbers, found, strict=True):
        assert value.info.received == value.info.used + value.info.dropped
        assert value.info.received - 1 >= number
    assert found[-1].info.used == 60
    assert found[-1].info.dropped > 0


def test_ctrl_c_leaves_a_complete_bag_and_video(tmp_path: Path) -> None:
    process = start("--headless", "--bag", tmp_path / "bag", "--video", tmp_path / "film.mp4")
    wait_for_messages(tmp_path / "bag", process)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    count = len(results(tmp_path / "bag"))
    assert f"Faces track 1 in {count} of {count} frames" in said
    assert video_length(tmp_path / "film.mp4") >= count > 3


def test_a_calibration_gives_head_poses_of_that_camera(tmp_path: Path) -> None:
    path = tmp_path / "calibration.yaml"
    identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    fields = {
        "camera_matrix": [900.0, 0.0, 319.5, 0.0, 900.0, 239.5, 0.0, 0.0, 1.0],
        "distortion_coefficients": [0.0] * 5,
        "rectification_matrix": identity,
        "projection_matrix": [900.0, 0.0, 319.5, 0.0, 0.0, 900.0, 239.5, 0.0, 0.0, 0.0, 1.0, 0.0],
    }
    matrices = {name: {"data": data} for name, data in fields.items()}
    path.write_text(json.dumps({"image_width": 640, "image_height": 480, "distortion_model": "plumb_bob", **matrices}))
    poses = []
    for name, options in (("assumed", ()), ("calibrated", ("--camera.calibration", path))):
        result = run(*FAST, "--max-frames", 3, "--bag", tmp_path / name, "--mesh.model", "none", *options)
        assert result.exit_code == 0, result.output
        poses.append(results(tmp_path / name, MESH)[-1].faces[0])
    assumed, calibrated = poses
    assert assumed.intrinsics_assumed and not calibrated.intrinsics_assumed
    focal_px = 320.0 / math.tan(math.radians(30.0))
    assert calibrated.pose.position[2] / assumed.pose.position[2] == pytest.approx(900.0 / focal_px, rel=0.1)


def test_closed_standard_streams_get_into_no_file(tmp_path: Path) -> None:
    def close_all() -> None:
        for descriptor in range(3):
            os.close(descriptor)

    process = start(
        *FAST, "--max-frames", 10, "--bag", tmp_path / "bag", stdout=None, stderr=None, preexec_fn=close_all
    )
    assert process.wait(DEADLINE_S) == 0
    assert len(results(tmp_path / "bag")) == 10


def test_a_source_that_breaks_off_is_told_after_its_last_frame(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.avi", tmp_path / "cut.avi"
    writer = cv2.VideoWriter(str(whole), cv2.VideoWriter.fourcc(*"MJPG"), 30.0, (640, 480))
    for _, frame in zip(range(30), AnimatedPortrait().frames(), strict=False):
        writer.write(cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR))
    writer.release()
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    done = run(cut, *FAST, "--bag", tmp_path / "bag")
    assert isinstance(done.exception, SourceBrokenOffError)
    found = results(tmp_path / "bag")
    assert 10 < len(found) < 25
    assert all(value.faces for value in found)
    assert f"of {len(found)} frames" in done.output


def test_a_full_disk_ends_the_run_and_leaves_complete_files(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, 700_000))\n"
    code = limit + "from face1d_ros.cli.main import main; main()"
    process = start(*FAST, "--bag", tmp_path / "bag", code=code)
    said, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 1
    assert "has ended: File too large" in errors
    assert "Traceback" not in errors
    found = results(tmp_path / "bag")
    assert len(found) == 31  # the first frame, and the second after it, were safe
    assert f"({sum(len(results(tmp_path / 'bag', topic)) for topic in TOPICS)} messages" in said


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_text("precious")
    for arguments in (("--bag", tmp_path), ("--video", tmp_path / "film.mp4")):
        done = run(*FAST, *arguments)
        assert isinstance(done.exception, RecordingError)
        assert "exists already" in str(done.exception)
    assert (tmp_path / "film.mp4").read_text() == "precious"


def test_one_name_for_bag_and_video_is_refused(tmp_path: Path) -> None:
    done = run(*FAST, "--bag", tmp_path / "x.mp4", "--video", tmp_path / "x.mp4")
    assert isinstance(done.exception, RecordingError)
    assert "cannot be the bag's folder and the video's file at once" in str(done.exception)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", [None, "--bag", "--video"])
def test_a_home_that_nobody_has_is_refused(option: str | None) -> None:
    done = run(*FAST, *((option, "~no_such_user/x.mp4") if option else ("~no_such_user/x.mp4",)))
    assert isinstance(done.exception, PathError)


def test_what_cannot_be_opened_leaves_nothing_behind(tmp_path: Path) -> None:
    done = run(tmp_path / "nothing.mp4", *FAST, "--bag", tmp_path / "bag", "--video", tmp_path / "film.mp4")
    assert isinstance(done.exception, SourceNotFoundError)
    done = run(*FAST, "--bag", tmp_path / "bag", "--video", tmp_path / "nowhere" / "film.mp4")
    assert isinstance(done.exception, RecordingError)
    assert not list(tmp_path.iterdir())


def test_without_a_display_it_says_so_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    done = run("--as-fast-as-possible", "--max-frames", 2)
    assert done.exit_code == 0
    assert "No window: no display here; going on as with --headless\n" in done.output
    monkeypatch.setenv("DISPLAY", ":12345")
    done = run("--as-fast-as-possible", "--max-frames", 2)
    assert done.exit_code == 0
    assert "No window: the display :12345 cannot be used" in done.output


def test_settings_of_the_stages_are_options() -> None:
    done = run(*FAST, "--max-frames", 3, "--landmarks.min-face-px", 1000)
    assert "Faces none in 3 frames" in done.output
    done = run("--landmarks.max-faces", 9)
    assert done.exit_code == 2
    assert "9 is not in the range" in done.output
    assert "--landmarks.transport" not in run("--help").output


@pytest.mark.ros
def test_what_is_published_is_what_is_recorded(tmp_path: Path) -> None:
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from ros_domain import isolated

    from face1d_ros import msg
    from face1d_ros.convert import from_message

    environment = isolated()
    context = rclpy.Context()
    os.environ |= environment
    rclpy.init(context=context, domain_id=int(environment["ROS_DOMAIN_ID"]))
    node = rclpy.create_node("listener", context=context)
    heard: list[Any] = []
    node.create_subscription(msg.FaceLandmarksArray, "face1d/landmarks_raw", heard.append, 5)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    process = start("--headless", "--publish", "--bag", tmp_path / "bag")
    end_s = time.monotonic() + DEADLINE_S
    while len(heard) < 20 and time.monotonic() < end_s:
        executor.spin_once(timeout_sec=0.1)
    process.send_signal(signal.SIGTERM)
    said, errors = process.communicate(timeout=DEADLINE_S)
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)
    assert process.returncode == 0, errors
    recorded = {value.header.stamp_ns: value for value in results(tmp_path / "bag")}
    assert len(heard) >= 20
    for value in map(from_message, heard):
        assert bits(value) == bits(recorded[value.header.stamp_ns])
        assert repr(value.info) == repr(recorded[value.header.stamp_ns].info)
    assert f"{sum(len(results(tmp_path / 'bag', topic)) for topic in TOPICS)} messages published" in said

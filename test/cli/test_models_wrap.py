"""`face1d models wrap`: an ONNX file as other projects write it becomes a bundle that the identity stage takes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from click.testing import CliRunner, Result
from onnx import TensorProto, helper, numpy_helper

from face1d_ros.cli.models import command
from face1d_ros.engines.bundle import load_bundle
from face1d_ros.errors import BundleError, ExportError, Face1dError
from face1d_ros.stages.appearance_model import make_embedder, make_feature_reader

POINTS = ("--operating-point", "0.001=0.3", "--operating-point", "0.0001=0.4")
CHANNELS = 512


def foreign(path: Path, *, opset: int = 11, batch: Any = "None", extra: tuple[Any, ...] = (), side: int = 112) -> Path:
    """As an older exporter writes a small MobileFaceNet: PReLU, Dropout, numbers as names, weights among the inputs."""
    rng = np.random.default_rng(3)
    weights = {
        "w1": 0.05 * rng.standard_normal((CHANNELS, 3, 16, 16)),
        "slope": 0.1 + 0.1 * rng.random((CHANNELS, 1, 1)),
        "w2": 0.1 * rng.standard_normal((CHANNELS, 1, 7, 7)),
        "w3": 0.1 * rng.standard_normal((20, CHANNELS)),
        "b3": 0.1 * rng.standard_normal(20),
        "gain": 0.5 + rng.random(20),
    }
    nodes = [
        helper.make_node("Conv", ["input.1", "w1"], ["10"], strides=[16, 16]),
        helper.make_node("PRelu", ["10", "slope"], ["11"]),
        helper.make_node("Conv", ["11", "w2"], ["12"], group=CHANNELS),
        helper.make_node("Dropout", ["12"], ["13"]),
        helper.make_node("Flatten", ["13"], ["14"]),
        helper.make_node("Gemm", ["14", "w3", "b3"], ["15"], transB=1),
        helper.make_node("BatchNormalization", ["15", "gain", "b3", "b3", "gain"], ["683"]),
        *extra,
    ]
    initial = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    listed = [helper.make_tensor_value_info(one.name, TensorProto.FLOAT, list(one.dims)) for one in initial]
    image = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [batch, 3, side, side])
    out = helper.make_tensor_value_info("683", TensorProto.FLOAT, [batch, 20])
    graph = helper.make_graph(nodes, "torch-jit-export", [image, *listed], [out], initial)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=6), path)
    return path


def given_by(path: Path, images: np.ndarray) -> np.ndarray:
    """By ONNX Runtime from the file as it is. (ONNX's own reference takes old BatchNormalization for another.)"""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    found: np.ndarray = session.run(None, {"input.1": images})[0]
    return found


def run(*words: object) -> Result:
    return CliRunner().invoke(command, ["wrap", *map(str, words)])


def error_of(result: Result) -> Face1dError:
    assert isinstance(result.exception, Face1dError), (result.output, result.exception)
    return result.exception


@pytest.mark.parametrize("opset", [9, 11, 17])
def test_an_embedding_model_becomes_a_bundle_that_the_stage_runs_and_computes_the_same(
    tmp_path: Path, opset: int
) -> None:
    model, folder = foreign(tmp_path / "w600k.onnx", opset=opset), tmp_path / "mobile_face"
    done = run(model, "--output", folder, "--channels", "rgb", "--licence", "MIT", *POINTS)
    assert done.exit_code == 0, (done.output, done.exception)
    assert "gives 20" in done.output and f"appearance_model`: {folder}" in done.output
    manifest = load_bundle(folder).manifest
    assert (manifest.name, manifest.task, manifest.licence) == ("mobile_face", "face_embedding", "MIT")
    assert manifest.settings["operating_points"] == [[0.001, 0.3], [0.0001, 0.4]]
    assert manifest.settings["mean"] == 127.5 and manifest.parameters > CHANNELS * 3 * 256
    crop = np.random.default_rng(4).integers(0, 256, (112, 112, 3), np.uint8)
    numbers = ((crop.astype(np.float32) - 127.5) / 127.5).transpose(2, 0, 1)[None]
    expected = given_by(model, numbers)
    embedder = make_embedder(str(folder), "onnxruntime")
    np.testing.assert_allclose(embedder.embed(crop), expected[0] / np.linalg.norm(expected[0]), atol=1e-4)
    embedder.close()


def test_features_are_taken_from_the_middle_of_the_same_file(tmp_path: Path) -> None:
    model, folder = foreign(tmp_path / "w600k.onnx"), tmp_path / "maps"
    words = ("--task", "face_features", "--value", "11", "--channels", "bgr", "--mean", "1,2,3", "--scale", "0.01")
    done = run(model, "--output", folder, *words)
    assert done.exit_code == 0, (done.output, done.exception)
    assert "512 × 7 × 7" in done.output
    reader = make_feature_reader(str(folder), "onnxruntime")
    found = reader.features(np.full((112, 112, 3), 9, np.uint8))
    reader.close()
    kept = onnx.load_model_from_string(load_bundle(folder).model).graph.initializer
    assert found.shape == (512, 7, 7) and {one.name for one in kept} == {"w1", "slope"}


def test_what_another_framework_gave_is_the_golden_run(tmp_path: Path) -> None:
    model = foreign(tmp_path / "a.onnx")
    image = np.random.default_rng(5).random((2, 3, 112, 112), np.float32)
    right = given_by(model, image)
    for name, embedding, exit_code in (("right", right, 0), ("wrong", right + 0.1, 1)):
        np.savez(tmp_path / f"{name}.npz", image=image, embedding=embedding)
        golden = ("--golden", tmp_path / f"{name}.npz")
        done = run(model, "--output", tmp_path / name, "--channels", "rgb", *POINTS, *golden)
        assert done.exit_code == exit_code, done.output
    np.save(tmp_path / "array.npy", image)
    np.savez(tmp_path / "small.npz", image=image[:, :, :96, :96], embedding=right)
    for name in ("array.npy", "small.npz"):
        words = ("--output", tmp_path / "wrong", "--channels", "rgb", *POINTS, "--golden", tmp_path / name)
        error_of(run(model, *words))
    assert (tmp_path / "right").is_dir() and not (tmp_path / "wrong").exists()
    assert "golden run" in str(error_of(done))


@pytest.mark.parametrize(
    ("model", "words", "says"),
    [
        ({"batch": 1, "extra": ()}, (), ""),
        ({"side": 96}, (), r"its input is \[0, 3, 96, 96\], expected \(faces, 3, 112, 112\)"),
        ({}, ("--value", "99"), "it has no output '99'"),
        ({}, ("--task", "face_features"), r"'features' would be \(20,\), expected \(512, 7, 7\)"),
        ({}, ("--value", "11"), r"'embedding' would be \(512, 7, 7\), expected one vector"),
        ({}, ("--scale", "0"), "settings.scale"),
        ({}, ("--operating-point", "0.5=0.9"), "rising threshold"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(
    tmp_path: Path, model: dict[str, Any], words: tuple[str, ...], says: str
) -> None:
    folder = tmp_path / "made"
    done = run(foreign(tmp_path / "a.onnx", **model), "--output", folder, "--channels", "rgb", *POINTS, *words)
    if not says:
        assert done.exit_code == 0 and folder.is_dir()
        return
    with pytest.raises(Face1dError, match=says):
        raise error_of(done)
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]


def test_a_bundle_that_was_there_is_replaced_only_by_one_that_the_stage_takes(tmp_path: Path) -> None:
    model, folder = foreign(tmp_path / "a.onnx"), tmp_path / "made"
    words = (model, "--output", folder, "--channels", "rgb", *POINTS)
    assert run(*words).exit_code == 0
    before = (folder / "manifest.json").read_text()
    error_of(run(*words, "--scale", "0"))
    assert (folder / "manifest.json").read_text() == before
    assert run(*words, "--version", "2").exit_code == 0
    assert load_bundle(folder).manifest.version == "2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.onnx", "made"]


def test_a_file_with_operators_beyond_arithmetic_is_refused_before_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from face1d_ros.engines import wrapping

    monkeypatch.setattr(wrapping, "_run", None)
    model = foreign(tmp_path / "a.onnx", extra=(helper.make_node("RandomNormalLike", ["683"], ["noise"]),))
    words = ("--output", tmp_path / "made", "--channels", "rgb", "--value", "noise", *POINTS)
    error = error_of(run(model, *words))
    assert isinstance(error, BundleError) and "RandomNormalLike" in str(error)


def test_names_that_we_need_may_be_taken_in_the_file(tmp_path: Path) -> None:
    model = onnx.load(foreign(tmp_path / "a.onnx"))
    taken = {"10": "image", "11": "image_0", "12": "embedding"}
    for node in model.graph.node:
        node.input[:] = [taken.get(name, name) for name in node.input]
        node.output[:] = [taken.get(name, name) for name in node.output]
    onnx.save(model, tmp_path / "b.onnx")
    done = run(tmp_path / "b.onnx", "--output", tmp_path / "made", "--channels", "rgb", *POINTS)
    assert done.exit_code == 0, (done.output, done.exception)


def test_a_damaged_file_gives_a_typed_error_and_leaves_nothing(tmp_path: Path) -> None:
    whole = foreign(tmp_path / "a.onnx").read_bytes()
    rng = np.random.default_rng(11)
    refused = 0
    for _ in range(60):
        data = bytearray(whole)
        for place in (*rng.integers(0, 600, 2), len(data) - 1 - rng.integers(0, 600)):
            data[place] = rng.integers(256)
        (tmp_path / "a.onnx").write_bytes(data)
        done = run(tmp_path / "a.onnx", "--output", tmp_path / "made", "--channels", "rgb", *POINTS)
        if done.exit_code:
            error_of(done)
            refused += 1
            assert not (tmp_path / "made").exists()
        else:
            shutil.rmtree(tmp_path / "made")
    assert refused > 30


def test_what_is_no_model_or_has_its_weights_elsewhere_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.onnx"
    text.write_bytes(b"\xff\xffno model")
    words = ("--output", tmp_path / "made", "--channels", "rgb", *POINTS)
    assert isinstance(error_of(run(text, *words)), ExportError)
    split = tmp_path / "split"
    split.mkdir()
    onnx.save(onnx.load(foreign(tmp_path / "a.onnx")), split / "b.onnx", save_as_external_data=True, size_threshold=0)
    assert "its weights are in another file" in str(error_of(run(split / "b.onnx", *words)))


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "letter.txt").write_text("dear Ada")
    done = run(foreign(tmp_path / "a.onnx"), "--output", folder, "--channels", "rgb", *POINTS)
    assert "is no bundle; name another folder" in str(error_of(done))
    assert (folder / "letter.txt").read_text() == "dear Ada"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--output", "Bad Name"), "names the model"),
        (("--operating-point", "half"), "expected RATE=THRESHOLD"),
        (("--mean", "1,2"), "expected a number, or three"),
        (("--mean", "grey"), "expected a number, or three"),
    ],
)
def test_wrong_words_are_refused_by_the_option(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    done = run(foreign(tmp_path / "a.onnx"), "--output", tmp_path / "made", "--channels", "rgb", *POINTS, *words)
    assert done.exit_code == 2 and says in done.output


def test_without_measured_rates_no_embedding_is_taken(tmp_path: Path) -> None:
    done = run(foreign(tmp_path / "a.onnx"), "--output", tmp_path / "made", "--channels", "rgb", *POINTS[:2])
    assert done.exit_code == 2 and "two --operating-point or more" in done.output

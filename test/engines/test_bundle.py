from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engines.tiny_bundle import GAIN, LEAK, WIDTH, golden, network, write_bundle
from onnx import TensorProto, helper, numpy_helper

from face1d_ros.engines.bundle import SIZE_LIMITS, accept, golden_error, load_bundle
from face1d_ros.engines.onnxruntime_engine import OnnxRuntimeEngine
from face1d_ros.errors import BundleError


def refusal(folder: Path) -> str:
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    assert str(folder) in str(caught.value)
    return str(caught.value)


def test_a_sound_bundle_loads_and_computes_what_it_says(tmp_path: Path):
    bundle = load_bundle(write_bundle(tmp_path / "b"))
    assert bundle.manifest.memory[0].input == "state"
    assert accept(bundle, OnnxRuntimeEngine(bundle)) <= 1e-6


def test_the_manifest_survives_writing_and_reading(tmp_path: Path):
    first = load_bundle(write_bundle(tmp_path / "b")).manifest
    text = (tmp_path / "b" / "manifest.json").read_text()
    assert first.to_json() == text


def test_an_engine_that_computes_something_else_is_refused(tmp_path: Path):
    bundle = load_bundle(write_bundle(tmp_path / "b"))
    other = load_bundle(write_bundle(tmp_path / "c", network(values=values(gain=GAIN * 1.01))))
    engine = OnnxRuntimeEngine(other)
    assert golden_error(bundle, engine) > 1e-4
    with pytest.raises(BundleError, match="golden run on onnxruntime"):
        accept(bundle, engine)


def values(leak: Any = LEAK, gain: Any = GAIN) -> list[TensorProto]:
    return [
        numpy_helper.from_array(np.asarray(leak, np.float32), "leak"),
        numpy_helper.from_array(np.asarray(gain, np.float32), "gain"),
    ]


class TestFiles:
    def test_a_missing_folder(self, tmp_path: Path):
        assert "No such file" in refusal(tmp_path / "none")

    @pytest.mark.parametrize("name", sorted(SIZE_LIMITS))
    def test_a_missing_file(self, tmp_path: Path, name: str):
        folder = write_bundle(tmp_path / "b")
        (folder / name).unlink()
        assert "and nothing else" in refusal(folder)

    def test_a_further_file(self, tmp_path: Path):
        folder = write_bundle(tmp_path / "b")
        (folder / "weights.bin").write_bytes(b"x")
        assert "weights.bin" in refusal(folder)

    @pytest.mark.parametrize("name", sorted(SIZE_LIMITS))
    def test_a_link(self, tmp_path: Path, name: str):
        folder = write_bundle(tmp_path / "b")
        (folder / name).rename(tmp_path / name)
        (folder / name).symlink_to(tmp_path / name)
        assert "no link" in refusal(folder)

    def test_a_link_to_the_folder(self, tmp_path: Path):
        write_bundle(tmp_path / "b")
        (tmp_path / "link").symlink_to(tmp_path / "b")
        assert "a folder of" in refusal(tmp_path / "link")

    def test_a_pipe_is_not_waited_for(self, tmp_path: Path):
        folder = write_bundle(tmp_path / "b")
        (folder / "model.onnx").unlink()
        os.mkfifo(folder / "model.onnx")
        assert "a regular file" in refusal(folder)

    @pytest.mark.parametrize(("name", "limit"), SIZE_LIMITS.items())
    def test_more_than_may_be(self, tmp_path: Path, name: str, limit: int):
        folder = write_bundle(tmp_path / "b")
        os.truncate(folder / name, limit + 1)
        assert f"more than {limit} bytes" in refusal(folder)

    @pytest.mark.parametrize("name", ["model.onnx", "golden.npz"])
    def test_a_changed_byte(self, tmp_path: Path, name: str):
        folder = write_bundle(tmp_path / "b")
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)
        assert f"SHA-256 of {name}" in refusal(folder)


class TestManifest:
    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"name": 3}, "name: got 3, expected text"),
            ({"name": "../evil"}, "name: got '../evil'"),
            ({"mac": -1}, "mac: got -1"),
            ({"mac": True}, "mac: got True"),
            ({"extra": 1}, "unknown extra"),
            ({"precision": "int8"}, "precision: got 'int8'"),
            ({"trained_on": "faces"}, "trained_on: got 'faces'"),
            ({"figures": {"error": "low"}}, "figures.error: got 'low'"),
            ({"inputs": []}, "an empty list"),
            ({"inputs": [3]}, r"inputs[0]: got int"),
            ({"memory": [{"input": "state", "output": "gone"}]}, "memory: got state ← gone"),
        ],
    )
    def test_a_wrong_field_is_named(self, tmp_path: Path, change: dict[str, Any], said: str):
        folder = write_bundle(tmp_path / "b")
        path = folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
        assert said in refusal(folder)

    def test_a_missing_field_is_named(self, tmp_path: Path):
        folder = write_bundle(tmp_path / "b")
        path = folder / "manifest.json"
        document = json.loads(path.read_text())
        del document["licence"]
        path.write_text(json.dumps(document))
        assert "nothing for licence" in refusal(folder)

    @pytest.mark.parametrize("text", ["", "[", "[]", "\xff", '{"mac": NaN}', "[" * 100_000])
    def test_what_is_no_json_object(self, tmp_path: Path, text: str):
        folder = write_bundle(tmp_path / "b")
        (folder / "manifest.json").write_text(text, encoding="latin-1")
        assert "manifest.json" in refusal(folder)

    @pytest.mark.parametrize("shape", [["faces", 0], [2, "faces"], ["n", 3], [], [True, 3], ["faces", 1 << 30]])
    def test_a_shape_that_makes_no_sense(self, tmp_path: Path, shape: list[Any]):
        folder = write_bundle(tmp_path / "b")
        path = folder / "manifest.json"
        document = json.loads(path.read_text())
        document["inputs"][0]["shape"] = shape
        path.write_text(json.dumps(document))
        assert "shape" in refusal(folder)


class TestModel:
    def test_a_pickle(self, tmp_path: Path):
        assert "what is no ONNX model" in refusal(write_bundle(tmp_path / "b", pickle.dumps({"a": Path})))

    def test_nothing(self, tmp_path: Path):
        assert "IR version" in refusal(write_bundle(tmp_path / "b", b""))

    @pytest.mark.parametrize("place", ["../secret", "/etc/passwd", "weights.bin"])
    def test_weights_in_another_file_are_never_opened(self, tmp_path: Path, place: str):
        model = network()
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=place)
        assert f"data in another file ['{place}']" in refusal(write_bundle(tmp_path / "b", model))

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_weights_that_are_not_finite(self, tmp_path: Path, bad: float):
        message = refusal(write_bundle(tmp_path / "b", network(values=values(leak=bad))))
        assert "weights 'leak': got values that are not finite" in message

    def test_weights_shorter_than_they_say(self, tmp_path: Path):
        model = network()
        model.graph.initializer[1].dims[0] = 1 << 40
        assert "weights 'gain': got unreadable data" in refusal(write_bundle(tmp_path / "b", model))

    @pytest.mark.parametrize(
        ("operator", "domain"), [("Loop", ""), ("RandomNormal", ""), ("Add", "com.microsoft"), ("PyOp", "ai.custom")]
    )
    def test_an_operator_that_is_not_known_as_harmless(self, tmp_path: Path, operator: str, domain: str):
        nodes = [helper.make_node(operator, ["points", "state"], ["sums"], domain=domain)]
        assert f"operator: got {domain}{'.' if domain else ''}{operator}" in refusal(
            write_bundle(tmp_path / "b", network(nodes=nodes))
        )

    def test_a_graph_inside_an_operator(self, tmp_path: Path):
        graph = helper.make_graph([], "inner", [], [])
        nodes = [helper.make_node("Identity", ["points"], ["sums"], body=graph)]
        assert "with a graph inside" in refusal(write_bundle(tmp_path / "b", network(nodes=nodes)))

    def test_functions(self, tmp_path: Path):
        model = network()
        model.functions.add(name="f", domain="")
        assert "functions: got 1 of them" in refusal(write_bundle(tmp_path / "b", model))

    @pytest.mark.parametrize("opsets", [[("", 5)], [("", 99)], [("", 17), ("ai.onnx.ml", 3)], []])
    def test_operator_sets_the_engines_do_not_share(self, tmp_path: Path, opsets: list[tuple[str, int]]):
        model = network(opsets=[helper.make_opsetid(*opset) for opset in opsets])
        if not opsets:
            model.ClearField("opset_import")
        assert "operator sets" in refusal(write_bundle(tmp_path / "b", model))

    def test_other_inputs_than_the_manifest_says(self, tmp_path: Path):
        model = network()
        model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 4
        assert "as in the manifest" in refusal(write_bundle(tmp_path / "b", model))

    def test_another_type_than_the_manifest_says(self, tmp_path: Path):
        model = network()
        model.graph.output[0].type.tensor_type.elem_type = TensorProto.STRING
        assert "as in the manifest" in refusal(write_bundle(tmp_path / "b", model))

    def test_random_bytes_are_refused_with_the_one_error(self, tmp_path: Path):
        rng = np.random.default_rng(0)
        sound = network().SerializeToString()
        for index in range(100):
            data = bytearray(sound)
            for position in rng.integers(0, len(data), 5):
                data[position] = rng.integers(0, 256)
            folder = write_bundle(tmp_path / str(index), bytes(data))
            try:
                bundle = load_bundle(folder)
            except BundleError:
                continue
            assert bundle.model == bytes(data)


class TestGolden:
    def archive(self, **members: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, data in members.items():
                archive.writestr(f"{name}.npy", data)
        return buffer.getvalue()

    def npy(self, array: Any, **header: Any) -> bytes:
        buffer = io.BytesIO()
        array = np.asarray(array)
        if header:
            described = np.lib.format.header_data_from_array_1_0(array) | header
            np.lib.format.write_array_header_1_0(buffer, described)
            return buffer.getvalue() + array.tobytes()
        np.save(buffer, array, allow_pickle=True)
        return buffer.getvalue()

    @pytest.mark.parametrize("data", [b"", b"PK\x03\x04", pickle.dumps([1])])
    def test_what_is_no_archive(self, tmp_path: Path, data: bytes):
        assert "golden.npz" in refusal(write_bundle(tmp_path / "b", golden_file=data))

    def test_a_pickle_in_disguise(self, tmp_path: Path):
        data = self.archive(**{"in.points": self.npy(np.array([{}], object))})
        assert "an array of object" in refusal(write_bundle(tmp_path / "b", golden_file=data))

    def test_a_header_that_promises_more_than_there_is(self, tmp_path: Path):
        data = self.archive(**{"in.points": self.npy(np.zeros(3, np.float32), shape=(1 << 50,))})
        assert "12 bytes for an array" in refusal(write_bundle(tmp_path / "b", golden_file=data))

    def test_an_archive_that_unpacks_to_many_times_its_size(self, tmp_path: Path):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("in.points.npy", bytes(10_000_000))
        assert "unpacks to many times" in refusal(write_bundle(tmp_path / "b", golden_file=buffer.getvalue()))

    def test_arrays_of_other_shapes(self, tmp_path: Path):
        wrong = np.zeros((2, WIDTH + 1), np.float32)
        names = ("in.points", "in.state", "out.sums", "out.state_out")
        data = self.archive(**{name: self.npy(wrong) for name in names})
        assert f"expected float32 (2, {WIDTH})" in refusal(write_bundle(tmp_path / "b", golden_file=data))

    def test_a_missing_array(self, tmp_path: Path):
        data = self.archive(**{"in.points": self.npy(np.zeros((1, WIDTH), np.float32))})
        assert "nothing for in.state" in refusal(write_bundle(tmp_path / "b", golden_file=data))

    def test_the_same_arrays_make_the_same_file(self):
        assert golden() == golden()

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from harness import ROOT, Ros

from face1d_ros.graph import CAMERA, CONFIGS
from face1d_ros.nodes.camera_node import CameraNode
from face1d_ros.parameter_file import load_parameter_file

PATH = ROOT / "config" / "face1d.yaml"


def test_the_parameter_file_holds_the_defaults():
    for name, values in load_parameter_file(PATH, CONFIGS).items():
        assert values.items() <= asdict(CONFIGS[name]()).items()


def test_ros_reads_it_in_any_namespace(ros: Ros, tmp_path: Path):
    changed = tmp_path / "my.yaml"
    changed.write_text(PATH.read_text(encoding="utf-8").replace('"portrait"', '"/dev/video9"'))
    for namespace in ("", "/robot/head"):
        arguments = ["--ros-args", "--params-file", str(changed)]
        node = ros.make(CameraNode, spin=False, namespace=namespace, cli_args=arguments)
        assert node.get_parameter("source").value == "/dev/video9"
        assert node.parameters.read("", CAMERA.config).source == "/dev/video9"

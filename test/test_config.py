"""Settings: checked, read from files, refused when unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from face1d_ros.config import CameraConfig, ExpressionConfig, IdentityConfig, LandmarksConfig, build, settings
from face1d_ros.errors import ConfigFileError, InvalidValueError, UnknownKeyError
from face1d_ros.graph import CONFIGS
from face1d_ros.parameter_file import load_parameter_file


@pytest.mark.parametrize("config", CONFIGS.values())
def test_every_default_is_a_valid_value_with_a_description(config: type) -> None:
    for setting in settings(config):
        assert setting.check(setting.default) == setting.default
        assert setting.description.endswith((".", ")")), setting.name
        assert (setting.minimum is None) == (setting.maximum is None)
    assert build(config, {}) == config()


def test_an_unknown_key_is_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(UnknownKeyError, match="'max_face'; did you mean 'max_faces'"):
        build(LandmarksConfig, {"max_face": 2})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_faces", 0),
        ("max_faces", 9),
        ("max_faces", True),
        ("max_faces", 2.0),
        ("max_faces", "2"),
        ("transport", "theora"),
        ("min_face_px", float("nan")),
        ("lost_after_s", float("inf")),
        ("on_demand", 1),
        ("model_file", None),
    ],
)
def test_a_value_of_the_wrong_type_or_out_of_range_is_refused(key: str, value: object) -> None:
    with pytest.raises(InvalidValueError, match=key):
        build(LandmarksConfig, {key: value})


def test_a_whole_number_is_taken_for_a_float() -> None:
    config = build(CameraConfig, {"rate_hz": 15})
    assert config.rate_hz == 15.0
    assert isinstance(config.rate_hz, float)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"input": "image"}, "input: got 'image', expected one of both, landmarks, mesh"),
        ({"enter": 0.01}, "enter: got 0.01, expected a number from 0.05 to 1"),
        ({"leave": 0.96}, "leave: got 0.96, expected a number from 0 to 0.95"),
        ({"leave": 0.9}, r"expression_node\.leave: got 0\.9, expected at most expression_node\.enter, which is "),
        ({"enter": 0.1}, r"expression_node\.leave: got .*, expected at most expression_node\.enter, which is 0\.1"),
        ({"hold_s": -0.1}, "hold_s"),
        ({"neutral_s": 0}, "neutral_s"),
        ({"labels": True}, "labels"),
    ],
)
def test_expression_settings_that_cannot_be_are_refused(values: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidValueError, match=says):
        build(ExpressionConfig, values)


def test_a_word_that_yaml_takes_for_true_or_false_is_refused_with_the_way_out(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("expression_node: {ros__parameters: {labels: off}}")
    with pytest.raises(InvalidValueError, match=r"labels: got False, expected text; YAML takes .* without quotes"):
        load_parameter_file(file, CONFIGS)
    file.write_text("expression_node: {ros__parameters: {labels: 'off'}}")
    assert load_parameter_file(file, CONFIGS) == {"expression_node": {"labels": "off"}}


def test_a_label_may_be_given_up_where_it_is_taken() -> None:
    assert build(ExpressionConfig, {"enter": 0.5, "leave": 0.5}).leave == 0.5


def test_what_may_change_of_expression_is_how_labels_are_taken_and_the_neutral() -> None:
    dynamic = {setting.name for setting in settings(ExpressionConfig) if setting.dynamic}
    assert {"enter", "leave", "hold_s", "neutral_s"} <= dynamic and not {"input", "model", "labels"} & dynamic


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"false_match_rate": 0.0}, "false_match_rate: got 0.0, expected a number from 1e-06 to 0.5"),
        ({"repetitions": 1}, "repetitions: got 1, expected a whole number from 2 to 20"),
        ({"max_failures": 0}, "max_failures"),
        ({"hold_s": 0.0}, "hold_s"),
        ({"lockout_s": 0.0}, "lockout_s"),
        ({"judge_timeout_s": -1.0}, "judge_timeout_s"),
    ],
)
def test_identity_settings_that_cannot_be_are_refused(values: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidValueError, match=says):
        build(IdentityConfig, values)


def test_the_gallery_its_key_and_the_lock_cannot_be_changed_while_identity_runs() -> None:
    fixed = {setting.name for setting in settings(IdentityConfig) if not setting.dynamic}
    assert {"gallery", "key", "model", "max_failures", "lockout_s"} <= fixed


@pytest.mark.parametrize(
    "text",
    [
        "expression_node: {ros__parameters: {enter: 0.3, leave: 0.2}}",
        "{/robot/expression_node: {ros__parameters: {enter: 0.3}}, expression_node: {ros__parameters: {leave: 0.2}}}",
        "pipeline_node: {ros__parameters: {expression: {enter: 0.3, leave: 0.2}}}",
    ],
)
def test_settings_of_a_file_need_not_fit_the_others_defaults(tmp_path: Path, text: str) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(text)
    assert load_parameter_file(file, CONFIGS)


def test_a_parameter_file_is_read_by_node(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(
        "/**:\n  ros__parameters: {diagnostics_period_s: 2, use_sim_time: true}\n"
        "/robot/landmarks_node:\n  ros__parameters: {max_faces: 2, qos_overrides: {x: 1}}\n"
    )
    values = load_parameter_file(file, CONFIGS)
    assert values["landmarks_node"] == {"diagnostics_period_s": 2, "max_faces": 2}
    assert values["camera_node"] == {"diagnostics_period_s": 2}


@pytest.mark.parametrize("section", ["{landmarks.max_faces: 3}", "{landmarks: {max_faces: 3}}"])
def test_the_pipelines_section_takes_the_settings_of_its_stages(tmp_path: Path, section: str) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(f"pipeline_node: {{ros__parameters: {section}}}")
    assert load_parameter_file(file, CONFIGS) == {"pipeline_node": {"landmarks.max_faces": 3}}


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        (
            "/**: {ros__parameters: {use_sim_time: maybe}}",
            InvalidValueError,
            "use_sim_time: got 'maybe', expected true",
        ),
        ("camera_node: {ros__parameters: {use_sim_time: 1}}", InvalidValueError, "use_sim_time: got 1, expected true"),
        ("landmark_node: {ros__parameters: {}}", UnknownKeyError, "did you mean 'landmarks_node'"),
        ("landmarks_node: {ros__parameters: {max_face: 1}}", UnknownKeyError, "did you mean 'max_faces'"),
        ("/**: {ros__parameters: {max_faces: 1}}", UnknownKeyError, "max_faces"),
        ("pipeline_node: {ros__parameters: {landmarks.max_face: 1}}", UnknownKeyError, "did you mean 'max_faces'"),
        ("pipeline_node: {ros__parameters: {landmarks: {max_faces: 9}}}", InvalidValueError, "from 1 to 8"),
        ("landmarks_node: {ros__parameters: {5: 1}}", UnknownKeyError, "unknown key '5'"),
        ("landmarks_node: {max_faces: 1}", ConfigFileError, "ros__parameters"),
        ("- 1", ConfigFileError, "node names"),
        ("a: [", ConfigFileError, "YAML"),
    ],
)
def test_a_bad_parameter_file_is_refused(tmp_path: Path, text: str, error: type[Exception], says: str) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(text)
    with pytest.raises(error, match=says):
        load_parameter_file(file, CONFIGS)


def test_a_missing_or_unreadable_parameter_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match="nowhere"):
        load_parameter_file(tmp_path / "nowhere.yaml", CONFIGS)
    binary = tmp_path / "b.yaml"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ConfigFileError, match="YAML"):
        load_parameter_file(binary, CONFIGS)

"""ROS parameter files: read, and checked against the configurations before any node sees them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from face1d_ros.config import TYPE_NAMES, NodeConfig, PipelineConfig, checked, settings
from face1d_ros.errors import ConfigFileError, InvalidValueError, UnknownKeyError

ROS_SWITCHES = ("use_sim_time", "start_type_description_service")
ROS_OWN_PARAMETERS = (*ROS_SWITCHES, "qos_overrides")


def read_yaml(path: str | Path) -> Any:
    """What a YAML file holds. Raises ConfigFileError."""
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigFileError(path, f"cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigFileError(path, f"is not valid YAML: {error}") from error


def load_parameter_file(path: str | Path, configs: Mapping[str, type]) -> dict[str, dict[str, object]]:
    """The values a ROS parameter file gives to each named node, each checked. `/**` addresses every node.

    Whether values fit together shows when a node's configuration is built from all that it is given.
    Node names may carry a namespace; only their last part is compared. What belongs to ROS itself passes through:
    `qos_overrides` unchecked, switches such as `use_sim_time` only as true or false: ROS takes all else for false.
    """
    document = read_yaml(path)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigFileError(path, "expected node names at the top level, each with 'ros__parameters' below it")
    values: dict[str, dict[str, object]] = {}
    for key, section in document.items():
        parameters = section.get("ros__parameters") if isinstance(section, dict) else None
        if not isinstance(parameters, dict):
            raise ConfigFileError(path, f"expected 'ros__parameters:' with settings below '{key}'")
        _take_section(str(key), parameters, configs, values, f"{path}: {key}")
    return values


def check_ros_switches(values: Mapping[str, object], where: str) -> None:
    """Refuse what ROS would take for false."""
    for name in ROS_SWITCHES:
        if not isinstance(values.get(name, False), bool):
            raise InvalidValueError(f"{where}.{name}", values[name], TYPE_NAMES[bool])


def _take_section(
    key: str,
    parameters: Mapping[object, object],
    configs: Mapping[str, type],
    values: dict[str, dict[str, object]],
    where: str,
) -> None:
    node = key.rsplit("/", 1)[-1]
    flat = _flat(parameters)
    check_ros_switches(flat, where)
    own = {key: value for key, value in flat.items() if key.split(".")[0] not in ROS_OWN_PARAMETERS}
    if node == "**":
        shared = {s.name for s in settings(NodeConfig)}
        for name in own:
            if name not in shared:
                raise UnknownKeyError(name, shared, where)
        targets = list(configs)
    elif node in configs:
        targets = [node]
    else:
        raise UnknownKeyError(node, configs, where)
    for target in targets:
        _check(target, own, configs, where)
        values.setdefault(target, {}).update(own)


def _flat(parameters: Mapping[object, object], prefix: str = "") -> dict[str, object]:
    """Nested sections with their names joined by dots, as ROS reads them."""
    flat: dict[str, object] = {}
    for key, value in parameters.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _check(node: str, values: Mapping[str, object], configs: Mapping[str, type], where: str) -> None:
    """Refuse what the node would refuse. To the pipeline, `landmarks.max_faces` is `max_faces` of `landmarks_node`."""
    own = {}
    for key, value in values.items():
        stage, _, name = key.partition(".")
        if node == PipelineConfig.name and f"{stage}_node" in configs and name:
            checked(configs[f"{stage}_node"], {name: value}, f"{where}.{stage}")
        else:
            own[key] = value
    checked(configs[node], own, where)

"""Configurations as ROS parameters: declared with all they know about themselves, read back, checked as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.parameter import Parameter

from face1d_ros.config import Setting, Value, build, settings
from face1d_ros.errors import ConfigError, InvalidValueError, UnknownKeyError
from face1d_ros.parameter_file import ROS_OWN_PARAMETERS, check_ros_switches

if TYPE_CHECKING:
    from rclpy.node import Node

Config = TypeVar("Config")


class NodeParameters:
    """The parameters of one node.

    `sections` maps a prefix ('' for the node's own) to the configuration class behind it. The node must have been
    made with `automatically_declare_parameters_from_overrides`, so that every override is seen, also a misspelt one.
    What cannot be used is kept and raised by `read`: a node starts, and then refuses to be configured.
    """

    def __init__(self, node: Node, sections: Mapping[str, type]) -> None:
        self._node = node
        self._sections = dict(sections)
        self._settings = {
            _join(prefix, setting.name): setting for prefix, config in sections.items() for setting in settings(config)
        }
        self._problems: list[ConfigError] = []
        overrides = {name: parameter.value for name, parameter in node.get_parameters_by_prefix("").items()}
        try:
            check_ros_switches(overrides, node.get_name())
        except InvalidValueError as error:
            self._problems.append(error)
        self._refuse_unknown(overrides)
        for name, setting in self._settings.items():
            self._declare(name, setting, overrides)
        # Humble has no callback that may change values before they are checked.
        if hasattr(node, "add_pre_set_parameters_callback"):
            node.add_pre_set_parameters_callback(self._take_integers_for_floats)

    def read(self, prefix: str, config: type[Config]) -> Config:
        """The configuration of a section, checked as a whole; raises what is wrong with the parameters."""
        if self._problems:
            raise self._problems[0]
        return self._build(prefix, config, {})

    def on_change(self, apply: Callable[[Mapping[str, object]], None]) -> None:
        """Call `apply({prefix: configuration})` whenever dynamic parameters change to values that fit together.

        `apply` may raise a `ConfigError` to refuse them.
        """

        def validate(parameters: list[Parameter]) -> SetParametersResult:
            changed = {p.name: p.value for p in parameters if p.name in self._settings}
            if not changed:
                return SetParametersResult(successful=True)
            try:
                apply({prefix: self._build(prefix, cls, changed) for prefix, cls in self._sections.items()})
            except ConfigError as error:
                return SetParametersResult(successful=False, reason=str(error))
            return SetParametersResult(successful=True)

        self._node.add_on_set_parameters_callback(validate)

    def _build(self, prefix: str, config: type[Config], changed: Mapping[str, object]) -> Config:
        values = {}
        for setting in settings(config):
            name = _join(prefix, setting.name)
            values[setting.name] = changed[name] if name in changed else self._node.get_parameter(name).value
        return build(config, values, prefix or self._node.get_name())

    def _refuse_unknown(self, overrides: Iterable[str]) -> None:
        for name in overrides:
            if name in self._settings or name.split(".")[0] in ROS_OWN_PARAMETERS:
                continue
            self._problems.append(UnknownKeyError(name, self._settings, self._node.get_name()))
            self._node.undeclare_parameter(name)

    def _declare(self, name: str, setting: Setting, overrides: Mapping[str, object]) -> None:
        value: Value = setting.default
        if name in overrides:
            self._node.undeclare_parameter(name)
            try:
                value = setting.check(overrides[name], name.removesuffix(setting.name))
            except InvalidValueError as error:
                self._problems.append(error)
        self._node.declare_parameter(name, value, describe(setting), ignore_override=True)

    def _take_integers_for_floats(self, parameters: list[Parameter]) -> list[Parameter]:
        """`ros2 param set … 3` sends an integer where 3.0 was meant."""
        return [
            Parameter(p.name, Parameter.Type.DOUBLE, float(p.value))
            if p.type_ == Parameter.Type.INTEGER and p.name in self._settings and self._settings[p.name].type is float
            else p
            for p in parameters
        ]


def describe(setting: Setting) -> ParameterDescriptor:
    """All that a setting knows, as a parameter descriptor."""
    descriptor = ParameterDescriptor(description=setting.description, read_only=not setting.dynamic)
    if setting.choices:
        descriptor.additional_constraints = setting.expected
    if setting.minimum is None or setting.maximum is None:
        return descriptor
    if setting.type is int:
        descriptor.integer_range = [IntegerRange(from_value=int(setting.minimum), to_value=int(setting.maximum))]
    else:
        descriptor.floating_point_range = [FloatingPointRange(from_value=setting.minimum, to_value=setting.maximum)]
    return descriptor


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name

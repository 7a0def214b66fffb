"""Sends every message of face1d_ros, filled at random, to a second process and back, and compares exactly.

    python3 exchange.py        all messages; exit code 1 if one is lost or comes back different

The interfaces are found by their installed files, their fields by introspection: nothing to keep in step.
Services and actions are made of messages too: these are serialized and read back.
"""

from __future__ import annotations

import importlib
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.serialization import deserialize_message, serialize_message
from rclpy.signals import SignalHandlerOptions
from rosidl_parser import definition

PACKAGE = "face1d_ros"
# Kept for a subscription that is matched late, in either process.
QOS = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
TIMEOUT_S = 20.0
SEQUENCE_LENGTHS = (0, 1, 2, 3, 17)


def interface_names(kind: str) -> list[str]:
    """Names of the installed interfaces of a kind: msg, srv or action."""
    module = importlib.import_module(f"{PACKAGE}.{kind}")
    prefix = next(p for p in Path(str(module.__file__)).parents if (p / "share" / PACKAGE / kind).is_dir())
    return sorted(path.stem for path in (prefix / "share" / PACKAGE / kind).glob(f"*.{kind}"))


def interface_class(kind: str, name: str) -> Any:
    """The generated class of an interface."""
    return getattr(importlib.import_module(f"{PACKAGE}.{kind}"), name)


def parts_of(kind: str, name: str) -> list[Any]:
    """The message classes that a service or an action is made of."""
    cls = interface_class(kind, name)
    names = ("Request", "Response") if kind == "srv" else ("Goal", "Result", "Feedback")
    return [getattr(cls, part) for part in names]


def random_message(cls: Any, rng: random.Random) -> Any:
    """A message with a random value in every field, nested ones included."""
    message = cls()
    for field, slot_type in zip(cls.get_fields_and_field_types(), cls.SLOT_TYPES, strict=True):
        setattr(message, field, random_value(slot_type, rng))
    return message


def random_value(slot_type: Any, rng: random.Random) -> Any:
    """A value that fits a field's type."""
    if isinstance(slot_type, definition.Array):
        values = [random_value(slot_type.value_type, rng) for _ in range(slot_type.size)]
        if is_number(slot_type.value_type):
            return np.array(values, numpy_type(slot_type.value_type))
        return values
    if isinstance(slot_type, definition.AbstractSequence):
        longest = getattr(slot_type, "maximum_size", max(SEQUENCE_LENGTHS))
        length = min(rng.choice(SEQUENCE_LENGTHS), longest)
        return [random_value(slot_type.value_type, rng) for _ in range(length)]
    if isinstance(slot_type, definition.AbstractGenericString):
        longest = getattr(slot_type, "maximum_size", None) or 12
        return "".join(rng.choice("aZ0 é/_中") for _ in range(rng.randrange(min(longest, 12) // 3 + 1)))
    if isinstance(slot_type, definition.NamespacedType):
        module = importlib.import_module(".".join(slot_type.namespaces))
        return random_message(getattr(module, slot_type.name), rng)
    return random_number(slot_type.typename, rng)


def random_number(typename: str, rng: random.Random) -> Any:
    """A number over the whole range of a basic type; floats are exact in their precision."""
    if typename == "boolean":
        return rng.random() < 0.5
    if typename == "octet":
        return bytes([rng.randrange(256)])
    if typename in ("float", "double"):
        value = rng.uniform(-1, 1) * 10.0 ** rng.randrange(-6, 9)
        return float(np.float32(value)) if typename == "float" else value
    limits = np.iinfo(typename)
    return rng.randint(int(limits.min), int(limits.max))


def is_number(slot_type: Any) -> bool:
    """True for types whose fixed arrays are numpy arrays."""
    return isinstance(slot_type, definition.BasicType) and slot_type.typename not in ("boolean", "octet")


def numpy_type(slot_type: Any) -> Any:
    """The numpy type of a basic type."""
    return {"float": np.float32, "double": np.float64}.get(slot_type.typename, slot_type.typename)


def survives_serialization(cls: Any, rng: random.Random) -> bool:
    """True if a random message is the same after it was serialized and read back."""
    message = random_message(cls, rng)
    return bool(deserialize_message(serialize_message(message), cls) == message)


class Exchange:
    """A node here, and a second process that sends every message back on another topic."""

    def __enter__(self) -> Exchange:
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self._node = rclpy.create_node("exchange", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._echo = subprocess.Popen([sys.executable, str(Path(__file__).resolve()), "echo"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._echo.terminate()
        self._echo.wait(10)
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)

    def there_and_back(self, name: str, messages: list[Any]) -> list[Any]:
        """Publish messages of one type and return what came back."""
        cls = interface_class("msg", name)
        returned: list[Any] = []
        publisher = self._node.create_publisher(cls, f"there/{name}", QOS)
        subscription = self._node.create_subscription(cls, f"back/{name}", returned.append, QOS)
        try:
            for count, message in enumerate(messages, start=1):
                publisher.publish(message)
                self._wait(name, partial(is_long, returned, count))
        finally:
            self._node.destroy_subscription(subscription)
            self._node.destroy_publisher(publisher)
        return returned

    def _wait(self, name: str, ready: Callable[[], object]) -> None:
        deadline_s = time.monotonic() + TIMEOUT_S
        while not ready():
            if self._echo.poll() is not None:
                raise RuntimeError(f"the second process ended with code {self._echo.returncode}")
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{name} did not come back within {TIMEOUT_S:.0f} s")
            self._executor.spin_once(timeout_sec=0.05)


def is_long(items: list[Any], length: int) -> bool:
    """True when a list has grown to this length."""
    return len(items) >= length


def echo() -> None:
    """The second process: send every message back."""
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)  # the first process ends this one by a signal
    node = rclpy.create_node("exchange_echo")
    for name in interface_names("msg"):
        cls = interface_class("msg", name)
        publisher = node.create_publisher(cls, f"back/{name}", QOS)
        node.create_subscription(cls, f"there/{name}", publisher.publish, QOS)
    rclpy.spin(node)


def failures(rng: random.Random) -> Iterator[str]:
    """What is wrong with any interface; nothing if all is well."""
    with Exchange() as exchange:
        for name in interface_names("msg"):
            sent = [random_message(interface_class("msg", name), rng) for _ in range(3)]
            if exchange.there_and_back(name, sent) != sent:
                yield f"msg/{name} came back different"
    for kind in ("srv", "action"):
        for name in interface_names(kind):
            for part in parts_of(kind, name):
                if not survives_serialization(part, rng):
                    yield f"{kind}/{name}: {part.__name__} is different after serialization"


def main() -> int:
    """Check all interfaces and say how it went."""
    problems = list(failures(random.Random(1)))
    counts = ", ".join(f"{len(interface_names(kind))} {kind}" for kind in ("msg", "srv", "action"))
    print("\n".join(problems) or f"exchange between two processes: {counts}, all came back the same")
    return 1 if problems else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["echo"]:
        echo()
    else:
        sys.exit(main())

"""The processes of `face1d bench graph`, in a ROS domain of their own."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import random
from collections.abc import Callable, Mapping
from typing import Any

from face1d_ros.cli.processes import child
from face1d_ros.cli.supervisor import Child, Supervisor
from face1d_ros.errors import ProcessError
from face1d_ros.start import Start

NAMESPACE = "/face1d_bench"
DOMAINS = (1, 101)
"""Domain ids whose ports are free on every system; one of its own keeps the measurement out of a robot's graph."""
CAMERA, LISTENER = "camera", "listener"
TROUBLE_LINES = 10


class GraphRun:
    """Some processes, one of which is the camera: all of them end soon after it has."""

    def __init__(self, starts: Mapping[str, Start], on_message: Callable[[str, dict[str, Any]], None]) -> None:
        """Names of processes, and how they start. `on_message(name, message)` gets each line of JSON of both ends."""
        self.process_ids: dict[str, int] = {}
        self._starts = starts
        self._on_message = on_message
        self._trouble: list[str] = []
        self._supervisor: Supervisor | None = None

    def run(self, is_complete: Callable[[], bool]) -> None:
        """Until the camera is done. Raises ProcessError where it is not complete, KeyboardInterrupt after a Ctrl-C."""
        asyncio.run(self._run())
        assert self._supervisor is not None
        if self._supervisor.is_interrupted:  # also where both ends still had the time to tell what they have so far
            raise KeyboardInterrupt
        if is_complete():
            return
        raise ProcessError("the measurement ended early:\n" + "\n".join(self._trouble[-TROUBLE_LINES:]))

    async def _run(self) -> None:
        domain = {
            "ROS_DOMAIN_ID": str(random.randint(*DOMAINS)),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        }
        children = [_child(start, name, domain) for name, start in self._starts.items()]
        self._supervisor = Supervisor(children, self._line, self._event)
        await self._supervisor.run()

    def _line(self, name: str, line: str) -> None:
        if line.startswith('{"type"'):
            self._on_message(name, json.loads(line))
        else:
            self._trouble.append(f"{name}: {line}")

    def _event(self, name: str, text: str) -> None:
        if text.startswith("started, process "):
            self.process_ids[name] = int(text.rpartition(" ")[2])
        elif name == CAMERA and text == "finished" and self._supervisor is not None:
            self._supervisor.stop()
        else:
            self._trouble.append(f"{name} {text}")


def _child(start: Start, name: str, domain: Mapping[str, str]) -> Child:
    start = dataclasses.replace(start, namespace=NAMESPACE)
    made = child(start, restart=False)
    return dataclasses.replace(made, name=name, environment={**made.environment, **domain})

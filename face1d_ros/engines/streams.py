"""One network for all faces of a frame, each with a memory of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from face1d_ros.engines.engine import Array, Arrays, Engine, Session
from face1d_ros.engines.manifest import MAX_FACES
from face1d_ros.errors import EngineError

FORGET_AFTER_S = 1.0
"""Unless the stage says otherwise: what was remembered before a longer gap says nothing about now."""
NS = 1_000_000_000


class FaceStreams:
    """Runs a network on the faces of one frame after the other, in one call a frame.

    Faces are known by their track ids. Who is new begins with an empty memory; who is missing from a frame is
    forgotten, and everyone is after a jump in time. While the same faces come in the same order, nothing is allocated
    and nothing copied but what goes in.
    """

    def __init__(self, engine: Engine, forget_after_s: float = FORGET_AFTER_S) -> None:
        self.engine = engine
        self._forget_after_ns = round(forget_after_s * NS)
        self._sessions: dict[int, Session] = {}
        self._rows: tuple[int, ...] = ()
        self._stamp_ns: int | None = None

    def begin(self, stamp_ns: int, track_ids: Sequence[int]) -> Arrays:
        """The inputs to be filled for a frame: row i is for the face track_ids[i], from 1 to 8 of them."""
        ids = tuple(track_ids)
        if not is_frame(ids):
            raise EngineError(self.engine.name, f"got faces {ids}, expected 1 to {MAX_FACES} different ones")
        before_ns, self._stamp_ns = self._stamp_ns, stamp_ns
        if before_ns is not None and not 0 <= stamp_ns - before_ns <= self._forget_after_ns:
            self.reset()
            self._stamp_ns = stamp_ns
        if ids != self._rows:
            self._arrange(ids)
        return self._sessions[len(ids)].inputs

    def run(self) -> Arrays:
        """The outputs for the inputs of `begin`, valid until it is called again."""
        session = self._sessions[len(self._rows)]
        session.run()
        return session.outputs

    def reset(self) -> None:
        """Forget all faces."""
        self._rows, self._stamp_ns = (), None

    def replace(self, engine: Engine) -> None:
        """Go on with another engine for the same network, each face with what is remembered of it."""
        faces, sessions = len(self._rows), {}
        if faces:
            # If the new one cannot, all stays as it was.
            sessions[faces] = engine.session(faces)
            sessions[faces].write_memory(self._sessions[faces].read_memory())
        self.engine, self._sessions = engine, sessions

    def _arrange(self, ids: tuple[int, ...]) -> None:
        """Each face's memory to its new row, zeros to those of new faces."""
        before = self._sessions[len(self._rows)].read_memory() if self._rows else {}
        session = self._session(len(ids))
        known = {track_id: row for row, track_id in enumerate(self._rows)}
        memory = session.read_memory()
        for name, array in memory.items():
            array[:] = 0
            for row, track_id in enumerate(ids):
                if track_id in known:
                    array[row] = before[name][known[track_id]]
        session.write_memory(memory)
        self._rows = ids

    def _session(self, faces: int) -> Session:
        """Made when so many faces are there for the first time."""
        if faces not in self._sessions:
            self._sessions[faces] = self.engine.session(faces)
        return self._sessions[faces]


def is_frame(track_ids: Sequence[int]) -> bool:
    """Whether these can be the faces of one frame."""
    return 1 <= len(track_ids) <= MAX_FACES and len(set(track_ids)) == len(track_ids)


def finite(outputs: Arrays) -> Array:
    """(B,) whose outputs hold no NaN and no infinity."""
    rows = [np.isfinite(array.reshape(len(array), -1)).all(axis=1) for array in outputs.values()]
    return np.logical_and.reduce(rows)

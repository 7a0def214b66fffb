"""From one smoother to another while frames come: the new one is loaded in a thread of its own, the old one goes on."""

from __future__ import annotations

import threading

from face1d_ros.errors import Face1dError, InvalidValueError
from face1d_ros.stages.smoothing_choice import Wanted, fallback, find, make, refused
from face1d_ros.stages.smoothing_model import Smoother
from face1d_ros.types import Topology

PATIENCE_S = 0.1
"""Who asks for another model waits so long for its reason to refuse; a model takes about 20 ms to load."""


class Loading:
    """A smoother that is being made."""

    def __init__(self, wanted: Wanted, engine: str) -> None:
        self.wanted = wanted
        self.smoother: Smoother | None = None
        self.error: Face1dError | None = None
        self._engine = engine
        self._lock = threading.Lock()
        self._is_abandoned = False
        self._thread = threading.Thread(target=self._run, name=f"load {wanted.name}", daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether there is a smoother or an error."""
        return self.smoother is not None or self.error is not None

    def wait(self, timeout_s: float | None) -> None:
        """Until it is done, or the time is up; without a time, however long it takes."""
        self._thread.join(timeout_s)

    def abandon(self) -> None:
        """Nobody wants it any more."""
        with self._lock:
            self._is_abandoned = True
            made = self.smoother
        if made is not None:
            made.close()

    def _run(self) -> None:
        try:
            made = make(self.wanted, self.wanted.topology, self._engine)
        except Face1dError as error:
            self.error = error
            return
        except (OSError, ValueError, RuntimeError) as error:
            self.error = refused(self.wanted.name, Face1dError(str(error)))
            return
        with self._lock:
            self.smoother = made
            is_abandoned = self._is_abandoned
        if is_abandoned:
            made.close()


class Switch:
    """The smoother at work. `prepare` and `values` are for any thread, the rest for the one that processes frames."""

    def __init__(self, name: str, engine: str) -> None:
        """Loads at once. Raises InvalidValueError."""
        self._engine = engine
        self._wanted = find(name)
        self.topology = self._wanted.topology
        self.smoother = make(self._wanted, self.topology, engine)
        self.problem = ""
        """Why the model asked for last is not the one at work; '' if it is."""
        self._loading: Loading | None = None
        self._lock = threading.Lock()

    def prepare(self, name: str, timeout_s: float | None = PATIENCE_S) -> None:
        """Begin to load what is meant. Raises InvalidValueError if it turns out in time that it cannot be had."""
        before, self.problem = self._loading, ""
        if name == (self._wanted.name if before is None else before.wanted.name):
            return
        loading = None if name == self._wanted.name else Loading(find(name), self._engine)
        if loading is not None:
            loading.wait(timeout_s)
            if loading.error is not None:
                raise loading.error
        with self._lock:
            before, self._loading = self._loading, loading
        if before is not None:
            before.abandon()

    def take_over(self, name: str) -> bool:
        """Whether another smoother is at work from now on: the one of this name, if it is ready."""
        loading = self._loading
        if loading is None or loading.wanted.name != name or not loading.is_done:
            return False
        with self._lock:
            if self._loading is not loading:
                return False
            self._loading = None
        if loading.smoother is None:
            self.problem = f"{loading.error}; {self._wanted.name} goes on"
            return False
        self.problem = ""
        self._wanted = loading.wanted
        self._replace(loading.smoother, loading.wanted.topology)
        return True

    def turn_to(self, topology: Topology) -> None:
        """Go on with landmarks of another topology."""
        try:
            smoother = make(self._wanted, topology, self._engine)
        except InvalidValueError as error:
            smoother = fallback(str(error))
        self._replace(smoother, topology)

    def values(self) -> dict[str, object]:
        """For diagnostics."""
        smoother, loading = self.smoother, self._loading
        values: dict[str, object] = {"model chosen because": smoother.why, **smoother.values()}
        if loading is not None:
            values["model being loaded"] = loading.wanted.name
        if notice := self.problem or smoother.notice:
            values["notice"] = notice
        return values

    def close(self) -> None:
        """Free all."""
        loading, self._loading = self._loading, None
        if loading is not None:
            loading.abandon()
        self.smoother.close()

    def _replace(self, smoother: Smoother, topology: Topology) -> None:
        old, self.smoother, self.topology = self.smoother, smoother, topology
        # To end a build of TensorRT may take seconds; the next frame does not wait for it.
        threading.Thread(target=old.close, name="close", daemon=True).start()

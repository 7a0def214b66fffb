"""Makes sure that a bundle has an engine in the cache. As a program, for a process of its own:

    python -m face1d_ros.engines.tensorrt_builder BUNDLE [--again]

A builder that crashes or runs out of memory then takes nothing with it. It says on its standard output, in a JSON
object a line, what it does and at last what came of it, and ends with its standard input: nobody waits for it any more.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from face1d_ros.engines import tensorrt_cuda, tensorrt_module
from face1d_ros.engines.bundle import Bundle, accept, load_bundle
from face1d_ros.engines.tensorrt_build import BuildOptions, OnProgress, build_plan
from face1d_ros.engines.tensorrt_cache import EngineCache, engine_key, timing_key
from face1d_ros.engines.tensorrt_engine import TensorRtEngine
from face1d_ros.errors import BundleError, EngineError, Face1dError

EXIT_OK, EXIT_FAILED, EXIT_NOBODY_WAITS = 0, 1, 3
NICER = 10
"""The engine that answers meanwhile comes first."""
WAITING, CHECKING, BUILDING = "waiting for another build", "checking", "building"


@dataclass(frozen=True)
class Outcome:
    """An engine lies in the cache and computes what it should."""

    was_built: bool
    """Or was there already."""
    golden_error: float


def ensure_engine(
    bundle: Bundle,
    on_progress: OnProgress,
    *,
    cache: EngineCache | None = None,
    options: BuildOptions | None = None,
    again: bool = False,
) -> Outcome:
    """Use what is in the cache, or build it; one process at a time, the others then find what the first has built."""
    trt, device = tensorrt_module.load(), tensorrt_cuda.device()
    cache, options = cache or EngineCache(), options or BuildOptions()
    platform = tensorrt_module.platform_of(trt, device)
    key = engine_key(bundle.manifest, platform, options)
    with _only_one(cache, on_progress):
        plan = None if again else cache.read(key)
        if plan is not None:
            on_progress(CHECKING, 0.0)
            with suppress(EngineError, BundleError):
                return Outcome(False, _check(bundle, plan))
        on_progress(BUILDING, 0.0)
        timing = cache.read(timing_key(platform)) or b""
        plan, timing = build_plan(trt, bundle, options, timing, on_progress)
        on_progress(CHECKING, 0.0)
        golden_error = _check(bundle, plan)
        cache.write(key, plan, golden_error)
        if timing:
            cache.write(timing_key(platform), timing)
    return Outcome(True, golden_error)


def _check(bundle: Bundle, plan: bytes) -> float:
    engine = TensorRtEngine(bundle, plan)
    try:
        return accept(bundle, engine)
    finally:
        engine.close()


@contextmanager
def _only_one(cache: EngineCache, on_progress: OnProgress) -> Iterator[None]:
    with cache.lock(wait=False) as held:
        if held:
            yield
            return
    on_progress(WAITING, 0.0)
    with cache.lock():
        yield


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--again", action="store_true")
    arguments = parser.parse_args()
    channel = _own_channel()
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    os.nice(NICER)

    def tell(message: dict[str, object]) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    try:
        outcome = ensure_engine(
            load_bundle(arguments.bundle),
            lambda phase, done: tell({"phase": phase, "done": done}),
            again=arguments.again,
        )
    except (Face1dError, OSError) as error:
        tell({"error": str(error)})
        sys.exit(EXIT_FAILED)
    tell(dataclasses.asdict(outcome))
    os._exit(EXIT_OK)  # all is on the disk: what libraries do at the end of a process can only go wrong


def _own_channel() -> TextIO:
    """Our standard output; what libraries print on it goes to standard error from now on."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return channel


def _end_with_standard_input() -> None:
    while os.read(0, 1024):  # not sys.stdin: who blocks in that cannot be ended with the others
        pass
    os._exit(EXIT_NOBODY_WAITS)


if __name__ == "__main__":
    main()

"""`face1d run`: a source through all stages in this process, without ROS."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Mapping
from contextlib import ExitStack, closing
from typing import Any

import click

from face1d_ros.cli.interrupts import stop_on_signals
from face1d_ros.cli.options import node_options_without, take_overrides
from face1d_ros.cli.run_outputs import Outputs, Wanted, check_paths
from face1d_ros.cli.run_screen import LAST_NOTES, Progress, print_summary
from face1d_ros.cli.run_source import PlayedSource
from face1d_ros.cli.screen import make_screen
from face1d_ros.config import CameraConfig, build
from face1d_ros.errors import Face1dError
from face1d_ros.graph import CAMERA, STAGES
from face1d_ros.replay.feed import EveryFrame, Feed, NewestFrame
from face1d_ros.replay.overlap import overlapped
from face1d_ros.replay.pipeline import Pipeline, make_steps
from face1d_ros.sources import open_configured
from face1d_ros.sources.calibration import load_calibration
from face1d_ros.sources.pacing import paced
from face1d_ros.types import Frame

SOURCE_END_S = 4.0
"""A camera that gives no frames holds its thread about three seconds."""
NOT_HERE = (
    "camera.source",
    "camera.end_with_source",
    "landmarks.transport",
    "landmarks.on_demand",
)
"""Settings of nodes that mean nothing without topics, or that no stage uses."""


@click.command("run")
@click.argument("source", default="portrait")
@click.option("--headless", is_flag=True, help="Do not open a window.")
@click.option("--max-frames", type=click.IntRange(min=1), metavar="N", help="End after so many frames.")
@click.option(
    "--as-fast-as-possible",
    "fast",
    is_flag=True,
    help="Every frame. Without it frames come in real time by their stamps, and the newest one "
    "wins where the stages are slower. A camera keeps its own pace.",
)
@click.option("--bag", metavar="FOLDER", help="Record the results to an MCAP bag; the folder must not exist.")
@click.option("--video", metavar="FILE.mp4", help="Write a video with the faces drawn; the file must not exist.")
@click.option("--publish", is_flag=True, help="Publish the results to ROS topics, too.")
@node_options_without(*NOT_HERE)
def command(
    source: str,
    headless: bool,
    max_frames: int | None,
    fast: bool,
    bag: str | None,
    video: str | None,
    publish: bool,
    **options: object,
) -> None:
    """Run every stage on SOURCE in this process, without ROS, and show what they find.

    SOURCE is 'portrait' (built in, the default), a camera such as /dev/video0, a video file, an image folder or a
    bag. A camera that goes is waited for. Ctrl-C ends it; what was recorded is complete then, too.
    """
    wanted = Wanted(bag=bag, video=video, window=not headless, publish=publish)
    overrides = take_overrides(options)
    camera = build(CameraConfig, {**overrides.pop(CAMERA.name, {}), "source": source}, CAMERA.name)
    configs = {
        spec.name: build(spec.config, overrides[spec.name], spec.name) for spec in STAGES if spec.name in overrides
    }
    check_paths(wanted)
    _fill_standard_streams()
    with stop_on_signals() as stopping, ExitStack() as stack:
        code = _run(camera, configs, wanted, fast, max_frames, stopping, stack)
    sys.exit(code)


def _run(
    camera: CameraConfig,
    configs: Mapping[str, Any],
    wanted: Wanted,
    fast: bool,
    max_frames: int | None,
    stopping: threading.Event,
    stack: ExitStack,
) -> int:
    """Open, run, close, and say what came of it. The exit code."""
    notes: deque[str] = deque(maxlen=LAST_NOTES)
    source = PlayedSource(lambda: open_configured(camera, clock=time.time_ns), stopping, notes)
    feed = _feed(source, fast, stopping)
    stack.callback(_close, source, feed)
    click.echo(f"Source {source.description}")
    pipeline = stack.enter_context(Pipeline(make_steps(configs), time.perf_counter))
    path = camera.calibration
    pipeline.set_camera(load_calibration(path, source.width, source.height).camera if path else source.camera)
    for step in pipeline.steps:
        if notice := step.stage.diagnostics().get("notice"):
            click.echo(f"{step.spec.stage}: {notice}")
    outputs = Outputs(wanted, source, stopping)
    stack.callback(outputs.close)
    outputs.open()
    interrupted = stopping.is_set()
    progress = Progress(source.length, max_frames, live=source.live, notes=notes)
    failure = None
    try:
        _process(feed, pipeline, outputs, progress, max_frames)
    except Face1dError as error:
        failure = error
    interrupted = interrupted or stopping.is_set()
    failure = outputs.close() or failure
    print_summary(progress, source.skipped, source.losses)
    outputs.tell()
    if failure is not None:
        raise failure
    return 0 if progress.frames or interrupted else 1


def _process(feed: Feed, pipeline: Pipeline, outputs: Outputs, progress: Progress, max_frames: int | None) -> None:
    with make_screen(progress.draw, progress.status, progress.notes) as screen, closing(_done(feed, pipeline)) as done:
        for frame, values, dropped in done:
            if frame is not None:
                progress.add(values, feed.received, dropped)
                outputs.take(frame, values)
            outputs.idle()
            screen.refresh()
            if progress.frames == max_frames:
                return


def _done(feed: Feed, pipeline: Pipeline) -> Generator[tuple[Frame | None, dict[str, Any], int], None, None]:
    """Frames with their results, and how many were dropped before each; now and then none, while the feed waits."""
    if isinstance(feed, EveryFrame):
        for each, values in overlapped(feed, pipeline):
            yield each, values, feed.overtaken
        return
    for frame in feed:
        dropped = feed.overtaken
        yield frame, {} if frame is None else pipeline.process(frame, dropped=dropped), dropped


def _feed(source: PlayedSource, fast: bool, stopping: threading.Event) -> Feed:
    if source.live:
        return NewestFrame(source.frames(), stopping)
    if fast:
        return EveryFrame(source.frames(), stopping)
    return NewestFrame(paced(source.frames(), clock=time.monotonic_ns, sleep=stopping.wait), stopping)


def _close(source: PlayedSource, feed: Feed) -> None:
    if feed.close(SOURCE_END_S):
        source.close()


def _fill_standard_streams() -> None:
    """Whoever has closed stdin, stdout or stderr must not have the next file that is opened in its place."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)

"""`face1d engine`: TensorRT engines, built from model bundles on the machine that runs them."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from face1d_ros.cli.bundle_folders import bundle_folders
from face1d_ros.cli.tables import shown, wide_console
from face1d_ros.engines import tensorrt_cuda, tensorrt_module
from face1d_ros.engines.bundle import load_bundle
from face1d_ros.engines.tensorrt_cache import EngineCache, Entry
from face1d_ros.engines.tensorrt_child import BuildChild
from face1d_ros.engines.tensorrt_module import Platform
from face1d_ros.errors import EngineError, MissingDependencyError

Function = TypeVar("Function", bound=Callable[..., None])


@click.group("engine")
def command() -> None:
    """Build, verify, list and clear TensorRT engines.

    The stages build what they need by themselves, in the background; these commands are for doing it beforehand, and
    for looking at it. On a machine without TensorRT the stages run on the CPU.
    """


def bundle_arguments(function: Function) -> Function:
    """NAMES and --folder."""
    function = click.option(
        "--folder",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Bundles in this folder, instead of those that come with the package.",
    )(function)
    return click.argument("names", nargs=-1)(function)


@command.command("build")
@bundle_arguments
@click.option("--again", is_flag=True, help="Build even what is there already.")
def build(names: tuple[str, ...], folder: Path | None, again: bool) -> None:
    """Build the engines of model bundles and try them. May take minutes a bundle; ends with 1 if one fails.

    NAMES are models or folders; all that come with the package without any.
    """
    paths, failed = bundle_folders(names, folder), False
    if not paths:
        click.echo("no model bundles to build engines of")
    for path in paths:
        try:
            click.echo(f"{path.name}: {build_line(path, again)}")
        except EngineError as error:
            failed = True
            click.echo(f"{path.name}: {click.style('failed', fg='red', bold=True)}: {error}")
    sys.exit(1 if failed else 0)


@command.command("verify")
@bundle_arguments
@click.option("--again", is_flag=True, help="Build even what is there already, to see how long that takes.")
@click.option("--seconds", type=click.FloatRange(0.1, 600), default=10.0, show_default=True, help="At camera pace.")
@click.option("--calls", type=click.IntRange(10, 1_000_000), default=3000, show_default=True, help="In a tight loop.")
@click.option("--json", "output", type=click.Path(dir_okay=False), help="Write the measurement to this file.")
def verify(
    names: tuple[str, ...], folder: Path | None, again: bool, seconds: float, calls: int, output: str | None
) -> None:
    """Measure TensorRT beside the CPU, and try what happens when it fails. Ends with 1 unless all is as it should be.

    Prints versions and device, the time of the build, the golden error, the time of a frame at 30 Hz and in a tight
    loop, the difference to the CPU over frames with faces that come and go, and whether the CPU takes over within the
    frame in which TensorRT fails.
    """
    from face1d_ros.cli.engine_verify import verify_bundles

    paths = bundle_folders(names, folder)
    if not paths:
        raise EngineError("tensorrt", "there are no model bundles to verify it with; name the folder of one")
    here = platform()
    device = tensorrt_cuda.device()
    memory = "shared with the CPU" if device.shares_memory else "its own"
    click.echo(
        f"TensorRT {here.tensorrt}, CUDA {here.cuda}, {here.gpu} (compute capability {here.capability}, "
        f"memory {memory}), {here.architecture}"
    )
    built = {path: build_line(path, again) for path in paths}
    for path, line in built.items():
        click.echo(f"{path.name}: {line}")
    measurement = verify_bundles([load_bundle(path) for path in paths], dataclasses.asdict(here), seconds, calls)
    if output:
        measurement.write_json(output)
        click.echo(f"wrote {output}")
    sys.exit(0 if measurement.passed else 1)


@command.command("list")
def list_() -> None:
    """List the engines that were built, and which of them fit this machine as it is now."""
    cache = EngineCache()
    entries = cache.entries()
    console = wide_console()
    if not entries:
        console.print(f"no engines in {cache.folder}", highlight=False)
        return
    try:
        here: Platform | None = platform()
    except (EngineError, MissingDependencyError) as error:
        here = None
        console.print(f"TensorRT cannot be used here: {error}", highlight=False, markup=False)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("file", "for TensorRT", "CUDA", "GPU", "MB", "golden error", "state"):
        table.add_column(heading)
    for entry in entries:
        fields = entry.fields
        gpu = f"{fields['gpu']} ({fields['capability']}, {fields['architecture']})" if fields else "–"
        version, cuda = str(fields.get("tensorrt", "–")), str(fields.get("cuda", "–"))
        golden = "–" if entry.golden_error is None else f"{entry.golden_error:.2g}"
        table.add_row(entry.path.stem, version, cuda, gpu, shown(entry.size_bytes / 1e6), golden, _state(entry, here))
    console.print(table)
    console.print(f"in {cache.folder}", highlight=False, style="dim")


@command.command("clear")
@click.option("--old", is_flag=True, help="Only those that do not fit this machine as it is now.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def clear(old: bool, yes: bool) -> None:
    """Remove the engines that were built; they are built again when they are needed."""
    cache = EngineCache()
    here = platform() if old else None
    entries = [entry for entry in cache.entries() if not old or not _fits(entry, here)]
    if not entries:
        click.echo(f"nothing to remove in {cache.folder}")
        return
    if not yes:
        click.confirm(f"Remove {counted(len(entries))} in {cache.folder}?", abort=True)
    if old:
        for entry in entries:
            cache.remove(entry.path)
    else:
        cache.clear()
    click.echo(f"removed {counted(len(entries))} from {cache.folder}")


def counted(engines: int) -> str:
    """In words."""
    return f"{engines} engine" if engines == 1 else f"{engines} engines"


def platform() -> Platform:
    """Of this machine; says what is missing."""
    return tensorrt_module.platform_of(tensorrt_module.load(), tensorrt_cuda.device())


def build_line(path: Path, again: bool) -> str:
    """Build with a progress bar, and say in a line what came of it."""
    child, began_s = BuildChild(path, again=again), time.perf_counter()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"{path.name}: starting", total=1.0)
        result = child.run(
            lambda phase, done: progress.update(task, description=f"{path.name}: {phase}", completed=done)
        )
    what = "built and tried" if result["was_built"] else "was there, tried"
    return f"{what} in {time.perf_counter() - began_s:.1f} s, golden run within {result['golden_error']:.2g}"


def _state(entry: Entry, here: Platform | None) -> str:
    if not entry.is_ours:
        return "not believed: damaged, or not written here; never loaded"
    if here is None:
        return "unknown"
    return "fits" if _fits(entry, here) else "for another version or device"


def _fits(entry: Entry, here: Platform | None) -> bool:
    wanted = dataclasses.asdict(here) if here is not None else {}
    return entry.is_ours and all(entry.fields.get(key) == value for key, value in wanted.items())

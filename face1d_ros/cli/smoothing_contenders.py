"""Which smoothers are compared, and the stage of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from face1d_ros.cli.bundle_folders import bundle_folders
from face1d_ros.config import SmoothingConfig
from face1d_ros.engines.bundle import MODEL, load_bundle
from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate.smoothing_report import FILTER, NETWORK, Contender
from face1d_ros.filters.make import FILTERS
from face1d_ros.stages.smoothing import SmoothingStage
from face1d_ros.stages.smoothing_choice import DEFAULT, TASK
from face1d_ros.types import Topology


def choose(models: tuple[str, ...], topology: Topology) -> tuple[tuple[Contender, ...], Contender]:
    """All filters, then the bundles named, or all shipped ones, for so many landmarks; and which is the default.

    That is the one the node takes by itself; of those named the first.
    """
    networks = []
    for folder, is_named in bundles_of(models):
        bundle = load_bundle(folder)
        manifest = bundle.manifest
        landmarks = next((spec.shape[1] for spec in manifest.inputs if spec.name == "landmarks"), None)
        if manifest.task == TASK and landmarks == int(topology):
            networks.append(Contender(manifest.name, NETWORK, str(folder), bundle))
        elif is_named:
            came = f"{manifest.name}: {manifest.task} of {landmarks} landmarks"
            raise InvalidValueError(
                "--models", came, f"smoothers of {int(topology)} landmarks; --points chooses others"
            )
    if not networks:
        expected = f"a bundle that smooths {int(topology)} landmarks; train one, and name its folder with --models"
        raise InvalidValueError("models that come with this version", "none that fits", expected)
    filters = [Contender(name, FILTER, name) for name in FILTERS]
    taken = [one for one in networks if one.name == f"{TASK}_{DEFAULT}_{int(topology)}"]
    default = networks[0] if models else (*taken, *networks)[0]
    return (*filters, *networks), default


def bundles_of(models: tuple[str, ...]) -> Iterator[tuple[Path, bool]]:
    """The folders of bundles, and whether just this one was named, not all in a folder, or all that are shipped."""
    for name in models:
        inside = sorted(path.parent for path in Path(name).glob(f"*/{MODEL}"))
        yield from ((folder, False) for folder in inside)
        yield from ((folder, True) for folder in (() if inside else bundle_folders((name,))))
    yield from ((folder, False) for folder in (() if models else bundle_folders(())))


@contextmanager
def stages_of(contenders: tuple[Contender, ...]) -> Iterator[dict[str, SmoothingStage]]:
    """The stage of each, as the node would make it; closed at the end."""
    with ExitStack() as opened:
        yield {
            one.name: opened.enter_context(closing(SmoothingStage(SmoothingConfig(model=one.model))))
            for one in contenders
        }

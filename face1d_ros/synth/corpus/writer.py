"""Makes corpora: shards in several processes, each whole or absent, so that a killed run is taken up again.

The values depend on the plans, the face model and the noise model alone: not on how many processes there are, and not
on how often the work was broken off. Their last bits are the linear algebra library's, which may differ from one
processor to another.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from face1d_ros.errors import CorpusError, CorpusMismatchError, DiskFullError, Face1dError
from face1d_ros.synth.camera import frame_stamps
from face1d_ros.synth.corpus.plans import PlanList
from face1d_ros.synth.corpus.reader import FORMAT, MANIFEST, VALUES_VERSION, read_manifest
from face1d_ros.synth.corpus.shard import Layout, Shard, bytes_a_frame, read_index, shard_name, write_shard
from face1d_ros.synth.faces.point_model import PointModel
from face1d_ros.synth.motion.capture import Capture
from face1d_ros.synth.noise.observe import NoiseModel
from face1d_ros.synth.plan_json import joint_sha256, plan_json, text_sha256
from face1d_ros.synth.sequence import make_sequence

SHARD_BYTES = 128e6
LEAST_SHARDS = 8
"""Of a small corpus, so that several processes have something to do."""
SAMPLE = 24
"""Plans that the size of the corpus is estimated from."""
MARGIN = 1.1
PR_SET_PDEATHSIG = 1  # linux/prctl.h
WORKER_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # glibc gives arrays of some MB back to the system and takes them anew, page by page, unless told otherwise.
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
}

Advance = Callable[[int, int], None]
"""Called with the frames and sequences that were made."""


@dataclass(frozen=True, eq=False)
class CorpusJob:
    """What a corpus is made of."""

    plans: PlanList
    points: PointModel
    noise: NoiseModel
    captures: Mapping[str, Capture] = field(default_factory=dict)
    """By name, where the plans are driven by any."""

    @cached_property
    def sequences_per_shard(self) -> int:
        """The same however the work is shared out."""
        sequence_bytes = self.estimated_bytes / self.plans.count
        by_size = max(int(SHARD_BYTES / sequence_bytes), 1)
        return max(min(by_size, -(-self.plans.count // LEAST_SHARDS)), 1)

    @property
    def shards(self) -> int:
        """How many there will be."""
        return -(-self.plans.count // self.sequences_per_shard)

    def indices(self, shard: int) -> range:
        """Of the sequences in a shard."""
        size = self.sequences_per_shard
        return range(shard * size, min((shard + 1) * size, self.plans.count))

    @cached_property
    def estimated_frames(self) -> float:
        """From a sample of the plans."""
        step = max(self.plans.count // SAMPLE, 1)
        some = [self.plans.plan(index) for index in range(0, self.plans.count, step)]
        return sum(plan.duration_s * plan.camera.rate_hz for plan in some) / len(some) * self.plans.count

    @property
    def estimated_bytes(self) -> float:
        """From the same sample."""
        return self.estimated_frames * bytes_a_frame(self.points.topology, len(self.points.expression_names))

    def manifest(self) -> dict[str, Any]:
        """All that decides about the bytes."""
        return {
            "format": FORMAT,
            "values_version": VALUES_VERSION,
            "plans": self.plans.as_dict(),
            "sequences": self.plans.count,
            "sequences_per_shard": self.sequences_per_shard,
            "points": int(self.points.topology),
            "expression_names": list(self.points.expression_names),
            "face_model": {"name": self.points.source_name, "sha256": self.points.source_sha256},
            "noise_model_sha256": noise_sha256(self.noise),
        }


def make_corpus(job: CorpusJob, folder: Path, workers: int, advance: Advance = lambda frames, sequences: None) -> None:
    """Make the corpus, or what is missing of it. `advance` also hears of what was there already."""
    manifest = job.manifest()
    with _alone(folder):
        _begin(folder, manifest)
        _sweep(folder)
        _check_room(job, folder)
        hashes: dict[int, list[str]] = {}
        frames = 0
        try:
            for shard, made_frames, digests in _made(job, folder, workers):
                hashes[shard] = digests
                frames += made_frames
                advance(made_frames, len(digests))
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFullError(folder, _missing_bytes(job, folder), shutil.disk_usage(folder).free) from error
            raise
        every = [digest for shard in sorted(hashes) for digest in hashes[shard]]
        _write_manifest(folder, manifest | {"complete": True, "frames": frames, "plans_sha256": joint_sha256(every)})


def noise_sha256(model: NoiseModel) -> str:
    """Of all numbers of a noise model; where they came from does not matter."""
    digest = hashlib.sha256()
    for name, value in sorted(vars(model).items()):
        if name != "provenance":
            _digest(digest.update, name, value)
    return digest.hexdigest()


def _digest(update: Callable[[bytes], object], name: str, value: Any) -> None:
    if isinstance(value, np.ndarray):
        update(f"{name} {value.dtype.str} {value.shape}".encode())
        update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, Mapping):
        for key in sorted(value):
            _digest(update, f"{name}.{key}", value[key])
    elif isinstance(value, tuple):
        for place, item in enumerate(value):
            _digest(update, f"{name}.{place}", item)
    elif is_dataclass(value):
        _digest(update, name, vars(value))
    else:
        update(f"{name} {value!r}".encode())


def make_shard(job: CorpusJob, folder: Path, number: int) -> tuple[int, int, list[str]]:
    """Number, frames and the plans' hashes of a shard, made unless it is there already."""
    plans = [job.plans.plan(index) for index in job.indices(number)]
    texts = [plan_json(plan) for plan in plans]
    digests = [text_sha256(text) for text in texts]
    index = read_index(folder, number)
    there = index is not None and [entry["plan_sha256"] for entry in index["sequences"]] == digests
    if index is not None and there and not _damaged(job, folder, number):
        return number, sum(entry["frames"] for entry in index["sequences"]), digests
    layout = Layout(
        job.points.topology,
        len(job.points.expression_names),
        tuple(len(frame_stamps(plan.camera, plan.duration_s)) for plan in plans),
        tuple(len(text) for text in texts),
    )
    sequences = (make_sequence(plan, job.points, job.noise, job.captures) for plan in plans)
    write_shard(folder, number, layout, texts, sequences)
    return number, layout.total_frames, digests


def _damaged(job: CorpusJob, folder: Path, number: int) -> bool:
    try:
        return bool(Shard(folder, number, job.points.topology, job.points.expression_names).damaged())
    except CorpusError:  # of another size than its plans say
        return True


def _made(job: CorpusJob, folder: Path, workers: int) -> Iterator[tuple[int, int, list[str]]]:
    """Shards as they get ready."""
    # Workers start afresh (spawn): they take the number of BLAS threads from the environment, and no thread or lock
    # of this process with them.
    others = set(multiprocessing.active_children())
    with _environment(WORKER_ENVIRONMENT):
        pool = ProcessPoolExecutor(
            workers,
            multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(job, folder, os.getpid()),
        )
        try:
            yield from _results(pool, job.shards, folder)
        except BaseException:
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            _sweep(folder)


def _sweep(folder: Path) -> None:
    """Take away what broken-off runs left half written."""
    for part in folder.glob("shard-*.part"):
        part.unlink(missing_ok=True)


def _results(pool: ProcessPoolExecutor, shards: int, folder: Path) -> Iterator[tuple[int, int, list[str]]]:
    waiting: set[Future[tuple[int, int]]] = {pool.submit(_work, number) for number in range(shards)}
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            try:
                number, frames = future.result()
            except BrokenProcessPool as error:
                raise CorpusError(
                    f"a process that made '{folder}' ended unexpectedly (killed, or out of memory); "
                    "run the same command again to carry on, with fewer --workers if memory is short"
                ) from error
            index = read_index(folder, number)
            if index is None:
                raise CorpusError(
                    f"{shard_name(number)} of '{folder}' was changed meanwhile; run the same command again"
                )
            yield number, frames, [entry["plan_sha256"] for entry in index["sequences"]]


_worker: tuple[CorpusJob, Path] | None = None


def _start_worker(job: CorpusJob, folder: Path, parent: int) -> None:
    global _worker
    # Linux kills this process when the parent dies, however it dies: a run taken up again has the folder to itself.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    _worker = job, folder


def _work(number: int) -> tuple[int, int]:
    """Number and frames of a shard. Nothing long: the pool would wait for ever for the rest of a message that a worker
    was writing when it was ended, and one of two numbers is written at once.
    """
    assert _worker is not None
    try:
        return make_shard(*_worker, number)[:2]
    except Face1dError as error:
        raise CorpusError(f"{shard_name(number)}: {error}") from None  # one with a text alone gets through the pipe


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time makes a corpus."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise CorpusError(
            f"'{folder}' cannot be written to ({error.strerror}); name a folder on a disk where you may write"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CorpusError(f"another process is making '{folder}'; wait for it, or name another folder") from error
        yield


def _begin(folder: Path, manifest: dict[str, Any]) -> None:
    """Take up what was begun with the same parameters; refuse anything else."""
    path = folder / MANIFEST
    if not path.exists():
        foreign = [entry.name for entry in folder.iterdir() if entry.name not in (".lock", f"{MANIFEST}.part")]
        if foreign:
            raise CorpusError(f"'{folder}' holds {foreign[0]!r} and no {MANIFEST}; name an empty or new folder")
        _write_manifest(folder, manifest | {"complete": False})
        return
    there = _flat(read_manifest(folder))
    differences = [
        f"{name} {_short(there.get(name))} there, {_short(value)} asked for"
        for name, value in _flat(manifest).items()
        if there.get(name) != value
    ]
    if differences:
        raise CorpusMismatchError(folder, differences)


def _flat(manifest: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in manifest.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:40]}…"


def _check_room(job: CorpusJob, folder: Path) -> None:
    needed, free = _missing_bytes(job, folder), shutil.disk_usage(folder).free
    if needed > free:
        raise DiskFullError(folder, needed, free)


def _missing_bytes(job: CorpusJob, folder: Path) -> float:
    """About what is still to be written."""
    there = sum(path.stat().st_size for path in folder.glob("shard-*.bin"))
    return max(job.estimated_bytes * MARGIN - there, 0.0)


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    part = folder / f"{MANIFEST}.part"
    part.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(part, folder / MANIFEST)

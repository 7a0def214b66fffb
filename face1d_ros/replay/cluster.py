"""Dask clusters for a replay: processes of this machine, or the workers of a scheduler that all see the same files."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing.resource_tracker
import os
import signal
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from face1d_ros import __version__
from face1d_ros.errors import ClusterError, MissingDependencyError
from face1d_ros.paths import printable
from face1d_ros.replay.job import Job

if TYPE_CHECKING:
    from distributed import Client

    from face1d_ros.replay.visible import Looked

CONNECT_S = 10.0
END_S = 10.0
UNREACHABLE = (OSError, asyncio.TimeoutError, RuntimeError, ValueError)
"""What Dask raises where the scheduler cannot be reached; before Python 3.11, asyncio's TimeoutError is no OSError."""
LOGS = ("distributed", "tornado", "asyncio")
LOCAL_CONFIG: dict[str, Any] = {
    "distributed.nanny.pre-spawn-environ": {},
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
"""Workers have this process's environment, so that the same libraries compute in the same way."""


@contextmanager
def local_cluster(processes: int) -> Iterator[Client]:
    """So many worker processes on this machine, which talk to nobody else; they end with this process."""
    dask, distributed = _dask()
    with ExitStack() as stack:
        stack.enter_context(_quiet())
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="face1d_", ignore_cleanup_errors=True))
        stack.enter_context(dask.config.set({**LOCAL_CONFIG, "temporary-directory": folder}))
        with _interrupts_are_ours():
            cluster = distributed.LocalCluster(
                n_workers=processes,
                threads_per_worker=1,
                host="127.0.0.1",
                scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
                dashboard_address=None,
                security=True,  # without it, anybody on this machine could have code run by the workers
                memory_limit=0,
                silence_logs=logging.CRITICAL,
                local_directory=folder,
            )
        stack.callback(cluster.close, timeout=END_S)
        client = distributed.Client(cluster, set_as_default=False)
        stack.callback(client.close, timeout=END_S)
        yield client


@contextmanager
def connected(scheduler: str) -> Iterator[Client]:
    """The cluster whose scheduler listens at this address. Raises ClusterError."""
    _, distributed = _dask()
    from distributed.comm.addressing import get_address_host_port

    with _quiet():
        if scheduler.startswith("tls:") and not distributed.Security().tls_ca_file:
            raise ClusterError(f"'{scheduler}' asks for certificates, and none are set (docs/replay.md says how)")
        try:
            get_address_host_port(scheduler)  # a client that cannot read it waits for half a minute when it ends
            client = distributed.Client(scheduler, timeout=CONNECT_S, set_as_default=False)
        except (*UNREACHABLE, TypeError) as error:
            raise ClusterError(
                f"no Dask scheduler answers at '{scheduler}': {_first_line(error)}; start one with "
                "`dask scheduler`, and give its address, such as tcp://192.168.1.5:8786"
            ) from error
        try:
            if not workers_of(client):
                with suppress(*UNREACHABLE):
                    client.wait_for_workers(1, timeout=CONNECT_S)
            if not workers_of(client):
                raise ClusterError(
                    f"the Dask scheduler at '{scheduler}' has no workers; start some with "
                    f"`dask worker {scheduler} --nthreads 1`"
                )
            yield client
        finally:
            client.close(timeout=END_S)


def check_workers(client: Client, jobs: Sequence[Job]) -> None:
    """Raises ClusterError where a worker does not see a source, or a folder for the results, as this machine does."""
    from face1d_ros.replay.visible import look

    sources = [job.source for job in jobs]
    folders = sorted({str(Path(job.folder).parent) for job in jobs})
    sign = f".face1d_{uuid.uuid4().hex}"
    signs = [Path(folder, sign) for folder in folders]
    try:
        for path in signs:
            path.touch(exist_ok=False)
        here = look(sources, folders, sign)
        answers = client.run(look, sources, folders, sign, on_error="return")
    finally:
        for path in signs:
            path.unlink(missing_ok=True)
    for worker, answer in answers.items():
        _check_answer(worker, answer, here, sources, folders)


def workers_of(client: Client) -> list[str]:
    """The addresses of its cluster's workers."""
    return list(client.nthreads())


def _check_answer(
    worker: str, answer: Looked | Exception, here: Looked, sources: Sequence[str], folders: Sequence[str]
) -> None:
    if isinstance(answer, Exception):
        raise ClusterError(
            f"the Dask worker {worker} cannot replay: {_first_line(answer)}; install face1d_ros {__version__} there"
        )
    if answer.version != here.version:
        wanted = f"face1d_ros {answer.version}, expected {here.version} as here"
        raise ClusterError(f"the Dask worker {worker} has {wanted}; install the same version on all machines")
    where = "all machines must see the same files at the same paths, as on a shared disk"
    for source, seen, own in zip(sources, answer.sources, here.sources, strict=True):
        if own.problem:
            continue  # told when it is opened
        if seen.problem:
            raise ClusterError(f"the Dask worker {worker} does not see {printable(source)}: {seen.problem}; {where}")
        if seen.bytes != own.bytes:
            sizes = f"{seen.bytes} bytes, here it has {own.bytes}"
            raise ClusterError(f"the Dask worker {worker} sees another {printable(source)} ({sizes}); {where}")
    for folder, problem in zip(folders, answer.folders, strict=True):
        if problem:
            raise ClusterError(f"{printable(folder)} {problem}, as the Dask worker {worker} sees it; {where}")


def _dask() -> tuple[Any, Any]:
    try:
        import dask
        import distributed
    except ImportError as error:
        raise MissingDependencyError("Dask", "replaying several sources at once", "pip install distributed") from error
    return dask, distributed


@contextmanager
def _quiet() -> Iterator[None]:
    """What Dask would log is told by us, or of no use."""
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict if name.split(".")[0] in LOGS]
    before = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in before:
            logger.setLevel(level)


@contextmanager
def _interrupts_are_ours() -> Iterator[None]:
    """Threads and processes that begin meanwhile, and theirs, never see a Ctrl-C: they are stopped by this one."""
    signals = {signal.SIGINT, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        multiprocessing.resource_tracker.ensure_running()  # which lets some of them through again
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return printable(lines[0][:300]) if lines else type(error).__name__


def default_processes() -> int:
    """Two cores for each: a job keeps nearly two of them busy."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // 2)

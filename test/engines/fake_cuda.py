"""A stand-in for libcuda.so.1 that records, refuses wrong use, and really moves bytes.

Its functions are C functions with the types that cuda.h declares (cuda_api.json), so that ctypes refuses other
arguments. Work is put on streams and done only when somebody waits for it: who reads too early reads what was before.
Device addresses are no addresses of the CPU; each use of one must lie within memory that is allocated.
"""

from __future__ import annotations

import ctypes
import json
import threading
from collections.abc import Callable
from ctypes import POINTER, c_char_p, c_int, c_size_t, c_ubyte, c_uint, c_uint64, c_ulonglong, c_void_p
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DECLARED: dict[str, list[str]] = json.loads(Path(__file__).with_name("cuda_api.json").read_text(encoding="utf-8"))
C_TYPES: dict[str, Any] = {
    "int": c_int,
    "unsigned int": c_uint,
    "unsigned long long": c_ulonglong,
    "size_t": c_size_t,
    "CUdevice": c_int,
    "CUresult": c_int,
    "CUdevice_attribute": c_int,
    "CUstreamCaptureMode": c_int,
    "CUdeviceptr": c_uint64,
    "int *": POINTER(c_int),
    "CUdevice *": POINTER(c_int),
    "CUdeviceptr *": POINTER(c_uint64),
    "char *": c_char_p,
    "const char **": POINTER(c_char_p),
    "void **": POINTER(c_void_p),
    **dict.fromkeys(["void *", "const void *", "CUcontext", "CUstream", "CUgraph", "CUgraphExec"], c_void_p),
    **dict.fromkeys(["CUcontext *", "CUstream *", "CUgraph *", "CUgraphExec *"], POINTER(c_void_p)),
}
OK, INVALID_VALUE, OUT_OF_MEMORY, INVALID_CONTEXT, INVALID_HANDLE, NOT_READY = 0, 1, 2, 201, 400, 600
ILLEGAL_ADDRESS, CAPTURE_UNSUPPORTED, CAPTURE_INVALIDATED, UNKNOWN = 700, 900, 901, 999
NAMES = {ILLEGAL_ADDRESS: b"CUDA_ERROR_ILLEGAL_ADDRESS", OUT_OF_MEMORY: b"CUDA_ERROR_OUT_OF_MEMORY"}
NEEDS_NO_CONTEXT = {"cuInit", "cuGetErrorName", "cuDriverGetVersion", "cuCtxSetCurrent", "cuDevicePrimaryCtxRetain"}
CONTEXT = 0xC0
NAME_OF = {18: "integrated", 19: "can_map", 75: "major", 76: "minor"}
DEVICE_MEMORY, MAPPED_MEMORY = 0x7000_0000_0000, 0x6000_0000_0000
ALIGNMENT = 512


class WrongUseError(Exception):
    """What the documentation forbids."""


@dataclass
class Graph:
    """Recorded work."""

    work: list[Callable[[], None]] = field(default_factory=list)
    is_broken: bool = False


@dataclass
class Stream:
    """Work to be done."""

    work: list[Callable[[], None]] = field(default_factory=list)
    capture: Graph | None = None


class FakeCuda:
    """One GPU. `wrong` says what was used wrongly: a test that finds anything there has failed."""

    def __init__(self, *, shares_memory: bool = False, **properties: Any) -> None:
        self.properties = {"name": "Fake Orin", "major": 8, "minor": 7, "cuda": 12060, "can_map": 1} | properties
        self.properties["integrated"] = int(shares_memory)
        self.wrong: list[str] = []
        self.calls: list[str] = []
        self.fails: dict[str, int] = {}
        """Status that a function gives from now on."""
        self.is_hung = False
        self._memory: dict[int, Any] = {}
        self._mapped: dict[int, int] = {}
        """Host addresses by device address."""
        self._handles: dict[int, Any] = {}
        self._next = {DEVICE_MEMORY: DEVICE_MEMORY, MAPPED_MEMORY: MAPPED_MEMORY, 0: 0x100}
        self._local = threading.local()
        self._lock = threading.RLock()
        for name, types in DECLARED.items():
            setattr(self, name, self._function(name, types))

    def count(self, name: str) -> int:
        """How often a function was called."""
        return self.calls.count(name)

    def allocated(self) -> int:
        """Pieces of memory that nobody freed, on the device and pinned."""
        return len(self._memory) + len(self._mapped)

    def bytes_at(self, address: int, size: int) -> memoryview:
        """Memory as the device sees it."""
        for base, buffer in self._memory.items():
            if base <= address and address + size <= base + len(buffer):
                return memoryview(buffer)[address - base : address - base + size]
        for base, host in self._mapped.items():
            buffer = self._handles[host]
            if base <= address and address + size <= base + len(buffer):
                return memoryview(buffer).cast("B")[address - base : address - base + size]
        raise WrongUseError(f"{size} bytes at {address:#x} are not allocated")

    def put(self, stream: int, work: Callable[[], None]) -> bool:
        """On a stream, or in the graph that it is recording; whether it is recorded."""
        found = self._handle(stream, Stream)
        (found.work if found.capture is None else found.capture.work).append(work)
        return found.capture is not None

    # How a call gets here.

    def _function(self, name: str, declared: list[str]) -> Any:
        types = [C_TYPES[one] for one in declared]
        # Text that is written into comes as an address: ctypes would hand over a copy.
        passed = [c_void_p if one is c_char_p else one for one in types]
        implementation = getattr(self, f"_{name}")

        def call(*arguments: Any) -> int:
            with self._lock:
                self.calls.append(name)
                if name in self.fails:
                    return self.fails[name]
                if name not in NEEDS_NO_CONTEXT and "Device" not in name and getattr(self._local, "now", 0) != CONTEXT:
                    return INVALID_CONTEXT
                try:
                    return implementation(*arguments) or OK
                except Exception as error:  # nothing may be raised through C
                    self.wrong.append(f"{name}: {error}")
                    return UNKNOWN

        return ctypes.CFUNCTYPE(c_int, *passed)(call)

    def _new(self, thing: Any) -> int:
        self._next[0] += 0x10
        self._handles[self._next[0]] = thing
        return self._next[0]

    def _handle(self, handle: int, kind: type) -> Any:
        found = self._handles.get(handle)
        if not isinstance(found, kind):
            raise WrongUseError(f"{handle:#x} is no {kind.__name__}")
        return found

    def _address(self, kind: int, size: int) -> int:
        address = self._next[kind]
        self._next[kind] += -(-size // ALIGNMENT) * ALIGNMENT + ALIGNMENT
        return address

    def _check_not_capturing(self) -> None:
        if getattr(self._local, "capturing", False):
            raise WrongUseError("not while this thread records a graph")

    # The functions.

    def _cuInit(self, flags: int) -> int:
        return INVALID_VALUE if flags else OK

    def _cuGetErrorName(self, status: int, name: Any) -> None:
        name[0] = NAMES.get(status, b"CUDA_ERROR_UNKNOWN")

    def _cuDriverGetVersion(self, version: Any) -> None:
        version[0] = self.properties["cuda"]

    def _cuDeviceGet(self, device: Any, ordinal: int) -> None:
        device[0] = ordinal

    def _cuDeviceGetName(self, name: int, size: int, device: int) -> None:
        text = self.properties["name"].encode()[: size - 1] + b"\0"
        ctypes.memmove(name, text, len(text))

    def _cuDeviceGetAttribute(self, value: Any, attribute: int, device: int) -> None:
        value[0] = self.properties[NAME_OF[attribute]]

    def _cuDevicePrimaryCtxRetain(self, context: Any, device: int) -> None:
        context[0] = CONTEXT

    def _cuCtxSetCurrent(self, context: int) -> None:
        self._local.now = context

    def _cuMemAlloc_v2(self, address: Any, size: int) -> int | None:
        self._check_not_capturing()
        if size == 0:
            return INVALID_VALUE
        address[0] = self._address(DEVICE_MEMORY, size)
        self._memory[address[0]] = bytearray(b"\xa5" * size)  # never zeros by luck
        return None

    def _cuMemFree_v2(self, address: int) -> None:
        self._check_not_capturing()
        if self._memory.pop(address, None) is None:
            raise WrongUseError(f"{address:#x} is not allocated")

    def _cuMemHostAlloc(self, pointer: Any, size: int, flags: int) -> int | None:
        self._check_not_capturing()
        if size == 0 or flags & ~7:
            return INVALID_VALUE
        buffer = (c_ubyte * size)(*b"\xa5" * size)
        pointer[0] = host = ctypes.addressof(buffer)
        self._handles[host] = buffer
        if flags & 2:
            self._mapped[self._address(MAPPED_MEMORY, size)] = host
        return None

    def _cuMemFreeHost(self, pointer: int) -> None:
        if self._handles.pop(pointer, None) is None:
            raise WrongUseError(f"{pointer:#x} is not allocated")
        self._mapped = {address: host for address, host in self._mapped.items() if host != pointer}

    def _cuMemHostGetDevicePointer_v2(self, address: Any, pointer: int, flags: int) -> int | None:
        found = [mapped for mapped, host in self._mapped.items() if host == pointer]
        if flags or not found:
            return INVALID_VALUE
        address[0] = found[0]
        return None

    def _cuMemcpyHtoDAsync_v2(self, address: int, host: int, size: int, stream: int) -> None:
        self._check_pinned(host, size)
        self.put(stream, lambda: self._write(address, ctypes.string_at(host, size)))

    def _cuMemcpyDtoHAsync_v2(self, host: int, address: int, size: int, stream: int) -> None:
        self._check_pinned(host, size)
        self.put(stream, lambda: self._to_host(host, bytes(self.bytes_at(address, size))))

    def _cuMemcpyDtoDAsync_v2(self, to: int, address: int, size: int, stream: int) -> None:
        self.put(stream, lambda: self._write(to, bytes(self.bytes_at(address, size))))

    def _check_pinned(self, host: int, size: int) -> None:
        """Copies from memory that can be paged out are not asynchronous, and cannot be recorded."""
        for pointer, buffer in self._handles.items():
            if isinstance(buffer, ctypes.Array) and pointer <= host and host + size <= pointer + len(buffer):
                return
        raise WrongUseError(f"{size} bytes at {host:#x} are not pinned")

    def _write(self, address: int, data: bytes) -> None:
        self.bytes_at(address, len(data))[:] = data

    def _to_host(self, host: int, data: bytes) -> None:
        self._check_pinned(host, len(data))
        ctypes.memmove(host, data, len(data))

    def _cuStreamCreate(self, stream: Any, flags: int) -> None:
        stream[0] = self._new(Stream())

    def _cuStreamDestroy_v2(self, stream: int) -> None:
        self._handle(stream, Stream)
        del self._handles[stream]

    def _cuStreamQuery(self, stream: int) -> int:
        found = self._handle(stream, Stream)
        if found.capture is not None:
            found.capture.is_broken = True
            return CAPTURE_UNSUPPORTED
        if self.is_hung:
            return NOT_READY
        work, found.work = found.work, []
        for step in work:
            step()
        return OK

    def _cuStreamBeginCapture_v2(self, stream: int, mode: int) -> int | None:
        found = self._handle(stream, Stream)
        if mode not in (0, 1, 2) or found.capture is not None:
            return INVALID_VALUE
        found.capture = Graph()
        self._local.capturing = True
        return None

    def _cuStreamEndCapture(self, stream: int, graph: Any) -> int | None:
        found = self._handle(stream, Stream)
        recorded, found.capture = found.capture, None
        self._local.capturing = False
        if recorded is None or recorded.is_broken:
            return CAPTURE_INVALIDATED
        graph[0] = self._new(recorded)
        return None

    def _cuGraphInstantiateWithFlags(self, executable: Any, graph: int, flags: int) -> None:
        executable[0] = self._new(tuple(self._handle(graph, Graph).work))

    def _cuGraphLaunch(self, executable: int, stream: int) -> None:
        for step in self._handle(executable, tuple):
            self.put(stream, step)

    def _cuGraphExecDestroy(self, executable: int) -> None:
        self._handle(executable, tuple)
        del self._handles[executable]

    def _cuGraphDestroy(self, graph: int) -> None:
        self._handle(graph, Graph)
        del self._handles[graph]

"""The CUDA driver through ctypes: the two dozen functions that a network with fixed addresses needs.

Of the driver's library, libcuda.so.1, and not of the runtime's, libcudart: it comes with every driver and every JetPack
under this one name whatever the CUDA version, and a function of it that changes gets a new name (`_v2`). cuda-python is
no part of JetPack and its 12 does not do for CUDA 13; PyCUDA would have to be compiled there. TensorRT, which uses the
runtime, works in the device's primary context, which we take here, too.
"""

from __future__ import annotations

import ctypes
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_ubyte, c_uint, c_uint64, c_ulonglong, c_void_p
from functools import lru_cache
from typing import Any

from face1d_ros.errors import EngineError

NAME = "tensorrt"
LIBRARY = "libcuda.so.1"
PROTOTYPES: dict[str, tuple[Any, ...]] = {
    "cuInit": (c_uint,),
    "cuGetErrorName": (c_int, POINTER(c_char_p)),
    "cuDriverGetVersion": (POINTER(c_int),),
    "cuDeviceGet": (POINTER(c_int), c_int),
    "cuDeviceGetName": (c_char_p, c_int, c_int),
    "cuDeviceGetAttribute": (POINTER(c_int), c_int, c_int),
    "cuDevicePrimaryCtxRetain": (POINTER(c_void_p), c_int),
    "cuCtxSetCurrent": (c_void_p,),
    "cuMemAlloc_v2": (POINTER(c_uint64), c_size_t),
    "cuMemFree_v2": (c_uint64,),
    "cuMemHostAlloc": (POINTER(c_void_p), c_size_t, c_uint),
    "cuMemFreeHost": (c_void_p,),
    "cuMemHostGetDevicePointer_v2": (POINTER(c_uint64), c_void_p, c_uint),
    "cuMemcpyHtoDAsync_v2": (c_uint64, c_void_p, c_size_t, c_void_p),
    "cuMemcpyDtoHAsync_v2": (c_void_p, c_uint64, c_size_t, c_void_p),
    "cuMemcpyDtoDAsync_v2": (c_uint64, c_uint64, c_size_t, c_void_p),
    "cuStreamCreate": (POINTER(c_void_p), c_uint),
    "cuStreamDestroy_v2": (c_void_p,),
    "cuStreamQuery": (c_void_p,),
    "cuStreamBeginCapture_v2": (c_void_p, c_int),
    "cuStreamEndCapture": (c_void_p, POINTER(c_void_p)),
    "cuGraphInstantiateWithFlags": (POINTER(c_void_p), c_void_p, c_ulonglong),
    "cuGraphLaunch": (c_void_p, c_void_p),
    "cuGraphExecDestroy": (c_void_p,),
    "cuGraphDestroy": (c_void_p,),
}
"""As cuda.h declares them: device addresses are numbers of 64 bits, handles are pointers, all give a CUresult."""

SUCCESS, NOT_READY = 0, 600
INTEGRATED, CAN_MAP_HOST_MEMORY, CAPABILITY_MAJOR, CAPABILITY_MINOR = 18, 19, 75, 76
NON_BLOCKING_STREAM, THREAD_LOCAL_CAPTURE = 1, 1
HOST_PORTABLE, HOST_DEVICE_MAP = 1, 2

SPINS = 300
"""Looks at a stream without a rest, a few hundred microseconds: a rest would be longer than a small network takes."""
NAP_S = 1e-4
NAPS = 20_000
"""Then a rest between looks; after all of them, more than two seconds, the device counts as hung."""


def open_library() -> Any:
    """The driver's library, with prototypes."""
    try:
        library = ctypes.CDLL(LIBRARY)
        for name, arguments in PROTOTYPES.items():
            function = getattr(library, name)
            function.argtypes, function.restype = arguments, c_int
    except (OSError, AttributeError) as error:
        raise EngineError(NAME, f"no NVIDIA driver that can be used ({error})") from error
    return library


@lru_cache(maxsize=1)
def device() -> Device:
    """The first GPU that is visible (CUDA_VISIBLE_DEVICES chooses), opened once a process."""
    return Device(open_library())


class Device:
    """A GPU and its primary context, which is kept until the process ends."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self.call("cuInit", 0)
        self._handle = self._number("cuDeviceGet", 0)
        name = ctypes.create_string_buffer(256)
        self.call("cuDeviceGetName", name, len(name), self._handle)
        self.name = name.value.decode(errors="replace")
        self.capability = f"{self._attribute(CAPABILITY_MAJOR)}.{self._attribute(CAPABILITY_MINOR)}"
        self.shares_memory = bool(self._attribute(INTEGRATED) and self._attribute(CAN_MAP_HOST_MEMORY))
        """With the CPU, as on a Jetson: then nothing has to be copied."""
        version = self._number("cuDriverGetVersion")
        self.cuda = f"{version // 1000}.{version % 1000 // 10}"
        self._context = self.pointer("cuDevicePrimaryCtxRetain", self._handle)

    def call(self, function: str, *arguments: Any) -> None:
        """One function of the driver; what it refuses is an `EngineError`."""
        status = getattr(self._library, function)(*arguments)
        if status != SUCCESS:
            raise EngineError(NAME, f"{function} gave {self._error_name(status)}")

    def use(self) -> None:
        """Make the calling thread work on this device: the driver keeps that by thread."""
        self.call("cuCtxSetCurrent", self._context)

    def allocate(self, size: int) -> int:
        """The address of so many bytes on the device, aligned as TensorRT wants it."""
        address = c_uint64()
        self.call("cuMemAlloc_v2", byref(address), size)
        return address.value

    def free(self, address: int) -> None:
        """What `allocate` gave."""
        self.call("cuMemFree_v2", address)

    def pinned(self, size: int) -> tuple[Any, int]:
        """Host memory that the device reaches: its bytes, freed with the last array on them, and its device address."""
        pointer = self.pointer("cuMemHostAlloc", size, HOST_PORTABLE | HOST_DEVICE_MAP)
        address = c_uint64()
        self.call("cuMemHostGetDevicePointer_v2", byref(address), pointer, 0)
        buffer = (c_ubyte * size).from_address(pointer)
        # An array that a caller still holds must stay readable after the engine is closed.
        weakref.finalize(buffer, self._free_pinned, pointer).atexit = False
        return buffer, address.value

    def stream(self) -> Stream:
        """A new one, that waits for no other."""
        return Stream(self, self.pointer("cuStreamCreate", NON_BLOCKING_STREAM))

    def query(self, stream: int) -> bool:
        """Whether all work of a stream is done."""
        status = self._library.cuStreamQuery(stream)
        if status not in (SUCCESS, NOT_READY):
            raise EngineError(NAME, f"the device failed with {self._error_name(status)}")
        return bool(status == SUCCESS)

    def _free_pinned(self, pointer: int) -> None:
        """Called whenever Python drops an array, so in any thread; there is nobody to tell of a failure."""
        self._library.cuCtxSetCurrent(self._context)
        self._library.cuMemFreeHost(pointer)

    def _attribute(self, attribute: int) -> int:
        return self._number("cuDeviceGetAttribute", attribute, self._handle)

    def _number(self, function: str, *arguments: Any) -> int:
        value = c_int()
        self.call(function, byref(value), *arguments)
        return value.value

    def pointer(self, function: str, *arguments: Any) -> int:
        """What a function gives by its first argument."""
        value = c_void_p()
        self.call(function, byref(value), *arguments)
        return value.value or 0

    def _error_name(self, status: int) -> str:
        name = c_char_p()
        self._library.cuGetErrorName(status, byref(name))
        return name.value.decode() if name.value else f"error {status}"


class Stream:
    """Work in order on the device."""

    def __init__(self, device: Device, handle: int) -> None:
        self.handle = handle
        self._device = device

    def upload(self, address: int, host: Any, size: int) -> None:
        """Bytes of pinned memory to the device."""
        self._device.call("cuMemcpyHtoDAsync_v2", address, ctypes.addressof(host), size, self.handle)

    def download(self, host: Any, address: int, size: int) -> None:
        """Bytes of the device to pinned memory."""
        self._device.call("cuMemcpyDtoHAsync_v2", ctypes.addressof(host), address, size, self.handle)

    def copy(self, to: int, address: int, size: int) -> None:
        """Bytes of the device to another place there."""
        self._device.call("cuMemcpyDtoDAsync_v2", to, address, size, self.handle)

    def finish(self) -> None:
        """Wait until all is done; a device that does not answer is an error.

        The driver's own waiting has no end when the device hangs.
        """
        for _ in range(SPINS):
            if self._device.query(self.handle):
                return
        for _ in range(NAPS):
            if self._device.query(self.handle):
                return
            time.sleep(NAP_S)
        raise EngineError(NAME, f"no answer from the device after more than {NAPS * NAP_S:g} s")

    @contextmanager
    def capture(self) -> Iterator[Graph]:
        """Record the work put on the stream meanwhile, without doing it."""
        self._device.call("cuStreamBeginCapture_v2", self.handle, THREAD_LOCAL_CAPTURE)
        graph = Graph(self._device, self)
        try:
            yield graph
        except BaseException:
            # The stream is of no use before the capture has ended, whatever comes of it.
            with suppress(EngineError):
                self._end_capture()
            raise
        graph.take(self._end_capture())

    def _end_capture(self) -> int:
        graph = c_void_p()
        self._device.call("cuStreamEndCapture", self.handle, byref(graph))
        return graph.value or 0

    def destroy(self) -> None:
        """Once."""
        self._device.call("cuStreamDestroy_v2", self.handle)


class Graph:
    """Recorded work that starts with one call."""

    def __init__(self, device: Device, stream: Stream) -> None:
        self._device = device
        self._stream = stream
        self._executable = 0

    def take(self, graph: int) -> None:
        """Make what was recorded ready to run."""
        try:
            self._executable = self._device.pointer("cuGraphInstantiateWithFlags", graph, 0)
        finally:
            self._device.call("cuGraphDestroy", graph)

    def launch(self) -> None:
        """Do it all."""
        self._device.call("cuGraphLaunch", self._executable, self._stream.handle)

    def destroy(self) -> None:
        """Once."""
        self._device.call("cuGraphExecDestroy", self._executable)

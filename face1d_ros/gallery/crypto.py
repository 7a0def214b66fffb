"""Keys and sealed bytes: AES-256-GCM under keys that HKDF-SHA256 derives for one purpose each."""

from __future__ import annotations

import hmac
import secrets
import struct
from dataclasses import dataclass
from typing import Any

from face1d_ros.errors import MissingDependencyError

KEY_BYTES = 32
ID_BYTES = 16
KEY_ID_BYTES = 8
NONCE_BYTES = 12
TAG_BYTES = 16
MAGIC = b"face1d"
VERSION = 1
PREAMBLE = struct.Struct(f">{len(MAGIC)}sBB{ID_BYTES}s{KEY_ID_BYTES}s")
"""Magic, format version, kind, gallery, and which key it was sealed with."""
OVERHEAD = PREAMBLE.size + NONCE_BYTES + TAG_BYTES
HEADER_KIND, SUBJECT_KIND = 1, 2


class NotOpenedError(Exception):
    """Sealed bytes that do not open; `problem` says why. For this room only."""

    def __init__(self, problem: str, is_other_key: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.is_other_key = is_other_key


class SecretKey:
    """32 secret bytes that show themselves nowhere."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError(f"got {len(secret)} bytes, expected {KEY_BYTES}")
        self._secret = bytes(secret)

    @classmethod
    def random(cls) -> SecretKey:
        """A fresh one from the system's generator."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def from_hex(cls, text: str) -> SecretKey:
        """The key that `hex` wrote. Raises ValueError."""
        return cls(bytes.fromhex(text))

    def hex(self) -> str:
        """The secret itself, to be stored where it is safe."""
        return self._secret.hex()

    def derived(self, purpose: str, salt: bytes, size: int = KEY_BYTES) -> bytes:
        """(size,) bytes for one purpose, from which nothing follows for another."""
        primitives = _primitives()
        info = b"face1d gallery " + purpose.encode()
        return bytes(primitives.hkdf(primitives.sha256(), size, salt, info).derive(self._secret))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretKey) and hmac.compare_digest(self._secret, other._secret)

    def __hash__(self) -> int:
        return hash(self._secret)

    def __repr__(self) -> str:
        return "SecretKey(hidden)"

    def __reduce__(self) -> str:
        raise TypeError("a secret key is not serialised")


@dataclass(frozen=True)
class Context:
    """What sealed bytes belong to; they open nowhere else."""

    kind: int
    gallery: bytes
    handle: str = ""

    def preamble(self, key: SecretKey) -> bytes:
        """What stands before the nonce, readable by anybody and bound to the rest."""
        key_id = key.derived(f"key id {self.kind}", self.gallery, KEY_ID_BYTES)
        return PREAMBLE.pack(MAGIC, VERSION, self.kind, self.gallery, key_id)

    def cipher(self, key: SecretKey) -> Any:
        """AES-256-GCM under the key for this kind of content of this gallery."""
        return _primitives().aes_gcm(key.derived(f"content {self.kind}", self.gallery))


def sealed(key: SecretKey, context: Context, content: bytes) -> bytes:
    """Content that only `key` opens, and only in the same context."""
    preamble, nonce = context.preamble(key), secrets.token_bytes(NONCE_BYTES)
    return preamble + nonce + bytes(context.cipher(key).encrypt(nonce, content, preamble + context.handle.encode()))


def opened(key: SecretKey, context: Context, data: bytes) -> bytes:
    """The content of sealed bytes. Raises NotOpenedError."""
    check_preamble(data, context.kind)
    preamble = context.preamble(key)
    if data[: PREAMBLE.size] != preamble:
        raise NotOpenedError("a file of another key, gallery or kind", is_other_key=True)
    nonce, rest = data[PREAMBLE.size : PREAMBLE.size + NONCE_BYTES], data[PREAMBLE.size + NONCE_BYTES :]
    try:
        return bytes(context.cipher(key).decrypt(nonce, rest, preamble + context.handle.encode()))
    except _primitives().invalid_tag:
        raise NotOpenedError("bytes that were changed or belong elsewhere") from None


def check_preamble(data: bytes, kind: int) -> bytes:
    """The gallery that sealed bytes name. Raises NotOpenedError."""
    if len(data) < OVERHEAD:
        raise NotOpenedError(f"{len(data)} bytes")
    magic, version, came, gallery, _ = PREAMBLE.unpack(data[: PREAMBLE.size])
    if magic != MAGIC or came != kind:
        raise NotOpenedError("a file that is no part of a gallery, or another part")
    if version != VERSION:
        raise NotOpenedError(f"format {version}, where this version of the package knows format {VERSION}")
    return bytes(gallery)


def key_stream(secret: bytes, size: int) -> bytes:
    """(size,) bytes that follow from 32 secret ones: the key stream of AES-256 in counter mode."""
    primitives = _primitives()
    encryptor = primitives.cipher(primitives.aes(secret), primitives.ctr(bytes(16))).encryptor()
    return bytes(encryptor.update(bytes(size)))


@dataclass(frozen=True)
class _Primitives:
    aes_gcm: Any
    hkdf: Any
    sha256: Any
    cipher: Any
    aes: Any
    ctr: Any
    invalid_tag: type[Exception]


def _primitives() -> _Primitives:
    try:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import CTR
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    except ImportError as error:
        raise MissingDependencyError(
            "cryptography", "the gallery", "run `pip install cryptography` or `apt install python3-cryptography`"
        ) from error
    return _Primitives(AESGCM, HKDF, SHA256, Cipher, AES, CTR, InvalidTag)

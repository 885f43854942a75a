"""Signed notes and verifier keys (C2SP signed-note v1.0.0).

A note is text, an empty line, and signature lines. A signature counts only when its key name and key id are
those of a key we hold: unknown lines are ignored, a line of a known key that fails rejects the whole note,
and a note without any known line is rejected. What `open_note` hands on holds nothing unverified.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Protocol

from governance import limits
from governance.canonical import sha256
from governance.errors import BadSignature, MalformedKey, MalformedNote, TooLarge
from governance.signing import ed25519
from governance.signing.lines import encode_base64, exact_base64, padded_base64, printable

ED25519: Final = 0x01
COSIGNATURE_V1: Final = 0x04
ML_DSA_44: Final = 0x06
KEY_SIZES: Final = {ED25519: 32, COSIGNATURE_V1: 32, ML_DSA_44: 1312}
"""Bytes of public key for each signature type we verify; 02, 05 and ff are not used by our logs."""

_DASH: Final = "\N{EM DASH} "
_HEX: Final = frozenset("0123456789abcdef")
_key_name: Final = re.compile(r"[^\s+\x00-\x1f\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """Who signs and how: key name, signature type, public key; `str()` gives the vkey text.

    Raises:
        MalformedKey: an unusable name, an unknown type, or a key of the wrong length.
    """

    name: str
    kind: int
    public: bytes
    key_id: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise MalformedKey(f"{self.name[:40]!r} is not a key name: it may hold no spaces and no '+'")
        if KEY_SIZES.get(self.kind) != len(self.public):
            raise MalformedKey(f"no key of type {self.kind:#04x} has {len(self.public)} bytes")
        # Key ids of types 01, 04 and 06 share one construction (signed-note "Signatures").
        hashed = sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public)
        object.__setattr__(self, "key_id", hashed[:4])

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.kind]) + self.public)}"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: key name, 4-byte key id, signature bytes as its type defines them."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """The signed bytes (with their final LF) and signature lines in their order."""

    text: bytes
    signatures: tuple[NoteSignature, ...]

    def __bytes__(self) -> bytes:
        return self.text + b"\n" + "".join(map(str, self.signatures)).encode()


class Verifier(Protocol):
    """Checks the signatures of one key."""

    @property
    def key(self) -> VerifierKey:
        """The key whose lines this verifier answers for."""

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether signature (the line's bytes after the key id) is right for the note text."""


class Signer(Protocol):
    """Makes the signatures of one key."""

    @property
    def key(self) -> VerifierKey:
        """The public half, as others configure it."""

    def sign(self, text: bytes) -> bytes:
        """The signature bytes that follow the key id in the line."""


@dataclass(frozen=True, slots=True)
class Ed25519Verifier:
    """Type 01: Ed25519 over the note text."""

    key: VerifierKey

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether the 64-byte signature is right for the text."""
        return len(signature) == 64 and ed25519.verify(self.key.public, text, signature)


class Ed25519Signer:
    """Type 01: Ed25519 over the note text, from a 32-byte seed."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._seed = seed
        self.key = VerifierKey(name, ED25519, ed25519.public_key(seed))

    def sign(self, text: bytes) -> bytes:
        """64 bytes; the same text always gives the same signature."""
        return ed25519.sign(self._seed, text)


def is_key_name(name: str) -> bool:
    """Whether name may stand in a signature line: non-empty, printable UTF-8, no Unicode space, no '+'."""
    return _key_name.fullmatch(name) is not None


@lru_cache(maxsize=4096)
def parse_vkey(text: str) -> VerifierKey:
    """The key of a vkey, `<name>+<key id, 8 hex digits>+<base64 of type and public key>`.

    Raises:
        MalformedKey: another shape, a type we do not verify, or an id that is not this key's.
    """
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    if len(key_id) != 8 or not _HEX.issuperset(key_id):
        raise MalformedKey("a verifier key is <name>+<8 hex digits>+<base64>")
    raw = exact_base64(encoded)
    if not raw:
        raise MalformedKey("the last part of a verifier key is standard padded base64")
    key = VerifierKey(name, raw[0], raw[1:])
    if key.key_id.hex() != key_id:
        raise MalformedKey(f"key id {key_id} does not belong to this key; its own is {key.key_id.hex()}")
    return key


def parse_note(data: bytes) -> Note:
    """The text and all signature lines, none of them verified.

    Raises:
        MalformedNote: not a signed note, or more than `limits.NOTE_SIGNATURES` lines.
        BadSignature: base64 in a signature line with stray bits before its padding.
        TooLarge: more than `limits.NOTE` bytes.
    """
    if len(data) > limits.NOTE:
        raise TooLarge(f"a signed note may have {limits.NOTE} bytes")
    if printable(data) is None:
        raise MalformedNote("a signed note is UTF-8 without control characters other than newline")
    split = data.rfind(b"\n\n")
    if split < 0:
        raise MalformedNote("no empty line separates the text from its signatures")
    return Note(data[: split + 1], parse_signatures(data[split + 2 :]))


def parse_signatures(data: bytes) -> tuple[NoteSignature, ...]:
    """One or more signature lines, as in a note or a witness's answer (C2SP tlog-witness).

    Raises:
        MalformedNote: anything but complete signature lines, or too many of them.
        BadSignature: base64 with stray bits before its padding.
    """
    text = printable(data)
    if not text or not text.endswith("\n"):
        raise MalformedNote("signature lines end in a newline, and there is at least one")
    lines = text[:-1].split("\n")
    if len(lines) > limits.NOTE_SIGNATURES:
        raise MalformedNote(f"more than {limits.NOTE_SIGNATURES} signature lines")
    return tuple(_parse_line(line) for line in lines)


def _parse_line(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not is_key_name(name):
        raise MalformedNote("a signature line is an em dash, a key name and base64, one space between each")
    raw = padded_base64(encoded)
    if raw is None or len(raw) < 5:
        raise MalformedNote(f"the signature of {name[:80]} is not base64 of a key id and a signature")
    if encode_base64(raw) != encoded:
        # Still base64, so a wrong signature rather than no note: litewitness's scenario answers 403 to this.
        raise BadSignature(f"the signature of {name[:80]} is a second spelling of another")
    return NoteSignature(name, raw[:4], raw[4:])


def open_note(data: bytes, verifiers: Iterable[Verifier]) -> Note:
    """The note with the signatures of known keys only, every one of them verified.

    Raises:
        MalformedNote: not a signed note.
        TooLarge: more than `limits.NOTE` bytes.
        BadSignature: a line of a known key does not verify, or no line is of a known key.
    """
    note = parse_note(data)
    known = _by_identity(verifiers)
    verified = []
    for line in note.signatures:
        verifier = known.get((line.name, line.key_id))
        if verifier is None:
            continue
        if not verifier.verify(note.text, line.signature):
            raise BadSignature(f"the signature of {line.name} does not match the text")
        verified.append(line)
    if not verified:
        raise BadSignature("no signature here is by a known key")
    return Note(note.text, tuple(verified))


def _by_identity(verifiers: Iterable[Verifier]) -> dict[tuple[str, bytes], Verifier]:
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        identity = (verifier.key.name, verifier.key.key_id)
        # Ids are 4 bytes: two keys of one name can collide, and then no line says whose it is.
        if identity in known and known[identity].key != verifier.key:
            raise BadSignature(f"two known keys share the name {verifier.key.name} and a key id")
        known[identity] = verifier
    return known


def sign_text(text: bytes, signer: Signer) -> NoteSignature:
    """One signature line for the text."""
    return NoteSignature(signer.key.name, signer.key.key_id, signer.sign(text))


def sign_note(text: bytes, signers: Sequence[Signer]) -> bytes:
    """The note of text signed by all signers, in their order.

    Raises:
        MalformedNote: text that does not end in a newline, or holds what a note may not; no signers.
    """
    if not text.endswith(b"\n") or printable(text) is None:
        raise MalformedNote("the text of a note is UTF-8 lines, the last one ended too")
    if not signers:
        raise MalformedNote("a note has at least one signature")
    return bytes(Note(text, tuple(sign_text(text, s) for s in signers)))


def add_signatures(data: bytes, more: Iterable[NoteSignature]) -> bytes:
    """The note with further lines after its own; a line that is there already is not repeated.

    Raises:
        MalformedNote: data is not a signed note.
    """
    note = parse_note(data)
    return bytes(Note(note.text, tuple(dict.fromkeys((*note.signatures, *more)))))

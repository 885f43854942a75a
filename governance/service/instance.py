"""The instance itself: its keys, made at the first start, and its identity log."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from governance.errors import DataDirectoryUnusable, Malformed, NotFound, SetupFault
from governance.replay.instance import WEEK, InstanceState
from governance.service.batch import Batch, Committed
from governance.service.sequencer import Sequencer
from governance.service.states import States
from governance.signing import keyfile
from governance.signing.envelope import normalise, sign_envelope
from governance.signing.keyfile import Ed25519Key, PrivateKey
from governance.statements.base import Key, Statement
from governance.statements.entry import Entry, read_entry
from governance.statements.instance import Instance, Operator, instance_id
from governance.store import entries
from governance.store.engine import Store

DEFAULT_NAME: Final = "Althing"
_NEXT: Final = ".next"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator configured: the base URL (`fixed` when said so explicitly) and the name."""

    base_url: str
    fixed: bool
    name: str | None


def base_of(base_url: str) -> str:
    """Host, port and path of a base URL: what all origins begin with."""
    return base_url.partition("://")[2].rstrip("/")


def signed(statement: Statement, *keys: PrivateKey) -> Entry:
    """The entry of a statement we make ourselves."""
    return read_entry(normalise(sign_envelope(statement.payload_type(), statement.to_bytes(), keys)))


def public(key: PrivateKey) -> Key:
    """The enrolled form of a key."""
    return Key(suite=key.suite, public=key.public)


def key_of(data_dir: Path, name: str, *, create: bool = True) -> PrivateKey:
    """The private key `DATA/keys/<name>`, made on first use with mode 0600.

    Raises:
        DataDirectoryUnusable: the file cannot be written.
        SetupFault: it cannot be read, or is missing and may not be made.
    """
    path = data_dir / "keys" / name
    if create and not path.exists():
        write_whole(path, keyfile.dump(Ed25519Key(secrets.token_bytes(32))))
    return read_key(path)


def read_key(path: Path) -> PrivateKey:
    """The private key in a file.

    Raises:
        SetupFault: it cannot be read.
    """
    try:
        return keyfile.load(path.read_bytes())
    except (OSError, Malformed) as e:
        raise SetupFault(f"the {path.name} key {path} cannot be read: {e}") from e


def prepare_rotation(path: Path) -> Ed25519Key:
    """A new key beside the key file `path`, on disk before a document may name it; `path` is as before.

    Raises:
        DataDirectoryUnusable: it cannot be written.
    """
    key = Ed25519Key(secrets.token_bytes(32))
    write_whole(path.with_name(path.name + _NEXT), keyfile.dump(key))
    return key


def finish_rotation(path: Path, named: Callable[[PrivateKey], bool]) -> None:
    """Put a prepared key in the place of `path` once a recorded document names it; else leave both.

    Raises:
        DataDirectoryUnusable, SetupFault: a file cannot be moved, or read.
    """
    waiting = path.with_name(path.name + _NEXT)
    if not waiting.exists() or not named(read_key(waiting)):
        return
    try:
        waiting.replace(path)
        _sync(path.parent)
    except OSError as e:
        raise DataDirectoryUnusable(f"{path} cannot be written: {e.strerror}") from e


def write_whole(path: Path, content: bytes) -> None:
    """A private file, complete or not at all: synced under another name first.

    Raises:
        DataDirectoryUnusable: it cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        _sync(path.parent)
    except OSError as e:
        raise DataDirectoryUnusable(f"{path} cannot be written: {e.strerror}") from e


def _sync(directory: Path) -> None:
    folder = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def stored_base(store: Store) -> str | None:
    """The base of all origins of a store that has an instance log; None before the first start."""
    with store.read() as conn:
        origins = [head.origin for head in entries.heads(conn) if head.kind == "instance"]
    return origins[0].removesuffix("/instance") if origins else None


def choose_base(store: Store, wanted: Wanted) -> str:
    """The base of all origins: what the logs say; at the first start what was configured.

    Raises:
        SetupFault: another URL was asked for than the logs carry.
    """
    stored = stored_base(store)
    if stored is None:
        return base_of(wanted.base_url)
    if wanted.fixed and stored != base_of(wanted.base_url):
        raise SetupFault(
            f"the logs of this data directory are named {stored}/…, which cannot change; "
            f"the configured URL is {wanted.base_url}. Use that name, or another data directory"
        )
    return stored


def establish(
    sequencer: Sequencer, states: States, data_dir: Path, wanted: Wanted, now: int
) -> InstanceState:
    """The instance's state. The first start makes keys and identity document, a new name a new document.

    Raises:
        SetupFault: the service key is not the one the identity document names.
    """
    state = sequencer.submit(lambda batch: _ensure(batch, states, data_dir, wanted, now)).result()
    service_key(data_dir, state)
    return state


def service_key(data_dir: Path, state: InstanceState) -> PrivateKey:
    """The service key; a rotation of it that was recorded is finished first.

    Raises:
        SetupFault: it is not the one that the latest identity document names, so it may sign nothing.
    """
    if state.document is not None:
        _finish_rotations(data_dir, state.document)
    key = key_of(data_dir, "service", create=False)
    if state.document is None or state.document.service != public(key):
        raise SetupFault("the service key in the data directory is not the one the identity document names")
    return key


def _ensure(
    batch: Batch, states: States, data_dir: Path, wanted: Wanted, now: int
) -> Callable[[Committed], InstanceState]:
    origin = states.instance_origin
    try:
        state = batch.state(origin)
        old = state.document if isinstance(state, InstanceState) else None
    except NotFound:
        old = None
        vkey = batch.create_log(origin, "instance")
    if old is not None:
        _finish_rotations(data_dir, old)
    if old is None:
        document = _first(data_dir, origin, vkey, wanted, now)
    elif wanted.name is not None and wanted.name != old.name:
        document = _renamed(old, _digest(batch, origin), wanted.name, now)
    else:
        return lambda _committed: states.get(origin, InstanceState)
    entry = signed(document, key_of(data_dir, "root", create=old is None))
    batch.append(origin, entry.data, entry)
    return lambda _committed: states.get(origin, InstanceState)


def _renamed(old: Instance, previous: str | None, name: str, now: int) -> Instance:
    part = old.federation
    if part is not None:
        # The old one may have expired while the instance was stopped.
        part = msgspec.structs.replace(part, valid_until=now + WEEK)
    return msgspec.structs.replace(
        old, name=name, serial=old.serial + 1, previous=previous, issued_at=now, federation=part
    )


def _finish_rotations(data_dir: Path, document: Instance) -> None:
    """What a rotation could not do any more after its document was recorded."""
    named = {
        "root": [document.root],
        "service": [document.service],
        "operator": [operator.key for operator in document.operators],
    }
    for name, keys in named.items():
        finish_rotation(data_dir / "keys" / name, lambda held, keys=keys: public(held) in keys)  # type: ignore[misc]


def _digest(batch: Batch, origin: str) -> str | None:
    state = batch.state(origin)
    return state.document_digest if isinstance(state, InstanceState) else None


def _first(data_dir: Path, origin: str, vkey: str, wanted: Wanted, now: int) -> Instance:
    root, service, operator = (key_of(data_dir, name) for name in ("root", "service", "operator"))
    return Instance(
        id=instance_id(public(root)),
        name=wanted.name or DEFAULT_NAME,
        base_url=wanted.base_url,
        serial=1,
        previous=None,
        issued_at=now,
        root=public(root),
        service=public(service),
        operators=[Operator(operator.member_id, public(operator))],
        origin=origin,
        vkey=vkey,
    )

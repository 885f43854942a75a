"""New keys for an instance that serves nobody at the moment: documents signed, recorded, files put in place.

A new key is on disk as `KEY.next` before a document names it, and takes the place of the old one after the
document is recorded. What is killed in between is finished at the next start, because the document tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from federation import identity, keys
from federation.keys import HTTP, MIRROR, WITNESS
from governance.errors import MalformedRequest, NotFound, SetupFault, TooLarge
from governance.service.core import Service
from governance.service.documents import append_document
from governance.service.instance import finish_rotation, prepare_rotation, public, read_key, signed
from governance.signing.keyfile import Ed25519Key, PrivateKey
from governance.statements.entry import key_id
from governance.statements.instance import Federation, Instance, Operator, Revocation
from governance.store import entries

ROOT: Final = "root"
SERVICE: Final = "service"
OPERATOR: Final = "operator"
NAMES: Final = (SERVICE, OPERATOR, HTTP, WITNESS, MIRROR, ROOT)
"""The keys that can be replaced. A log's key never changes; see `governance.service.succession`."""


def present(service: Service) -> Instance:
    """The latest identity document.

    Raises:
        NotFound: there is none.
    """
    document = service.instance.document
    if document is None:
        raise NotFound("this instance has no identity document yet")
    return document


def root_path(service: Service, given: Path | None) -> Path:
    """The root key file, given or in the data directory, with a rotation that was killed finished.

    Raises:
        SetupFault: it is not there, or not this instance's.
    """
    path = given or service.data_dir / "keys" / ROOT
    root = present(service).root
    finish_rotation(path, lambda key: public(key) == root)
    if not path.exists():
        raise SetupFault(f"there is no {path}; say with --root where the root key is")
    if public(read_key(path)) != root:
        raise SetupFault(f"{path} is not the root key of this instance")
    return path


def renew(service: Service, root: Path) -> Instance:
    """Record the next document, valid for a week from now.

    Raises:
        Refused, Unavailable, SetupFault: why not.
    """
    return _record(service, {}, read_key(root))


def rotate(service: Service, name: str, root: Path) -> Instance:
    """Replace one of `NAMES` by a new key.

    Raises:
        MalformedRequest: no such key. Refused, Unavailable, SetupFault: why not; the old key stays.
    """
    if name not in NAMES:
        raise MalformedRequest(f"the key is one of {', '.join(NAMES)}, not {name!r}")
    path = root if name == ROOT else service.data_dir / "keys" / name
    old, new = read_key(root), prepare_rotation(path)
    if name == ROOT:
        document = _record(service, {"root": public(new)}, new, old)
    elif name == SERVICE:
        document = _record(service, {"service": public(new)}, old)
    elif name == OPERATOR:
        document = _record(service, {"operators": _operators(service, path, new)}, old)
    else:
        document = _record(service, {"federation": _part(service, {name: new})}, old)
    finish_rotation(path, lambda key: public(key) == public(new))
    return document


def revoke(service: Service, key: str, places: Mapping[str, int], reason: str, root: Path) -> Instance:
    """Void what a former service key signs from an index of each log on.

    Raises:
        TooLarge: more logs than a document has room for. Refused, Unavailable, SetupFault: why not.
    """
    old = present(service)
    kept = [r for r in old.revoked if r.key != key or r.origin not in places]
    added = [Revocation(key, origin, start, reason) for origin, start in places.items()]
    if len(kept) + len(added) > 200:
        raise TooLarge("a document holds 200 revocations; name the logs that matter with --log")
    return _record(service, {"revoked": [*kept, *added]}, read_key(root))


def open_places(service: Service, key: str) -> dict[str, int]:
    """Every log with its present size, but those in which this key is revoked already."""
    done = {revoked.origin for revoked in present(service).revoked if revoked.key == key}
    with service.store.read() as conn:
        heads = entries.heads(conn)
    # The document itself goes into the instance's log.
    return {head.name: head.size for head in heads if head.name not in done}


def former_keys(service: Service) -> list[str]:
    """The ids of the service keys that were replaced."""
    now = key_id(present(service).service)
    return [key for key in service.instance.keys.services if key != now]


def _operators(service: Service, path: Path, new: PrivateKey) -> list[Operator]:
    """The operators with a new one in the place of the one whose key is in `path`, or was and is lost."""
    old = present(service).operators
    gone = public(read_key(path)) if path.exists() or len(old) > 1 else old[0].key
    return [*(one for one in old if one.key != gone), Operator(new.member_id, public(new))]


def _part(service: Service, instead: Mapping[str, Ed25519Key]) -> Federation:
    old = present(service)
    # The setting may stand in a file that only the service reads; the document tells as well.
    twice = old.federation is not None and len(old.federation.witnesses) > len((WITNESS, MIRROR))
    held = keys.load_keys(
        service.data_dir,
        service.states.base,
        post_quantum=twice or service.options.post_quantum,
        instead=instead,
    )
    return identity.federation_of(old, held.http, held.vkeys)


def _record(service: Service, changes: dict[str, Any], *signers: PrivateKey) -> Instance:
    digest = service.instance.document_digest
    changes.setdefault("federation", _part(service, {}))
    document = identity.successor(present(service), str(digest), service.clock(), **changes)
    append_document(service, signed(document, *signers))
    return document

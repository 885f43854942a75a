"""The own instance, as federation sees it: a thin view of the running service (`ports.OwnLogs`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from federation.backup import seal_directory
from federation.ports import Decision, OwnHead
from governance.audit.source import PublicFiles
from governance.canonical import digest
from governance.errors import NotFound, TooLarge, Unavailable
from governance.log.proofs import consistency_proof
from governance.service import cosigned, publishing
from governance.service.batch import Batch, Committed
from governance.service.core import Service
from governance.signing.note import Verifier
from governance.statements.base import BlobRef
from governance.statements.entry import Entry, read_entry
from governance.statements.peer import Evidence
from governance.store import entries
from governance.store.entries import LogHead

_LOGS: Final = "logs/"
_BLOBS: Final = "blobs/sha256/"


class ServiceLogs:
    """The logs of a running service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def base_url(self) -> str:
        """The configured public URL."""
        return self._service.base_url

    @property
    def instance(self) -> str:
        """The own instance id."""
        return self._service.instance.keys.instance

    def document(self) -> Entry:
        """The latest identity document."""
        with self._service.store.read() as conn:
            return read_entry(publishing.well_known(conn))

    def may_cosign(self) -> frozenset[str]:
        """The verifier keys to cosign with: those the latest identity document names; none while held."""
        document = self._service.instance.document
        if self._service.held or document is None or document.federation is None:
            return frozenset()
        return frozenset(document.federation.witnesses)

    def decisions(self) -> Mapping[str, Decision]:
        """What the operator last decided about each peer."""
        known = list(self._service.instance.peers.items())
        return {peer: Decision(record.statement, record.digest) for peer, record in known}

    def heads(self) -> list[OwnHead]:
        """All logs, oldest first."""
        with self._service.store.read() as conn:
            return [_own(head) for head in entries.heads(conn)]

    def head(self, origin: str) -> OwnHead:
        """One log."""
        with self._service.store.read() as conn:
            return _own(entries.head_at(conn, origin))

    def consistency(self, origin: str, old: int, new: int) -> list[bytes]:
        """The proof between two sizes."""
        with self._service.store.snapshot() as conn:
            head = entries.head_at(conn, origin)
            return consistency_proof(entries.tree_hashes(conn, head).read_hash, old, new)

    def files(self) -> PublicFiles:
        """The public files, read from the store."""
        return StoreFiles(self._service)

    def cosigned(self, origin: str, note: bytes, verifiers: list[Verifier]) -> None:
        """Keep cosignatures of a checkpoint of ours."""
        cosigned.record(self._service, origin, note, verifiers)

    def log_evidence(self, origin: str, evidence: bytes) -> None:
        """Record evidence in the instance log, once."""
        service = self._service
        name = digest(evidence)

        def op(batch: Batch) -> Callable[[Committed], None]:
            state: Any = batch.state(service.states.instance_origin)
            if all(known.evidence.digest != name for known in state.evidence):
                batch.put_blob(evidence)
                said = Evidence(origin, BlobRef(name, len(evidence)), service.clock())
                entry = service.sign(said)
                batch.append(service.states.instance_origin, entry.data, entry)
            return lambda _committed: None

        service.sequencer.submit(op).result()

    def sealed_keys(self) -> bytes:
        """Our keys but those of `backup.kept_back`, sealed to the root key.

        Raises:
            Unavailable: we are held; an old backup may lack keys that the peer keeps for us.
        """
        if self._service.held:
            raise Unavailable("this instance first compares its logs with others", retry_after=60)
        root = self._service.instance.keys.root
        if root is None:
            raise NotFound("this instance has no identity document")
        return seal_directory(self._service.data_dir / "keys", self.instance, root)


def _own(head: LogHead) -> OwnHead:
    return OwnHead(head.origin, head.vkey, head.size, head.root, head.checkpoint)


class StoreFiles:
    """Our public files without a web server between (`governance.audit.source.PublicFiles`)."""

    def __init__(self, service: Service) -> None:
        self.name = service.base_url
        self._service = service

    def read(self, path: str, limit: int) -> bytes:
        """The bytes of a file.

        Raises:
            NotFound: there is none.
            TooLarge: more than limit bytes.
        """
        data = self._read(path)
        if len(data) > limit:
            raise TooLarge(f"the file {path} has more than {limit} bytes")
        return data

    def _read(self, path: str) -> bytes:
        service = self._service
        with service.store.snapshot() as conn:
            if path == ".well-known/althing.json":
                return publishing.well_known(conn)
            if path.startswith(_LOGS):
                return publishing.log_file(conn, service.states.base, path.removeprefix(_LOGS)).data
            if path.startswith(_BLOBS):
                return publishing.blob_file(conn, path.removeprefix(_BLOBS)).data
        raise NotFound(f"there is no file {path[:200]}")

    def read_many(self, paths: Iterable[str], limit: int) -> Iterator[bytes]:
        """The bytes of the files in that order."""
        return (self.read(path, limit) for path in paths)

    def listing(self) -> list[str] | None:
        """None: the store is not listed file by file."""
        return None

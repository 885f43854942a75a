"""The instance's own log: identity documents and the spaces it keeps."""

from __future__ import annotations

from dataclasses import dataclass, field

from governance.errors import InvalidStatement, NotAuthorised, Unsupported
from governance.replay.authority import InstanceKeys, require_service
from governance.statements.entry import Entry, key_id, verify_signer
from governance.statements.instance import Instance, SpaceNotice, instance_id


@dataclass(slots=True)
class InstanceState:
    """Fold of an instance's log; `document` is the latest identity document with its digest."""

    origin: str
    size: int = 0
    document: Instance | None = None
    document_digest: str | None = None
    keys: InstanceKeys = field(default_factory=InstanceKeys)
    spaces: dict[str, SpaceNotice] = field(default_factory=dict)

    def admit(self, index: int, entry: Entry) -> None:
        """Fold one entry.

        Raises:
            Refused: with the rule it breaks; the state is unchanged.
        """
        if index != self.size:
            raise InvalidStatement(f"entry {index} does not follow a log of {self.size} entries")
        statement = entry.statement
        if isinstance(statement, Instance):
            self._document(statement, entry)
        elif isinstance(statement, SpaceNotice):
            self._space(statement, entry)
        else:
            raise Unsupported(f"an instance's log holds no {statement.KIND}")
        self.size += 1

    def _document(self, new: Instance, entry: Entry) -> None:
        old = self.document
        if new.id != instance_id(new.root):
            raise InvalidStatement("the id is not the hash of the root key", pointer="/id")
        if new.origin != self.origin:
            raise InvalidStatement(f"this log is {self.origin}", pointer="/origin")
        if new.previous != self.document_digest or new.serial != (1 if old is None else old.serial + 1):
            raise InvalidStatement("serial and previous do not continue the last document", pointer="/serial")
        if old is not None and (new.root != old.root or new.vkey != old.vkey):
            raise InvalidStatement("root key and log key do not change", pointer="/root")
        verify_signer(entry, key_id(new.root), new.root)
        self.document, self.document_digest = new, entry.identity
        self.keys.instance, self.keys.root = new.id, new.root
        self.keys.services[key_id(new.service)] = new.service
        self.keys.operators = {o.id: o.key for o in new.operators}

    def _space(self, notice: SpaceNotice, entry: Entry) -> None:
        if self.document is None:
            raise NotAuthorised("the log does not begin with an identity document")
        require_service(entry, self.keys)
        if notice.space in self.spaces:
            raise InvalidStatement(f"the space {notice.space} is already listed", pointer="/space")
        self.spaces[notice.space] = notice

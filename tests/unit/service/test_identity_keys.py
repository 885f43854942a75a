"""A service key that the latest identity document does not name signs nothing, whenever that turns out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import msgspec
import pytest

from governance.errors import SetupFault, Unavailable
from governance.hooks import HookCaller, hookimpl
from governance.plugins import load_plugins
from governance.replay.instance import WEEK
from governance.service.core import Options, Service
from governance.service.documents import append_document
from governance.service.instance import (
    Wanted,
    finish_rotation,
    key_of,
    prepare_rotation,
    public,
    service_key,
    signed,
)
from governance.statements.instance import Federation, Instance, Versions
from governance.store import entries
from governance.store.engine import Store, open_store
from governance.store.entries import LogHead
from tests.support.service import TestClock

NAMES = "the service key in the data directory is not the one the identity document names"


class Holding:
    """A plugin that wants something compared first."""

    @hookimpl
    def holds(self, store: Store) -> Sequence[str]:
        with store.read() as conn:
            return ["compare"] if entries.heads(conn) else []


def rotate(service: Service) -> None:
    """Record a document that names a new service key, and put its file in place."""
    path, state = service.data_dir / "keys" / "service", service.instance
    new = prepare_rotation(path)
    document = state.document
    assert isinstance(document, Instance)
    changed = msgspec.structs.replace(
        document, service=public(new), serial=document.serial + 1, previous=state.document_digest
    )
    append_document(service, signed(changed, key_of(service.data_dir, "root", create=False)))
    finish_rotation(path, lambda key: public(key) == public(new))


@contextmanager
def alone(data: Path, clock: TestClock, *, held: bool = False, name: str | None = None) -> Iterator[Service]:
    """A service without the threads of plugins, one of which records identity documents of its own."""
    manager = load_plugins(*([Holding()] if held else []))
    folders = [folder for found in manager.hook.tables() for folder in found]
    store = open_store(None, data, migrations=folders)
    service = Service(
        store, HookCaller(manager), Options(Wanted("http://127.0.0.1:8000", False, name)), clock=clock
    )
    try:
        service.start()
        yield service
    finally:
        service.close()
        store.close()


class Behind:
    """A backup from before a rotation of the service key, and the entries that it lacks."""

    def __init__(self, folder: Path) -> None:
        self.data, self.now, self.clock = folder / "old", folder / "now", TestClock()
        with alone(self.now, self.clock) as service:
            self.origin = service.states.instance_origin
        shutil.copytree(self.now, self.data)
        with alone(self.now, self.clock) as service:
            size = service.instance.size
            rotate(service)
            with service.store.read() as conn:
                self.head = entries.head(conn, self.origin)
                self.more = entries.read_entries(conn, self.head.id, size, self.head.size)

    def start(self) -> AbstractContextManager[Service]:
        """The backup, held until somebody has compared it."""
        return alone(self.data, self.clock, held=True)

    def take_back(self, service: Service) -> None:
        """What happened since."""
        service.sequencer.take_back(self.own(service), self.more, self.head.checkpoint, [])

    def own(self, service: Service) -> LogHead:
        with service.store.read() as conn:
            return entries.head(conn, self.origin)


@pytest.fixture
def behind(tmp_path: Path) -> Behind:
    return Behind(tmp_path)


def test_a_key_that_was_replaced_after_the_backup_signs_nothing(behind: Behind) -> None:
    with behind.start() as service:
        behind.take_back(service)
        with pytest.raises(SetupFault, match=NAMES):
            service.release("compare")
        assert service.held == (NAMES,)
        with pytest.raises(Unavailable, match="the service key"):
            service.submit(lambda batch: batch.append(behind.origin, b"", None)).result()  # type: ignore[arg-type,func-returns-value,return-value]
        service.release("compare")
        assert service.held == (NAMES,), "only a start with the right key helps"
    with pytest.raises(SetupFault, match=NAMES), behind.start():
        pass


def test_with_the_new_key_it_goes_on(behind: Behind) -> None:
    shutil.copy(behind.now / "keys" / "service", behind.data / "keys" / "service.next")
    with behind.start() as service:
        old = public(service.key)
        behind.take_back(service)
        service.release("compare")
        assert service.held == ()
        assert public(service.key) != old, "the prepared key was put in place before anything was signed"
        assert public(service.key) == public(service_key(behind.data, service.instance))
        assert not (behind.data / "keys" / "service.next").exists()


def test_a_new_name_after_a_long_time(tmp_path: Path) -> None:
    """The document has expired while the instance was stopped; the next one is valid again."""
    clock = TestClock()
    with alone(tmp_path, clock) as service:
        document, digest = service.instance.document, service.instance.document_digest
        assert document is not None
        part = Federation(Versions(1, 1), document.service, [], [], clock.now + WEEK, "")
        more = msgspec.structs.replace(document, serial=document.serial + 1, previous=digest, federation=part)
        append_document(service, signed(more, key_of(tmp_path, "root", create=False)))
    clock.now += 3 * WEEK
    with alone(tmp_path, clock, name="Renamed") as service:
        renamed = service.instance.document
        assert renamed is not None
        assert renamed.federation is not None
        assert (renamed.name, renamed.federation.valid_until) == ("Renamed", clock.now + WEEK)

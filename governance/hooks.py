"""The places where a plugin joins in (pluggy; entry-point group `governance`).

A hook that runs before the durability point may veto by raising `Vetoed`; one that runs after it may only
observe: what it raises is caught, logged and counted. An implementation may leave out arguments it does not
need.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import pluggy
from prometheus_client import Counter

from governance.errors import GovernanceError, Vetoed

if TYPE_CHECKING:
    from governance.counting.rule import Rule
    from governance.signing.suites import Suite
    from governance.statements.base import Statement

GROUP: Final = "governance"
hookspec: Final = pluggy.HookspecMarker(GROUP)
hookimpl: Final = pluggy.HookimplMarker(GROUP)

_log: Final = logging.getLogger("althing.hooks")
_failures: Final = Counter("althing_hook_failures", "Exceptions of observing hooks", ["hook"])


@dataclass(frozen=True, slots=True)
class Job:
    """Work that recurs: `run` is called in a thread, `every` seconds after it last returned."""

    name: str
    every: float
    run: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Exporter:
    """A further form of the public records: `run` writes its files into a directory of an export."""

    name: str
    run: Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a ballot: it was `opened`, `extended`, `closed`, `decided` or `cancelled`."""

    kind: str
    space: str
    ballot: str
    at: int


class Hooks(Protocol):
    """The hook specifications; every one is optional for a plugin."""

    @hookspec
    def counting_rules(self) -> Sequence[Rule[Any]]:
        """Counting rules to register; a rule never changes under its id and version."""

    @hookspec
    def signature_suites(self) -> Sequence[Suite]:
        """Signature suites that members may enrol keys of."""

    @hookspec
    def routes(self, service: Any) -> Sequence[Any]:
        """Litestar controllers, routers or handlers to serve; `service` is None for the API's description."""

    @hookspec
    def commands(self) -> Sequence[tuple[str, Any]]:
        """Names and Typer apps of further `althing` command groups."""

    @hookspec
    def tables(self) -> Sequence[Path]:
        """Folders with Alembic revisions of the plugin's own tables."""

    @hookspec
    def background_jobs(self, service: Any) -> Sequence[Job]:
        """Recurring work while the service runs."""

    @hookspec
    def holds(self, store: Any) -> Sequence[str]:
        """Reasons why nothing may be signed yet; asked at every start, before the logs are written on."""

    @hookspec
    def exporters(self, store: Any) -> Sequence[Exporter]:
        """Further forms to write when the public records of a store are exported."""

    @hookspec
    def notifiers(self, service: Any) -> Sequence[Callable[[Event], None]]:
        """Functions that are told of what happens to ballots; they may only observe."""

    @hookspec
    def before_record(self, origin: str, statement: Statement, now: int) -> None:
        """Judge a checked statement before it is recorded; raise `Vetoed` to refuse it."""

    @hookspec
    def after_record(self, origin: str, index: int, statement: Statement) -> None:
        """Observe a statement that is durably recorded at index of the log named origin."""


class HookCaller:
    """Calls the hooks around recording, by the rule of who may veto and who may only observe."""

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self.hook = manager.hook
        self.vetoes = bool(self.hook.before_record.get_hookimpls())
        self.observers = bool(self.hook.after_record.get_hookimpls())
        self.notifiers: list[Callable[[Event], None]] = []

    def holds(self, store: Any) -> list[str]:
        """Every plugin's reasons not to sign yet."""
        return [reason for reasons in self.hook.holds(store=store) for reason in reasons]

    def before_record(self, origin: str, statement: Statement, now: int) -> None:
        """Ask every plugin.

        Raises:
            Vetoed: one of them refuses, or fails: what cannot be judged is not recorded.
        """
        if not self.vetoes:
            return
        try:
            self.hook.before_record(origin=origin, statement=statement, now=now)
        except GovernanceError:
            raise
        except Exception as e:
            _log.exception("before_record failed")
            raise Vetoed("a local rule could not judge this statement; the operator's log says why") from e

    def after_record(self, origin: str, index: int, statement: Statement) -> None:
        """Tell every plugin; nothing they do reaches the caller."""
        if self.observers:
            observe(
                "after_record",
                lambda: self.hook.after_record(origin=origin, index=index, statement=statement),
            )

    def notify(self, event: Event) -> None:
        """Tell every notifier."""
        for notifier in self.notifiers:
            observe("notifiers", lambda tell=notifier: tell(event))  # type: ignore[misc]


def observe(hook: str, call: Callable[[], object]) -> None:
    """Make a call whose failure is only logged and counted."""
    try:
        call()
    except Exception:
        _log.exception("the hook %s failed", hook)
        _failures.labels(hook).inc()

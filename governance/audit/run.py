"""The whole audit: instance, spaces, ballots, and that nothing else is published."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from governance.audit.asked import Asking
from governance.audit.checks import Findings
from governance.audit.extra import check_listing
from governance.audit.instance import audit_instance
from governance.audit.joint import audit_joint
from governance.audit.source import PublicFiles
from governance.audit.space import SpaceAudit
from governance.audit.structure import Workers
from governance.audit.verdict import Check, Verdict

Ballots = dict[str, frozenset[str] | None]
"""Space -> the ballots wanted of it; None for all of them."""


def audit(  # each is another thing that an auditor may know
    files: PublicFiles,
    *,
    workers: Workers | None = None,
    expected: str | None = None,
    only: Ballots | None = None,
    shards: Sequence[PublicFiles] = (),
    asking: Asking | None = None,
    note: Callable[[Check], None] | None = None,
) -> Verdict:
    """Everything that public files can prove, from bytes alone.

    Args:
        files: the public files of one instance.
        workers: where votes are verified; inline when None.
        expected: fingerprint of the instance known from elsewhere (16 or more hex digits of its id).
        only: audit these spaces and ballots, and nothing else but the instance's log.
        shards: public files of the other communities' instances, for joint ballots.
        asking: ask the witnesses themselves what they have seen.
        note: hears each check as it is made.

    Raises:
        SourceUnavailable: the source stopped answering; there is no verdict.
    """
    findings = Findings(note)
    workers = workers or Workers()
    sizes: dict[str, int] = {}
    state = audit_instance(files, findings, expected, workers)
    if state is None or state.document is None:
        if asking is not None:
            asking.about(findings)
        return Verdict.of(files.name, None, findings.checks)
    sizes["logs/instance"] = state.size
    space_audit = SpaceAudit(files, findings, state, workers, sizes)
    for name, notice in sorted(state.spaces.items()):
        if only is None or name in only:
            space_audit.run(notice, None if only is None else only[name])
    for name in sorted(set(only or ()) - set(state.spaces)):
        findings.about(state.origin).fail("records", f"the instance's log names no space {name}")
    audit_joint(files, space_audit, findings, shards, workers)
    if asking is not None:
        asking.about(findings)
    if only is None:
        check_listing(files, findings.about(files.name), sizes)
    return Verdict.of(files.name, state.document.id, findings.checks)

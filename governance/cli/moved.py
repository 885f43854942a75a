"""Where the log of a receipt goes on after its key was stolen, as the instance's own log says."""

from __future__ import annotations

from governance.cli import publiclog
from governance.cli.client import Client
from governance.errors import BadProof, InvalidStatement
from governance.log.lineage import name_of, number_of
from governance.replay.instance import InstanceState
from governance.statements.entry import read_entry
from governance.statements.instance import Instance, LogSuccessor


def moves(client: Client, origin: str) -> list[LogSuccessor]:
    """The successions from the log of this origin on, each signed by the root key.

    Raises:
        BadProof: the instance's log says of none.
        GovernanceError: it cannot be fetched, or breaks its rules.
    """
    document = read_entry(client.read("/.well-known/althing.json")).statement
    if not isinstance(document, Instance):
        raise InvalidStatement("/.well-known/althing.json is no identity document")
    state = InstanceState(document.origin)
    for index, data in enumerate(publiclog.read_log(client, document.origin, document.vkey).entries):
        state.admit(index, read_entry(data))
    found = state.successors.get(name_of(origin), [])[number_of(origin) - 1 :]
    if not found:
        raise BadProof(
            f"the service shows another log than {origin}, which goes on nowhere; keep the receipt"
        )
    return found

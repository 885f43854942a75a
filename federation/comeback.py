"""What an instance that has come back from an old backup replaces, and what it has others give back.

It does not know what its witness and its mirror have signed since. With the same keys they might cosign a
second history of a log, which is evidence against an honest instance. New keys have signed nothing yet.
"""

from __future__ import annotations

import logging
from typing import Final

from federation import backup, keys
from federation.node import Node
from federation.peers import PeerRow
from governance.errors import InvalidStatement, SetupFault
from governance.service.core import Service
from governance.service.instance import read_key
from governance.service.log_keys import LogKeys
from governance.signing.keyfile import Ed25519Key
from governance.store.entries import LogHead

_log: Final = logging.getLogger("althing.federation")


def renew_cosigners(service: Service, node: Node) -> None:
    """Give witness and mirror new keys, once in the life of a process; for an instance that is held.

    They sign nothing before an identity document names them (`Node.cosigning`).

    Raises:
        SetupFault, DataDirectoryUnusable: a file cannot be read, or made.
    """
    if node.renewed:
        return
    node.keys = keys.renew_cosigners(
        service.data_dir, service.states.base, post_quantum=service.options.post_quantum
    )
    node.renewed = True
    _log.warning(
        "our logs are from an old backup: witness and mirror have new keys, and cosign nothing before the "
        "identity document names them"
    )


def fetch_log_key(service: Service, node: Node, peer: PeerRow, log: LogHead) -> None:
    """See to it that the key of a log of ours is here, if need be from the sealed keys that a peer keeps.

    Raises:
        InvalidStatement: it is not here, and the root key is not, or the peer does not keep it.
        Unavailable, Refused, Malformed: the peer does not give us our keys.
    """
    held = LogKeys(service.data_dir)
    if held.fits(log.origin, log.vkey):
        return
    path = service.data_dir / "keys" / backup.ROOT
    try:
        root = read_key(path)
    except SetupFault as e:
        raise InvalidStatement(
            f"the key of {log.origin} is missing, {held.path(log.origin)}: put the root key at {path}, then "
            "it is fetched from the sealed keys that peers keep; or put that file back from a later backup"
        ) from e
    if not isinstance(root, Ed25519Key):
        raise InvalidStatement(f"{path} is not an Ed25519 key")
    found = backup.fetch_own(node.client.transport, peer.base_url, node.own.instance, root, node.clock())
    data = found.files.get(f"logs/{held.path(log.origin).name}")
    if data is None or not held.put_back(log.origin, log.vkey, data):
        raise InvalidStatement(
            f"the key of {log.origin} is missing here, {held.path(log.origin)}, and {peer.base_url} does not "
            "keep it either; if no other peer does, put that file back from a later backup"
        )
    _log.warning("the key of %s was among the sealed keys at %s", log.origin, peer.base_url)

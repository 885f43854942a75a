"""One instance among others: everything that the rest of this package works with, as one value.

All of federation is functions over a `Node`. Nothing here reads a clock or draws lots by itself, so that
fifty nodes in one process, on a virtual clock and a network in memory, run the very code that instances run.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from federation.client import Client
from federation.copies import Copies
from federation.keys import Keys
from federation.ports import Database, OwnHead, OwnLogs
from governance.log.policy import Policy

Clock = Callable[[], int]


@dataclass(slots=True)
class Node:
    """The own instance, its federation tables and copies, keys, time, chance, and way to others.

    `foreign` are logs and witnesses of other software, from the operator's policy file: its logs are
    witnessed, its witnesses are asked to cosign. `asked` is the checkpoint of each log of ours that all
    witnesses are asked for at present, and since when (`cosigning.rally`); losing it costs nothing.
    `renewed`: this process has replaced the cosigners' keys (`comeback.renew_cosigners`). `settling` is held
    while rows and errands are brought to the operator's decisions (`peers.settle`).
    """

    own: OwnLogs
    db: Database
    copies: Copies
    keys: Keys
    client: Client
    clock: Clock
    chance: random.Random = field(default_factory=random.SystemRandom)
    foreign: Policy = field(default_factory=Policy)
    asked: dict[str, tuple[int, OwnHead]] = field(default_factory=dict)
    renewed: bool = False
    settling: Lock = field(default_factory=Lock)

    @property
    def cosigning(self) -> Keys:
        """The keys, of the cosigners those alone that may sign now: that our identity document names.

        A key that no document names binds nobody, and may be one that has just replaced another.
        """
        # Asked before the keys are read: they are only ever replaced while the answer is none.
        named = self.own.may_cosign()
        return self.keys.only(named)

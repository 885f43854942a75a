"""Three instances on three hosts: slow, lossy, cut off, killed and restored from an old backup.

Loss is a rule of nftables in the receiving namespace. Delay is the kernel's netem where it has it; elsewhere
`tests/support/slow_line.py` carries the frames, between TAP devices, as late.
"""

from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from federation.views import EvidencePage, PeerPage, PeerStatus
from governance.audit.run import audit
from governance.cli.client import Client
from governance.cli.space import operator_key
from governance.fetch.http import Website
from governance.statements.entry import read_envelope
from governance.statements.instance import Instance
from tests.support import netns
from tests.support.netns import Host, Lab
from tests.support.server import Person
from tests.support.town import Town, wait_until

pytestmark = pytest.mark.skipif(netns.why_not() is not None, reason=str(netns.why_not()))


def befriend(lab: Lab, home: Path) -> None:
    """Every instance mirrors every other, by the commands an operator types."""
    for host in lab.hosts:
        person = Person(home, host.url)
        for other in lab.hosts:
            if other is not host:
                person.do(
                    "peer", "add", other.url, "--as", "mirror", "--yes", "--key", operator_key(host.data)
                )


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("three")
    with netns.lab(folder, 3) as lab:
        for host in lab.hosts:
            host.start()
        befriend(lab, folder / "home")
        yield lab


def statuses(host: Host) -> list[PeerStatus]:
    with Client(host.url, timeout=10) as client:
        return [client.get(f"/peers/{p.id}", PeerStatus) for p in client.get("/peers", PeerPage).items]


def caught_up(host: Host, origin: str, size: int) -> bool:
    """Whether a host has copied a log up to that size."""
    return any(c.origin == origin and c.size >= size for s in statuses(host) for c in s.copies)


def head_size(town: Town) -> int:
    return town.view().size


def round_trip(host: Host, other: Host) -> float:
    """Seconds until a connection from one host to another one is made: its first packet and the answer."""
    connect = (
        "import socket, sys, time; a = (sys.argv[1], int(sys.argv[2])); t = time.monotonic(); "
        "socket.create_connection(a, 30).close(); print(time.monotonic() - t)"
    )
    return float(host.inside(sys.executable, "-c", connect, other.address, str(netns.PORT)))


def both_of(*hosts: Host) -> str:
    """A witness policy: all of these have to cosign."""
    lines = []
    for host in hosts:
        with Client(host.url) as client:
            document = read_envelope(client.read("/.well-known/althing.json")).statement
        assert isinstance(document, Instance)
        assert document.federation is not None
        key = next(key for key in document.federation.witnesses if "/witness+" in key)
        lines.append(f"witness {host.name} {key} {host.url}/witness")
    names = " ".join(host.name for host in hosts)
    return "\n".join([*lines, f"group both all {names}", "quorum both", ""])


def no_evidence(lab: Lab) -> bool:
    for host in lab.hosts:
        with Client(host.url) as client:
            if client.get("/evidence", EvidencePage).items:
                return False
    return True


def everywhere(lab: Lab, town: Town, seconds: float = 90) -> None:
    """Until the other two hold the ballot's log as it stands."""
    origin, size = str(town.view().origin), head_size(town)
    for host in lab.hosts[1:]:
        wait_until(
            f"{host.url} copies {origin} to {size}", lambda h=host: caught_up(h, origin, size), seconds
        )


@contextmanager
def slow_and_lossy(lab: Lab) -> Iterator[None]:
    """From host to host 200 ms ± 50 ms each way, half of it on each line; two hosts lose packets."""
    for host in lab.hosts:
        host.delay(100, jitter=25)
    try:
        for host, other in itertools.pairwise((*lab.hosts, lab.hosts[0])):
            assert round_trip(host, other) >= 4 * 0.075
        for host in lab.hosts[1:]:
            host.lose(10)
        yield
    finally:
        for host in lab.hosts:
            host.delay(0)
            host.lose(0)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.skipif(netns.why_no_delay() is not None, reason=str(netns.why_no_delay()))
def test_votes_over_slow_and_lossy_lines(three: Lab) -> None:
    town = Town(three.hosts[0].url, three.hosts[0].data, space="harbour")
    town.found(4)
    town.open(policy=both_of(*three.hosts[1:]))
    with slow_and_lossy(three):
        receipts = [town.vote(i, "well") for i in range(4)]
        everywhere(three, town)
        town.close()
        wait_until("both have cosigned the close", lambda: town.view().state == "decided")
    assert [r.answer.index for r in receipts] == list(range(3, 7))
    assert no_evidence(three)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_partition_loss_and_an_old_backup(three: Lab, tmp_path: Path) -> None:
    a, b, c = three.hosts
    town = Town.at(a)
    town.found(12)
    town.open()
    receipts = [town.vote(i, "well") for i in range(4)]
    everywhere(three, town)

    # A partition: votes go on, checkpoints wait for their witnesses.
    a.shun(b, c)
    for host in (b, c):
        host.shun(a)
    receipts += [town.vote(i, "bridge") for i in range(4, 8)]
    origin, size = str(town.view().origin), head_size(town)
    assert not caught_up(b, origin, size)
    for host in (a, b, c):
        host.welcome()
    everywhere(three, town)

    # Every fifth packet is lost on one host.
    b.lose(20)
    receipts += [town.vote(8, "school")]
    everywhere(three, town)
    b.lose(0)

    # The disk of the first is replaced by an old backup.
    a.stop()
    shutil.copytree(a.data, tmp_path / "backup")
    a.start()
    receipts += [town.vote(i, "school") for i in range(9, 12)]
    everywhere(three, town)
    before = head_size(town)
    a.kill()
    shutil.rmtree(a.data)
    shutil.copytree(tmp_path / "backup", a.data)
    a.start()
    wait_until("the first has its entries back", lambda: head_size(town) >= before)
    receipts += [town.vote(0, "school", "well")]
    everywhere(three, town)

    assert no_evidence(three)
    assert [r.answer.index for r in receipts] == sorted({r.answer.index for r in receipts})
    for place in (a.url, f"{b.url}/mirrors/{hex_of(a)}", f"{c.url}/mirrors/{hex_of(a)}"):
        verdict = audit(Website(place))
        assert verdict.passed, [str(check) for check in verdict.failures]


def hex_of(host: Host) -> str:
    from governance.service.answers import InstanceView

    with Client(host.url) as client:
        return client.get("/instance", InstanceView).id.removeprefix("sha256:")

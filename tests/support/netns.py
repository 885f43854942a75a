"""A small network of namespaces on one bridge: hosts that can be cut off, slowed down and made lossy.

Everything is named after the process and removed at the end; nothing outside the namespaces is touched but
one bridge. Needs root and iproute2 (and nft for loss); `why_not` says what is missing.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from governance.cli.client import Client
from governance.cli.play.stage import START, command, environment
from governance.errors import GovernanceError

PORT = 8000
_labs = itertools.count(1)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=20)


def why_not() -> str | None:
    """Why there can be no namespaces here; None when there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program, package in (("ip", "iproute2"), ("nft", "nftables")):
        if shutil.which(program) is None:
            return f"there is no {program} (Debian: {package})"
    name = f"at{os.getpid()}probe"
    try:
        _ip("netns", "add", name)
        _ip("netns", "del", name)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as e:
        return f"network namespaces are not permitted: {e}"
    return None


class Host:
    """A namespace with one address, and the instance in it."""

    def __init__(self, lab: Lab, number: int, folder: Path) -> None:
        self.name = f"{lab.prefix}n{number}"
        self.address = f"{lab.subnet}.{number}"
        self.url = f"http://{self.address}:{PORT}"
        self.data = folder / f"instance{number}"
        self.log = folder / f"instance{number}.log"
        self._outside = f"{lab.prefix}v{number}"
        self.process: subprocess.Popen[bytes] | None = None
        _ip("netns", "add", self.name)
        _ip("link", "add", self._outside, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _ip("link", "set", self._outside, "master", lab.bridge, "up")
        self.inside("ip", "link", "set", "lo", "up")
        self.inside("ip", "addr", "add", f"{self.address}/24", "dev", "eth0")
        self.inside("ip", "link", "set", "eth0", "up")

    def inside(self, *arguments: str) -> str:
        """Run a command in the namespace."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.name, *arguments],
            check=True,
            capture_output=True,
            timeout=60,
            text=True,
        )
        return done.stdout

    # --- the network ---

    def cut(self) -> None:
        """Nobody reaches this host any more."""
        _ip("link", "set", self._outside, "down")

    def join(self) -> None:
        """It is reachable again."""
        _ip("link", "set", self._outside, "up")

    def shun(self, *others: Host) -> None:
        """Drop everything that comes from these hosts: one side of a partition."""
        self.inside("nft", "add table inet split")
        self.inside("nft", "add chain inet split in { type filter hook input priority 0; }")
        for other in others:
            self.inside("nft", f"add rule inet split in ip saddr {other.address} drop")

    def welcome(self) -> None:
        """Shun nobody any more."""
        self.inside("nft", "delete", "table", "inet", "split")

    def lose(self, percent: int) -> None:
        """Drop that share of the packets that arrive; 0 ends it."""
        if percent == 0:
            self.inside("nft", "delete", "table", "inet", "loss")
            return
        self.inside("nft", "add table inet loss")
        self.inside("nft", "add chain inet loss in { type filter hook input priority 0; }")
        self.inside("nft", f"add rule inet loss in iifname eth0 numgen random mod 100 < {percent} drop")

    def delay(self, milliseconds: int) -> bool:
        """Hold up what it sends; False where the kernel has no netem."""
        try:
            self.inside("tc", "qdisc", "add", "dev", "eth0", "root", "netem", "delay", f"{milliseconds}ms")
        except subprocess.CalledProcessError:
            return False
        return True

    # --- the instance ---

    def start(self, *options: str) -> None:
        """`althing serve` in the namespace; returns when it answers."""
        arguments = ("serve", "--data", str(self.data), "--host", self.address, "--port", str(PORT))
        line = command(*arguments, "--rate", "0", "--egress", "local", "--name", self.name[-2:], *options)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.name, *line],
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                env=environment(),
            )
        self._wait()

    def _wait(self) -> None:
        assert self.process is not None
        give_up = time.monotonic() + START
        with Client(self.url, timeout=2) as client:
            while time.monotonic() < give_up:
                if self.process.poll() is not None:
                    raise AssertionError(self.log.read_text(errors="replace")[-3_000:])
                try:
                    client.read("/healthz")
                except GovernanceError:
                    time.sleep(0.1)
                else:
                    return
        raise AssertionError(f"{self.url} does not answer: {self.log.read_text(errors='replace')[-3_000:]}")

    def kill(self) -> None:
        """End the instance without warning (kill -9)."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process = None

    def stop(self) -> None:
        """End the instance politely."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None


class Lab:
    """A bridge and its hosts."""

    def __init__(self) -> None:
        # The kernel takes its time to remove the devices of a lab before.
        self.prefix = f"a{os.getpid() % 100_000:x}{next(_labs):x}"
        self.subnet = f"10.{64 + next(_labs) % 64}.{os.getpid() % 256}"
        self.bridge = f"{self.prefix}b"
        self.hosts: list[Host] = []
        _ip("link", "add", self.bridge, "type", "bridge")
        _ip("addr", "add", f"{self.subnet}.254/24", "dev", self.bridge)
        _ip("link", "set", self.bridge, "up")

    def add(self, folder: Path) -> Host:
        """One more host."""
        host = Host(self, len(self.hosts) + 1, folder)
        self.hosts.append(host)
        return host

    def close(self) -> None:
        """Stop everything and remove what was made."""
        for host in self.hosts:
            host.stop()
            subprocess.run(["ip", "netns", "del", host.name], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", self.bridge], capture_output=True, check=False)


@contextmanager
def lab(folder: Path, hosts: int) -> Iterator[Lab]:
    """A network with that many hosts."""
    made = Lab()
    try:
        for _ in range(hosts):
            made.add(folder)
        yield made
    finally:
        made.close()

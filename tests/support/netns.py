"""A small network of namespaces on one bridge: hosts that can be cut off, slowed down and made lossy.

Everything is named after the process and removed at the end; nothing outside the namespaces is touched but
one bridge. Needs root, iproute2, and nft for loss; delay is the kernel's netem, or else a `SlowLine`.
`why_not` and `why_no_delay` say what is missing.
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
from tests.support import slow_line
from tests.support.slow_line import SlowLine

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


def why_no_delay() -> str | None:
    """Why lines cannot be slow here; None when they can."""
    if reason := why_not():
        return reason
    name = f"at{os.getpid()}slow"
    _ip("netns", "add", name)
    try:
        if _netem("lo", name, 1, 0):
            return None
        os.close(slow_line.tap(name))
    except OSError as e:
        return f"the kernel has no netem, and there are no TAP devices: {e}"
    finally:
        _ip("netns", "del", name)
    return None


def _netem(device: str, namespace: str | None, milliseconds: int, jitter: int) -> bool:
    """Let the kernel hold up what a device sends; whether it can."""
    where = ["-n", namespace] if namespace else []
    waits = ["delay", f"{milliseconds}ms", f"{jitter}ms"]
    line = ["tc", *where, "qdisc", "replace", "dev", device, "root", "netem", *waits]
    return subprocess.run(line, capture_output=True, check=False, timeout=20).returncode == 0


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
        self._lab = lab
        self._line: SlowLine | None = None
        lab.hosts.append(self)
        _ip("netns", "add", self.name)
        _ip("link", "add", self._outside, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _ip("link", "set", self._outside, "master", lab.bridge, "up")
        self.inside("ip", "link", "set", "lo", "up")
        self._connect()

    def _connect(self) -> None:
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
        self.inside("nft", "add table inet loss")
        if percent == 0:
            self.inside("nft", "delete", "table", "inet", "loss")
            return
        self.inside("nft", "add chain inet loss in { type filter hook input priority 0; }")
        self.inside("nft", f"add rule inet loss in iifname eth0 numgen random mod 100 < {percent} drop")

    def delay(self, milliseconds: int, jitter: int = 0) -> None:
        """Hold up every packet from and to this host so long, give or take `jitter`; 0 ends it."""
        if self._line is None and _netem("eth0", self.name, milliseconds, jitter):
            _netem(self._outside, None, milliseconds, jitter)
            return
        if self._line is None:
            self._line = self._replace_link()
        self._line.delay, self._line.jitter = milliseconds / 1000, jitter / 1000

    def _replace_link(self) -> SlowLine:
        """A slow line instead of the veth pair, with the same addresses: connections go on."""
        hardware = self.inside("cat", "/sys/class/net/eth0/address").strip()
        near, far = f"{self._outside}s", f"{self._outside}t"
        line = SlowLine(near, far, seed=int(self.name[-1]))
        _ip("link", "del", self._outside)
        _ip("link", "set", far, "netns", self.name)
        self.inside("ip", "link", "set", far, "name", "eth0", "address", hardware)
        _ip("link", "set", near, "master", self._lab.bridge, "up")
        self._outside = near
        self._connect()
        return line

    def disconnect(self) -> None:
        """Remove the namespace, and the line to it."""
        if self._line is not None:
            self._line.close()
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)

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
        return Host(self, len(self.hosts) + 1, folder)

    def close(self) -> None:
        """Stop everything and remove what was made."""
        for host in self.hosts:
            host.stop()
            host.disconnect()
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

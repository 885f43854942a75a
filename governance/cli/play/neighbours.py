"""Two further instances: they witness and mirror the first, vote with it, and outlive it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from governance.cli.client import Client
from governance.cli.console import say
from governance.cli.play.stage import Stage, command, environment
from governance.cli.space import operator_key
from governance.errors import BadProof, NoAnswer
from governance.statements.entry import read_envelope
from governance.statements.instance import Instance

PATIENCE: Final = 90
"""Seconds for anything that happens by itself."""


def told(*arguments: str | Path, quiet: bool = False) -> bool:
    """Run a command of this program as a person would, and show what it says; whether it went well."""
    done = subprocess.run(
        command(*map(str, arguments)), env=environment(), capture_output=True, text=True, check=False
    )
    if not quiet:
        say(*(f"  {line}" for line in (done.stdout + done.stderr).rstrip("\n").split("\n")))
    return done.returncode == 0


def wait_for(what: str, true: Callable[[], bool]) -> None:
    """Until a condition holds.

    Raises:
        NoAnswer: it did not, in `PATIENCE` seconds.
    """
    give_up = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > give_up:
            raise NoAnswer(f"waited {PATIENCE} seconds in vain: {what}")
        time.sleep(0.2)


class Neighbours:
    """The first instance and two others, each a process of its own with an operator of its own."""

    def __init__(self, first: Stage, others: dict[str, Stage], folder: Path) -> None:
        self.first, self.others, self.folder = first, others, folder
        self.policy_file = folder / "witnesses.policy"

    @property
    def stages(self) -> dict[str, Stage]:
        """All three by name; the first has none."""
        return {"": self.first, **self.others}

    def meet(self) -> None:
        """Every operator adds the two others; then each knows what the others said."""
        started = []
        for stage in self.stages.values():
            key = operator_key(stage.data)
            for other in self.stages.values():
                if other is not stage:
                    words = ("peer", "add", other.url, "--as", "partner", "--yes")
                    line = command(*words, "--key", str(key), "--url", stage.url)
                    started.append(subprocess.Popen(line, env=environment(), stdout=subprocess.DEVNULL))
        if any(process.wait() for process in started):
            raise BadProof("an operator could not add a peer")
        wait_for("the three instances know each other", self._acquainted)
        names = " and ".join(self.others)
        say(f"✓ Two neighbours, {names}, copy this instance's logs and sign what they saw; it copies theirs")

    def _acquainted(self) -> bool:
        for stage in self.stages.values():
            with Client(stage.url) as client:
                page = client.get("/peers", dict)
            if [p["theirs"] for p in page["items"]] != ["partner", "partner"]:
                return False
        return True

    def policy(self) -> str:
        """The witness policy of the quarter's ballot: both neighbours have to cosign."""
        lines = []
        for name, stage in self.others.items():
            with Client(stage.url) as client:
                document = read_envelope(client.read("/.well-known/althing.json")).statement
            if not isinstance(document, Instance) or document.federation is None:
                raise BadProof(f"{stage.url} does not say how it witnesses")
            vkey = next(key for key in document.federation.witnesses if "/witness+" in key)
            lines.append(f"witness {name} {vkey} {stage.url}/witness\n")
        text = "".join([*lines, f"group both all {' '.join(self.others)}\n", "quorum both\n"])
        self.policy_file.write_text(text)
        return text

    def upgraded(self, receipt: Path) -> None:
        """A member's receipt gains the neighbours' cosignatures.

        Raises:
            BadProof: it does not hold.
        """
        say("", "A member brings their receipt up to date: now the neighbours have signed it, too:")
        held = told("receipt", "upgrade", receipt)
        if not held or not told("receipt", "check", receipt, "--offline", "--policy", self.policy_file):
            raise BadProof("the receipt does not hold")

    def outlive(self, receipt: Path, ballot: str) -> bool:
        """The first instance is lost with its disk; audit and receipt go on. Gives whether all is well.

        Args:
            receipt: of a vote.
            ballot: path of that ballot's cosigned head among the public files.
        """
        with Client(self.first.url) as client:
            instance = client.instance.removeprefix("sha256:")
        root = self.folder / "keys" / "root"
        shutil.copy(self.first.data / "keys" / "root", root)
        name, neighbour = next(iter(self.others.items()))
        mirror = f"{neighbour.url}/mirrors/{instance}"
        self._wait_for_copies(instance, ballot)
        self.first.stop()
        shutil.rmtree(self.first.data)
        say("", f"✗ The first instance is gone, with all its data. But {name} has a copy to audit:", "")
        good = told("audit", mirror) and told("receipt", "check", receipt, "--mirror", mirror)
        say("", "Its operator still has the root key, on paper or on a stick. That and the copy are enough:")
        good = good and told("restore", "--root", root, "--mirror", mirror, "--data", self.first.data)
        self.first.start()
        wait_for("the first instance signs again", self._signs)
        say("✓ The first instance is back, and goes on where it was")
        return good

    def _wait_for_copies(self, instance: str, ballot: str) -> None:
        def complete() -> bool:
            with Client(self.first.url) as client:
                pages = [client.get(f"/peers/{p['id']}", dict) for p in client.get("/peers", dict)["items"]]
            return all(log["lag"] == 0 for page in pages for log in page["witnessed"]) and self._same(
                instance, ballot
            )

        wait_for("the neighbours have everything", complete)

    def _same(self, instance: str, ballot: str) -> bool:
        """Whether every neighbour's copy is as long as the instance log and as well cosigned."""
        with Client(self.first.url) as client:
            own = client.read("/logs/instance/checkpoint").split(b"\n")[1]
            cosigned = client.read(ballot)
        for stage in self.others.values():
            with Client(stage.url) as client:
                mirror = f"/mirrors/{instance}"
                copied = client.read(f"{mirror}/logs/instance/checkpoint").split(b"\n")[1]
                if copied != own or client.read(mirror + ballot) != cosigned:
                    return False
        return True

    def _signs(self) -> bool:
        with Client(self.first.url) as client:
            return bool(client.get("/instance", dict)["signing"])

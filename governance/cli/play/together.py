"""A joint ballot of three communities on three instances."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from governance.cli import casting, drafting, drafts, founding, home, spaces, templates
from governance.cli.client import Client
from governance.cli.console import say
from governance.cli.drafting import Wish
from governance.cli.key import Kind, generate
from governance.cli.play.neighbours import told, wait_for
from governance.cli.play.stage import Stage
from governance.cli.signing import Identity, load_identity, of, signed
from governance.cli.space import operator_key
from governance.errors import BadProof
from governance.service.answers import BallotView, DraftRecorded

BALLOT: Final = "ferry"
QUESTION: Final = "harbour"
HARBOURS: Final = {"skerry": "Skerry pier", "holm": "Holm sound", "voe": "The head of the voe"}
_OPENS: Final = 20
_LASTS: Final = 8


@dataclass(frozen=True, slots=True)
class Community:
    """A space on an instance, its steward's key file, and a few of its members."""

    stage: Stage
    space: str
    steward: Path
    members: Sequence[Identity]

    @property
    def url(self) -> str:
        """The address of the space."""
        return f"{self.stage.url}/spaces/{self.space}"


def settle(stage: Stage, name: str, folder: Path, members: int) -> Community:
    """Found a small community on a neighbour's instance."""
    key = folder / "keys" / f"steward-{name}"
    home.write_new(key, generate(Kind.ED25519).dump(), secret=True)
    steward, now = load_identity(key), int(time.time())
    people = [of(generate(Kind.ED25519)) for _ in range(members)]
    with Client(stage.url) as client:
        constitution = templates.template("project").adopt(name, now)
        operator = load_identity(operator_key(stage.data))
        founding.found(client, name, name.title(), operator, steward, constitution)
        for who in people:
            request = signed(founding.enrolment(name, who, now, instance=client.instance), who)
            spaces.record(client, name, "members", founding.approve(request, steward))
    return Community(stage, name, key, people)


def decide(communities: Sequence[Community], folder: Path) -> None:
    """Propose, accept, vote at home, and see the same result everywhere.

    Raises:
        BadProof: a step fails, or the results differ.
    """
    manifest = folder / "ferry.json"
    urls = [community.url for community in communities]
    _pattern(communities[0])
    _must(
        "joint", "propose", BALLOT, *urls, "--from", f"{urls[0]}/ballots/{BALLOT}-pattern",
        "--opens", f"+{_OPENS}s", "--closes", f"+{_OPENS + _LASTS}s", "--grace", "1d", "--out", manifest,
    )  # fmt: skip
    for step in ("accept", "open"):
        for community in communities:
            at = ("--key", community.steward, "--url", community.stage.url, "--space", community.space)
            _must("joint", step, manifest, "--yes", *at)
    say("", f"✓ Three communities agree to hold one ballot: where shall the ferry land? ({manifest.name})")
    for number, community in enumerate(communities):
        _vote(community, number)
    voters = sum(len(community.members) for community in communities)
    say(f"✓ {voters} members vote, each on the instance of their own community")
    for community in communities:
        wait_for(f"{community.space} has the joint result", lambda c=community: _digest(c) is not None)  # type: ignore[misc]
    if len({_digest(community) for community in communities}) != 1:
        raise BadProof("the instances have logged different results")
    say("✓ Each of the three instances has counted all votes, and all have the same result:")
    told("joint", "status", f"{urls[0]}/ballots/{BALLOT}")


def _must(*arguments: str | Path) -> None:
    if not told(*arguments, quiet=True):
        told(*arguments)
        raise BadProof(f"this failed: althing {' '.join(map(str, arguments))}")


def _pattern(first: Community) -> None:
    """A draft that holds the question."""
    now = int(time.time())
    who = load_identity(first.steward)
    wish = Wish(
        ballot=f"{BALLOT}-pattern",
        title="Where shall the ferry land?",
        options=[drafts.option_line(f"{key}={name}") for key, name in HARBOURS.items()],
        rule="approval",
        question=QUESTION,
        closes_at=now + 86_400,
        quorum=False,
    )
    with Client(first.stage.url) as client:
        draft = drafting.define(spaces.adopted(client, first.space), wish, who.member_id, now)
        client.post(spaces.path(first.space, "ballots"), signed(draft, who), DraftRecorded)


def _vote(community: Community, number: int) -> None:
    """Everybody wants the ferry at home; some could live with the next harbour as well."""
    harbours = list(HARBOURS)
    with Client(community.stage.url) as client:
        path = casting.ballot_path(community.space, BALLOT)
        wait_for(f"{community.space} opens", lambda: client.get(path, BallotView).state == "open")
        definition = casting.fetch_definition(client, community.space, BALLOT)[1]
        for place, who in enumerate(community.members):
            marks = {harbours[number], harbours[0] if place % 2 else harbours[number]}
            vote = casting.sign_vote(definition, who, {QUESTION: sorted(marks)}, int(time.time()))
            casting.send(client, community.space, BALLOT, vote)


def _digest(community: Community) -> str | None:
    with Client(community.stage.url) as client:
        briefs = client.get(spaces.path(community.space, "joint"), dict)["items"]
        manifest = next(b["manifest"] for b in briefs if b["ballot"] == BALLOT)
        view = client.get(spaces.path(community.space, "joint", manifest), dict)
    return str(view["outcome"]["result"]) if view["state"] == "decided" else None

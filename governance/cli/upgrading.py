"""`althing receipt upgrade`: the kept proof replaced by one that witnesses have cosigned."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from governance.cli import casting, copied, home, receipts, witnessed
from governance.cli.client import Client
from governance.cli.console import emit, say
from governance.cli.options import Json
from governance.cli.place import Place, parse_place, place_of
from governance.cli.receipts import Kept
from governance.cli.witnessed import Line
from governance.errors import BadProof
from governance.log.receipt import parse_receipt, verify_receipt
from governance.replay.definition import witness_policy
from governance.signing.note import parse_note

Address = Annotated[str | None, typer.Option(help="Address of the instance, where it is not the vote's own.")]
PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy", help="Whose cosignatures you ask for: a C2SP tlog-policy file.", dir_okay=False),
]


def place_for(ballot: str, url: str | None) -> Place:
    """Where a ballot's instance answers."""
    own = place_of(ballot)
    return Place(parse_place(url).base_url, own.space, own.ballot) if url else own


def upgrade(
    file: Annotated[Path, typer.Argument(help="The receipt (.tlog-proof).")],
    policy: PolicyFile = None,
    url: Address = None,
    as_json: Json = False,
) -> None:
    """Replace a kept receipt by one with the cosignatures that there are now.

    The new one must prove the same vote at the same place, in the same tree as the kept one; otherwise the
    kept one stays, and you are told.
    """
    kept = receipts.load(file)
    _, vote = kept.vote()
    plain = Kept(kept.path, kept.proof, kept.entry, receipts.logs_only(kept.policy), kept.signer)
    before = plain.verify()
    place = place_for(vote.ballot, url)
    with Client(place.base_url) as client:
        base = casting.ballot_path(str(place.space), str(place.ballot))
        proof = client.read(f"/api/v1{base}/receipts/{before.index}")
        definition = casting.fetch_definition(client, str(place.space), str(place.ballot))[1]
    new = parse_receipt(proof)
    after = verify_receipt(new, kept.entry, plain.policy)
    if after.index != before.index or definition.digest != vote.definition:
        raise BadProof("the service answers for another vote or definition; the kept receipt stays as it is")
    receipts.expect_origin(after, vote.ballot)
    with copied.opened_source(place.base_url) as source:
        files = copied.log_files(source, after.cosigned.checkpoint.origin)
        copied.check_same_tree(files, before.cosigned.checkpoint, after.cosigned.checkpoint)
    asked = witnessed.trusted(kept, policy).policy if policy else witness_policy(definition.ballot)
    enough, lines = witnessed.judge(new.checkpoint, plain, asked) if asked else (False, [])
    better = _better(parse_receipt(kept.proof).checkpoint, new.checkpoint)
    if better:
        _replace(kept.path, proof)
    _tell(as_json, better=better, enough=enough if asked else None, lines=lines, new=new.checkpoint)


def _better(old: bytes, new: bytes) -> bool:
    """More signature lines than before."""
    return len(parse_note(new).signatures) > len(parse_note(old).signatures)


def _replace(stem: Path, proof: bytes) -> None:
    """At once or not at all: a proof that is cut off would be no receipt."""
    path = stem.with_name(stem.name + receipts.PROOF)
    part = stem.with_name(f"{stem.name}.part")
    part.unlink(missing_ok=True)
    home.write_new(part, proof)
    os.replace(part, path)


def _tell(as_json: bool, *, better: bool, enough: bool | None, lines: list[Line], new: bytes) -> None:
    count = len(parse_note(new).signatures) - 1
    if as_json:
        emit({"upgraded": better, "signatures": count, "satisfied": enough, "cosigned_by": lines})
        return
    say(
        f"✓ The receipt carries {count} cosignatures now."
        if better
        else f"The service has no receipt with more cosignatures than yours ({count}). Ask again later."
    )
    if enough is not None:
        say(f"  {'Final' if enough else 'Provisional'}: cosigned by {witnessed.who(lines)}.")

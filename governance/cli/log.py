"""`althing log`: look into a log, verify it, and fold its projections anew."""

from __future__ import annotations

from typing import Annotated

import typer

from governance import limits
from governance.cli import publiclog
from governance.cli.client import Client
from governance.cli.console import emit, say, short, table
from governance.cli.options import DEFAULT_DATA, DEFAULT_URL, Data, Json, Url
from governance.cli.place import Place, parse_place
from governance.log.merkle import leaf_hash, parents
from governance.log.tiles import FULL, tiles_for
from governance.statements.entry import read_entry

group = typer.Typer(no_args_is_help=True)
Log = Annotated[
    str, typer.Argument(help="instance, spaces/NAME, spaces/NAME/ballots/BALLOT, or an address of these.")
]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="log", help="Logs: look into one, verify it, rebuild what is derived from it.")


@group.command()
def rebuild(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; say whether a rebuild would.")
    ] = False,
    data: Data = DEFAULT_DATA,
    database: Annotated[
        str | None, typer.Option(envvar="ALTHING_DATABASE", help="The database, if not the directory's.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fold members, roadmap, ballots and votes anew from the logs; stop the service first."""
    from governance.store import rebuild as projections
    from governance.store.engine import open_store

    store = open_store(database, data, read_only=check, migrations=context.obj.migrations)
    try:
        different = projections.check(store) if check else projections.rebuild(store)
    finally:
        store.close()
    if as_json:
        emit({"checked": check, "different": different})
    elif different:
        say(f"{'✗ different' if check else '✓ rebuilt; different were'}: {', '.join(different)}")
    else:
        say("✓ Everything derived is exactly what the logs say.")
    if check and different:
        raise typer.Exit(1)


def _meant(log: str, url: str) -> tuple[Place, str]:
    place = parse_place(log) if "://" in log else parse_place(url)
    if "://" in log:
        return place, place.origin
    return place, f"{place.base_url.partition('://')[2]}/{log.strip('/').removeprefix('logs/')}"


def _vkey(client: Client, origin: str) -> str:
    return (
        client.read(f"{publiclog.folder(client, origin)}/vkey", limits.NOTE)
        .decode("utf-8", "replace")
        .strip()
    )


@group.command()
def show(
    log: Log = "instance",
    start: Annotated[int, typer.Option("--from", min=0, help="First entry.")] = 0,
    count: Annotated[int, typer.Option(min=1, help="How many entries.")] = 50,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Show the entries of a log: what was recorded, and by whom."""
    place, origin = _meant(log, url)
    with Client(place.base_url) as client:
        whole = publiclog.read_log(client, origin, _vkey(client, origin))
    found = [(i, read_entry(data)) for i, data in enumerate(whole.entries[start : start + count], start)]
    signers = {i: [s.keyid for s in entry.envelope.signatures] for i, entry in found}
    if as_json:
        rows = [
            {"index": i, "kind": entry.statement.KIND, "digest": entry.identity, "signers": signers[i]}
            for i, entry in found
        ]
        emit({"origin": origin, "size": whole.checkpoint.size, "entries": rows})
        return
    cells = [
        (i, entry.statement.KIND, short(entry.identity), ", ".join(map(short, signers[i])))
        for i, entry in found
    ]
    table(f"{origin}: {whole.checkpoint.size} entries", ("entry", "what", "digest", "signed by"), cells)


@group.command()
def verify(log: Log, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Rebuild a log's tree from its entries and compare head and tiles; `althing audit` checks much more."""
    place, origin = _meant(log, url)
    with Client(place.base_url) as client:
        vkey = _vkey(client, origin)
        whole = publiclog.read_log(client, origin, vkey)
        wrong = wrong_tiles(client, origin, whole)
    if as_json:
        emit({"origin": origin, "size": whole.checkpoint.size, "vkey": vkey, "wrong_tiles": wrong})
    elif wrong:
        say(f"✗ {origin}: the tile {wrong[0]} does not follow from the entries ({len(wrong)} in all)")
    else:
        say(f"✓ {origin}: {whole.checkpoint.size} entries, head and tiles agree, signed by", f"  {vkey}")
    if wrong:
        raise typer.Exit(1)


def wrong_tiles(client: Client, origin: str, whole: publiclog.WholeLog) -> list[str]:
    """The tiles that differ from what the entries make them."""
    levels = [b"".join(leaf_hash(entry) for entry in whole.entries)]
    wrong = []
    for tile in tiles_for(0, whole.checkpoint.size):
        while len(levels) <= tile.level:
            levels.append(_next_level(levels[-1]))
        begin = tile.n * FULL * 32
        expected = levels[tile.level][begin : begin + tile.width * 32]
        path = f"{publiclog.folder(client, origin)}/{tile.path}"
        if client.read(path, limits.TILE_BYTES) != expected:
            wrong.append(tile.path)
    return wrong


def _next_level(hashes: bytes) -> bytes:
    """The roots of complete tiles: eight levels up."""
    hashes = hashes[: len(hashes) // (FULL * 32) * FULL * 32]
    for _ in range(8):
        hashes = parents(hashes)
    return hashes

"""`althing serve`: run an instance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer


def register(app: typer.Typer, run: Callable[[dict[str, Any]], None]) -> None:
    """Add the command; `run` takes the flags, None for those not given."""

    @app.command()
    def serve(  # noqa: PLR0913, PLR0917  # one flag for each setting
        data: Annotated[
            Path | None, typer.Option(help="Data directory.  [ALTHING_DATA]", metavar="DIR")
        ] = None,
        host: Annotated[str | None, typer.Option(help="Address to listen on.  [ALTHING_HOST]")] = None,
        port: Annotated[int | None, typer.Option(help="Port to listen on.  [ALTHING_PORT]")] = None,
        url: Annotated[
            str | None, typer.Option(help="Public address; names the logs, so it stays.  [ALTHING_URL]")
        ] = None,
        database: Annotated[
            str | None, typer.Option(help="SQLite or PostgreSQL URL.  [ALTHING_DATABASE]")
        ] = None,
        name: Annotated[str | None, typer.Option(help="Name of the instance.  [ALTHING_NAME]")] = None,
        queue: Annotated[
            int | None, typer.Option(help="Statements that may wait to be written.  [ALTHING_QUEUE]")
        ] = None,
        rate: Annotated[
            int | None, typer.Option(help="Requests per second of one address; 0: no limit.  [ALTHING_RATE]")
        ] = None,
        burst: Annotated[
            int | None, typer.Option(help="Requests of one address at once.  [ALTHING_BURST]")
        ] = None,
        mirror_limit: Annotated[
            int | None, typer.Option(help="MiB for the copies of one other instance.  [ALTHING_MIRROR_LIMIT]")
        ] = None,
        post_quantum: Annotated[
            str | None, typer.Option(help="Cosign with ML-DSA-44 too: on or off.  [ALTHING_POST_QUANTUM]")
        ] = None,
        egress: Annotated[
            str | None,
            typer.Option(help="Which addresses other instances may have: public or local.  [ALTHING_EGRESS]"),
        ] = None,
    ) -> None:
        """Run an instance: votes, logs and pages, until you stop it with Ctrl-C.

        Without any option it listens on http://127.0.0.1:8000 and keeps everything in ./althing-data.
        """
        run(
            {
                "data": data,
                "host": host,
                "port": port,
                "url": url,
                "database": database,
                "name": name,
                "queue": queue,
                "rate": rate,
                "burst": burst,
                "mirror_limit": mirror_limit,
                "post_quantum": post_quantum,
                "egress": egress,
            }
        )

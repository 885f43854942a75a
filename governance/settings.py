"""Settings of an instance: from the environment (`ALTHING_<NAME>`) or from flags of `althing serve`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from governance.errors import SetupFault

PREFIX: Final = "ALTHING_"
HELP: Final = {
    "data": "Data directory: keys, lock and the SQLite file",
    "host": "Address to listen on",
    "port": "Port to listen on",
    "url": "Public base URL; it names the logs, so it is fixed at the first start",
    "database": "SQLAlchemy URL of SQLite or PostgreSQL; SQLite in the data directory when not given",
    "name": "Name of the instance, as its identity document gives it",
    "queue": "Statements that may wait for the writer before 503 is answered",
    "rate": "Requests per second that one address may make; 0 switches the limit off",
    "burst": "Requests that one address may make at once",
    "egress": "public: ask others by https, on the internet alone; local: also by http, in private networks",
    "mirror_limit": "Mebibytes that the copies of one other instance may take",
    "post_quantum": "on: cosign with ML-DSA-44 as well as with Ed25519; off: with Ed25519 alone",
}
"""What each setting is, for documentation and the help of flags."""
_base_url: Final = re.compile(r"https?://[^\s/?#@+]+(/[^\s/?#+]+)*")


@dataclass(frozen=True, slots=True)
class Settings:
    """How one instance runs. Nothing here changes what a vote or a result means."""

    data: Path = Path("althing-data")
    host: str = "127.0.0.1"
    port: int = 8000
    url: str | None = None
    database: str | None = None
    name: str | None = None
    queue: int = 4096
    rate: int = 100
    burst: int = 1000
    mirror_limit: int = 4096
    post_quantum: str = "off"
    egress: str = "public"

    def __post_init__(self) -> None:
        if not 0 < self.port < 65_536:
            raise SetupFault(f"the port is a number from 1 to 65535, not {self.port}")
        if min(self.queue, self.burst, self.mirror_limit) < 1 or self.rate < 0:
            raise SetupFault("queue, burst and mirror_limit are at least 1, rate is at least 0")
        if self.post_quantum not in {"off", "on"}:
            raise SetupFault(f"post_quantum is off or on, not {self.post_quantum!r}")
        if self.egress not in {"public", "local"}:
            raise SetupFault(f"egress is public or local, not {self.egress!r}")
        if self.url is not None and not _base_url.fullmatch(self.url):
            raise SetupFault(
                f"the URL {self.url!r} is not http(s)://host[:port][/path], without / at its end"
            )

    @property
    def base_url(self) -> str:
        """The public base URL for a first start."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.url or f"http://{host}:{self.port}"


def load(environment: Mapping[str, str], **flags: object) -> Settings:
    """The settings of environment variables, overridden by flags that are not None.

    Raises:
        SetupFault: a value that does not fit, or a variable that looks like a setting and is none.
    """
    fields = {f.name: f for f in dataclasses.fields(Settings)}
    values: dict[str, Any] = {}
    for variable, text in environment.items():
        name = variable.removeprefix(PREFIX).lower()
        if variable.startswith(PREFIX):
            if name not in fields:
                known = ", ".join(PREFIX + n.upper() for n in fields)
                raise SetupFault(f"{variable} is not a setting; the settings are {known}")
            values[name] = _parse(variable, text, fields[name].default)
    values.update({name: value for name, value in flags.items() if value is not None})
    return Settings(**values)


def _parse(variable: str, text: str, default: object) -> object:
    if isinstance(default, int):
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise SetupFault(f"{variable} is a number, not {text!r}")
        return int(text)
    return Path(text) if isinstance(default, Path) else text

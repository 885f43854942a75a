"""Nothing in the product opens connections beside the one way out."""

import re
from pathlib import Path

import governance

ROOT = Path(governance.__file__).parents[1]
BESIDE = re.compile(
    r"httpx\.(Client|AsyncClient|HTTPTransport|AsyncHTTPTransport|get|post|put|patch|delete|head|options|request|stream)\b"
    r"|from httpx import|httpcore|import requests|aiohttp|urllib3|urllib\.request|http\.client|urlopen"
    r"|create_connection|open_connection|\.connect(_ex)?\(\(|ftplib|smtplib|socket\.socket\("
)
LISTENERS = {"governance/app.py", "governance/cli/play/stage.py"}
"""Where a socket is bound, never connected."""


def found():
    for package in ("governance", "federation"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if "node_modules" in name:
                continue
            for match in BESIDE.finditer(path.read_text(encoding="utf-8")):
                yield name, match[0]


def test_only_egress_opens_connections():
    where = {name for name, _ in found()}
    assert where - {"governance/fetch/egress.py"} == LISTENERS
    assert {what for name, what in found() if name in LISTENERS} == {"socket.socket("}


def test_the_pattern_would_find_them():
    for line in (
        "httpx.Client()",
        "urllib.request.urlopen(x)",
        "s.connect((host, 80))",
        "httpcore.request()",
    ):
        assert BESIDE.search(line)

"""A verdict as one self-contained HTML page: for people who were not there, on a phone or on paper."""

from __future__ import annotations

from html import escape
from itertools import groupby
from typing import Final

from governance.audit.verdict import Check, Verdict

_STYLE: Final = """
:root{color-scheme:light dark;--ok:#1a7f37;--bad:#c62828;--dim:#6a737d;--line:#d0d7de}
body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}
h1{font-size:1.5rem}h2{font-size:1.05rem;margin-top:2rem}
.verdict{border-left:.5rem solid var(--ok);padding:.5rem 1rem}.verdict.failed{border-color:var(--bad)}
ul{list-style:none;padding:0}li{border-top:1px solid var(--line);padding:.5rem 0}
li b::before{content:"\\2713\\00a0";color:var(--ok)}
li.failed b::before{content:"\\2717\\00a0";color:var(--bad)}
li.skipped b::before{content:"\\2013\\00a0";color:var(--dim)}
.clause,.place{display:block;color:var(--dim);font-size:.85rem}.place{color:var(--bad)}
@media print{body{max-width:none;font-size:10pt;padding:0}li{break-inside:avoid}}
"""

_WORDS: Final = {
    "fingerprint": "Is this the instance you know?",
    "identity": "Does the instance prove who it is?",
    "origin": "Is the log where it belongs?",
    "log key": "Is it signed by the right key?",
    "checkpoint": "Is the head of the log signed?",
    "bundles": "Are all entries there?",
    "tree": "Do the entries match the signed head?",
    "tiles": "Does every published hash match the entries?",
    "files": "Is nothing else published?",
    "blobs": "Are attached files unchanged?",
    "entries": "Is every entry well formed?",
    "signatures": "Is every record signed by one who may?",
    "records": "Does every record follow the rules?",
    "authority": "Did stewards and the service sign?",
    "definition": "Was the ballot fully defined beforehand?",
    "electorate": "Was the roll fixed before voting began?",
    "entitlement": "Are exactly the entitled members on the roll?",
    "opening": "Did the ballot open as it should?",
    "vote signatures": "Did each voter sign their own vote?",
    "eligibility": "Did only people on the roll vote?",
    "answers": "Is every vote valid?",
    "replacements": "Does only the last vote of each voter count?",
    "deadline": "Were all votes cast while the ballot was open?",
    "delegations": "Were delegations taken as the community's log has them?",
    "closing": "Did the ballot close as it should?",
    "count": "Does a recount give the published result?",
    "lot": "Was the lot for ties drawn beforehand?",
    "outcome": "Are the announced winners the true ones?",
    "publication": "Did the community's log announce this result?",
}


def html_page(verdict: Verdict) -> str:
    """The page; nothing in it is fetched from anywhere."""
    failed = verdict.failures
    state = "passed" if verdict.passed else "failed"
    title = "The audit passed" if verdict.passed else "The audit failed"
    sections = "".join(_section(log, list(checks)) for log, checks in _by_log(verdict.checks))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{_STYLE}</style></head><body>"
        f'<h1>{title}</h1><p class="verdict {state}">{escape(_summary(verdict, failed))}</p>'
        f"<p>Source: {escape(verdict.source)}<br>"
        f"Instance: {escape(verdict.instance or 'not established')}</p>"
        f"{sections}</body></html>\n"
    )


def _summary(verdict: Verdict, failed: list[Check]) -> str:
    counts = {s: sum(c.status == s for c in verdict.checks) for s in ("passed", "failed", "skipped")}
    numbers = f"{counts['passed']} checks passed, {counts['failed']} failed, {counts['skipped']} skipped."
    if failed:
        first = failed[0]
        return f"{numbers} First: {first.name}{', ' + first.place if first.place else ''}: {first.detail}."
    return f"{numbers} All this was recomputed from public records, without trusting who published them."


def _by_log(checks: list[Check]) -> groupby[str, Check]:
    order = {log: at for at, log in enumerate(dict.fromkeys(check.log for check in checks))}
    return groupby(sorted(checks, key=lambda check: order[check.log]), key=lambda check: check.log)


def _section(log: str, checks: list[Check]) -> str:
    return f"<h2>{escape(log)}</h2><ul>{''.join(map(_line, checks))}</ul>"


def _line(check: Check) -> str:
    place = f'<span class="place">{escape(check.place)}</span>' if check.place else ""
    return (
        f'<li class="{check.status}"><b>{escape(_WORDS.get(check.name, check.name))}</b> '
        f"{escape(check.detail)}{place}"
        f'<span class="clause">{escape(check.name)}: {check.status}. {escape(check.clause)}</span></li>'
    )

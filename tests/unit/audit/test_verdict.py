import re

import msgspec
import pytest

from governance.audit.page import html_page
from governance.audit.verdict import Check, Verdict
from governance.errors import AuditFailed

GOOD = Check("log/a", "tree", "passed", "RFC 6962", "fine", {"entries": 3})
BAD = Check("log/a", "tiles", "failed", "C2SP", "<script>alert(1)</script>", {}, 7, "tile/0/000")
SKIP = Check("log/b", "identity", "skipped", "DESIGN", "no other log")


@pytest.mark.parametrize(
    ("checks", "passed"),
    [([GOOD], True), ([GOOD, SKIP], True), ([SKIP], False), ([], False), ([GOOD, BAD], False)],
)
def test_what_passes(checks, passed):
    verdict = Verdict.of("here", None, checks)
    assert verdict.passed == passed
    if passed:
        verdict.raise_for_failure()
    else:
        with pytest.raises(AuditFailed):
            verdict.raise_for_failure()


def test_the_first_failure_is_raised_with_its_place():
    with pytest.raises(AuditFailed, match="entry 7, tile/0/000") as caught:
        Verdict.of("here", None, [GOOD, BAD]).raise_for_failure()
    assert caught.value.facts == {"log": "log/a", "check": "tiles", "entry": 7, "file": "tile/0/000"}


def test_json_round_trip():
    verdict = Verdict.of("here", "sha256:00", [GOOD, BAD, SKIP])
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict


@pytest.mark.parametrize("checks", [[GOOD, SKIP], [GOOD, BAD, SKIP]])
def test_the_page_is_self_contained_and_escaped(checks):
    page = html_page(Verdict.of("<here>", None, checks))
    assert "<script" not in page
    assert not re.search(r"(src|href)=|url\(|@import|https?://", page)
    assert "&lt;here&gt;" in page
    assert "width=device-width" in page
    assert ("The audit failed" in page) == (BAD in checks)
    assert all(check.name in page for check in checks)

"""Bounds on everything that arrives, in one place.

A bound is part of the protocol when another implementation must apply it too (see `schemas/protocol.md`);
the rest protect one instance. Sizes are bytes unless the name says otherwise.
"""

JSON_DEPTH = 32
JSON_INTEGER = 2**53 - 1
"""Largest magnitude of a JSON integer (RFC 7493 2.2); larger amounts are decimal strings."""

ENTRY = 60 * 1024
"""Longest log entry we write. The tile format's own limit is 65,535 (C2SP tlog-tiles)."""
ENTRY_FORMAT = 65_535
VOTE_BODY = 64 * 1024
STATEMENT_BODY = 64 * 1024
ENVELOPE_SIGNATURES = 16
KEY_ID = 1024
"""Longest `keyid` in characters; a did:key of an RSA-4096 key has about 730."""
BLOB = 8 * 1024 * 1024

TILE_WIDTH = 256
TILE_BYTES = TILE_WIDTH * 32
ENTRY_BUNDLE = TILE_WIDTH * (ENTRY_FORMAT + 2)
NOTE = 128 * 1024
"""Room for 16 and more post-quantum signature lines of about 3.3 kB each."""
NOTE_SIGNATURES = 64
NAME = 255
"""Longest log origin or cosigner name (C2SP tlog-cosignature)."""
TREE_SIZE = 2**63 - 1
"""Most entries of one log; sizes and indices then fit signed 64-bit integers everywhere."""
PROOF_HASHES = 63
RECEIPT = NOTE + 64 * 1024
POLICY = 64 * 1024

ROADMAP_FILE = 4 * 1024 * 1024
ROADMAP_LINES = 50_000
ROADMAP_ITEMS = 5_000
BALLOT_FILE = 256 * 1024 * 1024

OPTIONS = 1_000
QUESTIONS = 50
ELECTORATE_PAGE = 400
"""Voters in one electorate entry; 400 rows of the longest common form stay below ENTRY."""
DELEGATION_SCOPES = 1_000
"""Scopes in which one member may have delegated, revoked ones included."""
DELEGATES_LISTED = 4 * 1024 * 1024
"""Canonical bytes of delegates that a result lists, the heaviest first; a result must fit a BLOB."""
MANIFEST = 32 * 1024
"""Longest manifest of a joint ballot; it stands inside the envelope of every acceptance."""
SHARDS = 64
"""Communities in one joint ballot."""
JOINT_EXCLUDED = 4_000
"""Members of a part's frozen roll who vote elsewhere; their row numbers stand in the part's definition."""
EMBEDDED_OFFER, EMBEDDED_ANSWER = 12_000, 36_000
"""Longest entries inside statements about them, in base64: a `transfer-close` then fits an ENTRY."""
RECEIPT_TEXT = 6_000
"""Longest receipt inside a statement: a full proof under the line of the log's own key."""
LINKS = 200
"""Links of one roadmap item, withdrawn ones included."""

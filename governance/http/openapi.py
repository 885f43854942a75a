"""The OpenAPI document, generated from the handlers and completed with the bodies of signed statements.

`make schemas` writes `schemas/openapi.json`; a test compares.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from litestar import Litestar
from litestar.di import Provide
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from governance import __version__
from governance.service.core import Service

COMMITTED: Final = Path(__file__).parents[2] / "schemas" / "openapi.json"
_BODIES: Final = {
    "recordIdentity": ["instance"],
    "foundSpace": ["space"],
    "recordConstitution": ["constitution"],
    "recordMember": ["member"],
    "recordRoadmap": ["roadmap-item", "roadmap-edition"],
    "recordCommitment": ["commitment", "commitment-update"],
    "recordDelegation": ["delegation"],
    "recordJointAcceptance": ["joint-acceptance"],
    "recordOrder": ["ballot-order"],
    "postDraft": ["ballot"],
    "recordBallotStatement": ["nonce-commitment", "nonce-reveal", "dispute", "ruling"],
    "castVote": ["vote"],
    "recordPeer": ["peer"],
    "syncPeer": ["peer-sync"],
}
"""The statements that each operation takes, as DSSE envelopes."""
_ENVELOPE_REF: Final = {"$ref": "#/components/schemas/Envelope"}
_BINARY: Final = {"type": "string", "format": "binary"}
_FILES: Final[dict[str, dict[str, dict[str, str]]]] = {
    "getIdentity": {"application/json": _ENVELOPE_REF},
    "getEntry": {"application/json": _ENVELOPE_REF},
    "getOutcome": {"application/json": {"type": "object"}},
    "getJointResult": {"application/json": {"type": "object"}},
    "getBlob": {"application/octet-stream": _BINARY},
    "getLogFile": {
        "application/octet-stream": _BINARY,
        "application/json": {"type": "object"},
        "text/plain": {"type": "string"},
    },
    "getReceipt": {"text/plain": {"type": "string"}},
    "getMetrics": {"text/plain": {"type": "string"}},
    "streamSpace": {"text/event-stream": {"type": "string"}},
    "streamBallot": {"text/event-stream": {"type": "string"}},
    "streamMap": {"text/event-stream": {"type": "string"}},
}
"""What operations answer whose handlers give bytes."""
_RAW: Final[dict[str, dict[str, Any]]] = {
    "addCheckpoint": {
        "description": "`old <size>`, the proof, an empty line, the checkpoint (C2SP tlog-witness)",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    },
    "tellPeer": {
        "description": "A greeting, notes or evidence, signed by the sending instance (RFC 9421)",
        "content": {"application/json": {"schema": {"type": "object"}}},
    },
}
"""The bodies that are no statements."""
_DESCRIPTION: Final = """Signed votes, public logs, results anybody can recompute.

Everything that changes something is a signed statement in a DSSE envelope; there are no accounts and no
passwords here. What each statement holds stands in `schemas/` and `schemas/protocol.md`.
"""


def document(controllers: Sequence[Any]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these controllers."""
    app = Litestar(
        list(controllers),
        dependencies={"service": Provide(_no_service, sync_to_thread=False)},
        openapi_config=OpenAPIConfig(
            title="Althing",
            version=__version__,
            description=_DESCRIPTION,
            create_examples=False,
            render_plugins=[JsonRenderPlugin()],
        ),
        logging_config=None,
    )
    schema: dict[str, Any] = app.openapi_schema.to_schema()
    schema.setdefault("components", {}).setdefault("schemas", {})["Envelope"] = _ENVELOPE
    for path in schema["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict):
                _complete(operation)
    return schema


def _no_service() -> Service:
    raise RuntimeError("the documented application answers nothing")


def _complete(operation: dict[str, Any]) -> None:
    name = operation.get("operationId", "")
    if name in _FILES:
        media = {kind: {"schema": schema} for kind, schema in _FILES[name].items()}
        operation["responses"]["200"]["content"] = media
    if name in _RAW:
        operation["requestBody"] = {"required": True, **_RAW[name]}
    kinds = _BODIES.get(name)
    if kinds is None:
        return
    types = [f"application/vnd.althing.{kind}.v1+json" for kind in kinds]
    operation["requestBody"] = {
        "required": True,
        "description": "A DSSE envelope of " + " or ".join(types),
        "content": {
            "application/json": {
                "schema": {
                    "allOf": [
                        _ENVELOPE_REF,
                        {"properties": {"payloadType": {"enum": types}}},
                    ]
                }
            }
        },
    }


_ENVELOPE: Final = {
    "title": "DSSE envelope",
    "description": "Payload and signatures (DSSE v1); the identity is the SHA-256 of the PAE.",
    "type": "object",
    "required": ["payload", "payloadType", "signatures"],
    "properties": {
        "payload": {"type": "string", "contentEncoding": "base64"},
        "payloadType": {"type": "string", "maxLength": 255},
        "signatures": {
            "type": "array",
            "minItems": 1,
            "maxItems": 16,
            "items": {
                "type": "object",
                "required": ["sig"],
                "properties": {
                    "keyid": {"type": "string", "maxLength": 1024},
                    "sig": {"type": "string", "contentEncoding": "base64"},
                },
            },
        },
    },
}


def encoded(schema: dict[str, Any]) -> bytes:
    """The document's bytes, keys sorted."""
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"

"""Signed requests between instances: one profile of RFC 9421 with the digest of RFC 9530.

Covered are `@method`, `@target-uri` and, with a body, `content-type` and `content-digest`, in that order and
nothing else. Parameters are created, expires, nonce, keyid and tag. The algorithm comes from the key. The
target is rebuilt from the configured base URL: what a proxy says about host or scheme is not believed.
"""

from __future__ import annotations

import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from governance.canonical import sha256
from governance.errors import BadSignature, ClockSkew, MalformedSignature, Replayed
from governance.signing import suites
from governance.signing.keyfile import PrivateKey
from governance.statements.base import Key

TAG: Final = "althing-fed-v1"
LABEL: Final = "althing"
WINDOW: Final = 300
"""Seconds that a signature is good for, and that two clocks may differ."""
_COVERED: Final = ("@method", "@target-uri")
_WITH_BODY: Final = (*_COVERED, "content-type", "content-digest")
_input: Final = re.compile(
    rf'{LABEL}=(\((?P<covered>"[a-z@-]+"(?: "[a-z@-]+")*)\)'
    r";created=(?P<created>[0-9]{1,15});expires=(?P<expires>[0-9]{1,15})"
    r';nonce="(?P<nonce>[A-Za-z0-9_-]{22,64})";keyid="(?P<keyid>sha256:[0-9a-f]{64})"'
    rf';tag="{TAG}")',
    re.ASCII,
)
_signature: Final = re.compile(rf"{LABEL}=:([A-Za-z0-9+/]+={{0,2}}):", re.ASCII)

_absolute: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[^/?#:@\[\]]+)(?::(?P<port>[0-9]*))?(?P<path>(?:[/?].*)?)",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
_PORTS: Final = {"https": "443", "http": "80"}
_line: Final = re.compile(r"[\x20-\x7e]+")

Lookup = Callable[[str], Key]
"""keyid -> the key; raises NotAuthorised for whom nothing is known."""


class Nonces(Protocol):
    """Remembers nonces for as long as a request could be repeated."""

    def use(self, keyid: str, nonce: str, expires: int) -> bool:
        """Whether this nonce of that sender is new; it is remembered until it expires (Unix seconds)."""
        ...


@dataclass(frozen=True, slots=True)
class Component:
    """A covered component with its value."""

    name: str
    value: str


def signature_base(components: list[Component], parameters: str) -> bytes:
    """The signed bytes (RFC 9421 2.5): a line for each component, then the parameters, no final LF.

    Raises:
        MalformedSignature: a value that is not one line of ASCII, and could pass for another component.
    """
    lines = [f'"{c.name}": {c.value}' for c in components]
    lines.append(f'"@signature-params": {parameters}')
    if not all(_line.fullmatch(line) for line in lines):
        raise MalformedSignature("what a signature covers is printable ASCII")
    return "\n".join(lines).encode("ascii")


def target_uri(url: str) -> str:
    """The one spelling of a URL (RFC 9110 4.2.3): scheme and host in lower case, no default port, a path."""
    match = _absolute.fullmatch(url)
    if match is None:
        return url
    scheme, host, port = match["scheme"].lower(), match["host"].lower(), match["port"]
    shown = "" if port in {None, "", _PORTS[scheme]} else f":{port}"
    path = match["path"] if match["path"].startswith("/") else f"/{match['path']}"
    return f"{scheme}://{host}{shown}{path}"


def content_digest(body: bytes) -> str:
    """The header Content-Digest of a body (RFC 9530)."""
    return f"sha-256=:{b64encode(sha256(body)).decode()}:"


def sign_request(
    method: str,
    url: str,
    body: bytes | None,
    media_type: str | None,
    *,
    key: PrivateKey,
    keyid: str,
    now: int,
    nonce: bytes | None = None,
) -> dict[str, str]:
    """The headers that sign a request; now in Unix seconds, nonce at least 16 random bytes."""
    text = _base64url(secrets.token_bytes(16) if nonce is None else nonce)
    headers = {}
    names: tuple[str, ...] = _COVERED
    if body is not None:
        names = _WITH_BODY
        headers = {"content-type": media_type or "", "content-digest": content_digest(body)}
    covered = " ".join(f'"{name}"' for name in names)
    parameters = (
        f'({covered});created={now};expires={now + WINDOW};nonce="{text}";keyid="{keyid}";tag="{TAG}"'
    )
    base = signature_base(_components(names, method, url, headers), parameters)
    return {
        **headers,
        "signature-input": f"{LABEL}={parameters}",
        "signature": f"{LABEL}=:{b64encode(key.sign(base)).decode()}:",
    }


def claimed_keyid(headers: Mapping[str, str]) -> str | None:
    """Who a request says it is from; nothing of it is verified."""
    match = _input.fullmatch(headers.get("signature-input", ""))
    return None if match is None else match["keyid"]


def verify_request(
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    base_url: str,
    *,
    lookup: Lookup,
    now: int,
    nonces: Nonces,
) -> str:
    """The keyid that signed a request.

    Args:
        method: in upper case.
        target: path below the base URL, with its query.
        headers: names in lower case.
        body: the content as it was received.
        base_url: the configured public URL of this instance.
        lookup: gives the key of a keyid.
        now: Unix seconds.
        nonces: of requests before.

    Raises:
        MalformedSignature: headers missing, or not of this profile.
        ClockSkew: too old, or from the future; Replayed: the nonce was used before.
        NotAuthorised: by `lookup`; BadSignature: signature or digest are wrong.
    """
    match = _input.fullmatch(headers.get("signature-input", ""))
    value = _signature.fullmatch(headers.get("signature", ""))
    if match is None or value is None:
        raise MalformedSignature("this request needs a signature of the profile althing-fed-v1 (RFC 9421)")
    names = tuple(name.strip('"') for name in match["covered"].split(" "))
    if names not in {_COVERED, _WITH_BODY} or (body and names != _WITH_BODY):
        raise MalformedSignature("the signature does not cover what the profile asks for")
    if any(name not in headers for name in names if not name.startswith("@")):
        raise MalformedSignature("a covered header is missing")
    _check_times(int(match["created"]), int(match["expires"]), now)
    if names == _WITH_BODY and headers["content-digest"] != content_digest(body):
        raise BadSignature("the body is not the one that was signed")
    key = lookup(match["keyid"])
    raw = _from_base64(value[1])
    base = signature_base(_components(names, method, base_url + target, headers), match[1])
    if not suites.verify_text(key.suite, key.public, base, raw):
        raise BadSignature("the signature does not match this request and the sender's key")
    if not nonces.use(match["keyid"], match["nonce"], int(match["expires"])):
        raise Replayed("this request was received before; nothing was done again")
    return match["keyid"]


def _check_times(created: int, expires: int, now: int) -> None:
    if not created < expires <= created + WINDOW:
        raise MalformedSignature(f"a signature is good for {WINDOW} seconds at most")
    if not created - WINDOW <= now <= expires:
        raise ClockSkew(
            f"the request was signed {now - created} seconds before our time; check the clocks", now=now
        )


def _components(names: tuple[str, ...], method: str, url: str, headers: Mapping[str, str]) -> list[Component]:
    values = {**headers, "@method": method, "@target-uri": target_uri(url)}
    return [Component(name, values[name].strip(" \t")) for name in names]


def _from_base64(text: str) -> bytes:
    try:
        raw = b64decode(text, validate=True)
    except ValueError as e:
        raise MalformedSignature("the signature is not base64") from e
    if b64encode(raw).decode() != text:
        raise MalformedSignature("the signature is not in the one spelling that base64 has for it")
    return raw


def _base64url(data: bytes) -> str:
    return b64encode(data, b"-_").decode().rstrip("=")

"""Which hosts may be asked: the one spelling of a name or address, and what kind of network it is in."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, Literal

from governance.errors import EgressRefused

Address = IPv4Address | IPv6Address
Reach = Literal["public", "private", "any"]
"""`public`: the internet alone; `private`: and this machine and its networks; `any`: whatever there is."""

_PRIVATE: Final = tuple(
    map(
        ip_network,
        (
            "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "::1/128",
            "fc00::/7",
        ),
    )
)  # fmt: skip
"""Networks that only `private` reaches: RFC 1918, shared (RFC 6598), loopback, unique local (RFC 4193)."""
_NEVER_V4: Final = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
            "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ),
    )
)  # fmt: skip
"""IANA's special-purpose IPv4 blocks that are not private ones: link-local, documentation, multicast …"""
_GLOBAL_V6: Final = ip_network("2000::/3")
_NEVER_V6: Final = tuple(map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
"""Inside global unicast: IETF assignments with Teredo, documentation, 6to4."""
_NAT64: Final = ip_network("64:ff9b::/96")
_METADATA: Final = frozenset(
    map(ip_address, ("169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254"))
)
"""Where clouds tell their machines secrets: AWS and most others, Alibaba, Azure, AWS and Google over IPv6."""
_name: Final = re.compile(
    r"(?=.{1,253}$(?!\n))(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?",
    re.ASCII,
)


def permits(reach: Reach, address: Address) -> bool:
    """Whether an address lies within reach. An IPv4 address inside an IPv6 one is judged itself."""
    if reach == "any":
        return True
    inner = _inner(address)
    if inner in _METADATA or (isinstance(address, IPv6Address) and address.scope_id is not None):
        return False
    if any(inner in network for network in _PRIVATE):
        return reach == "private"
    if isinstance(inner, IPv4Address):
        return not any(inner in network for network in _NEVER_V4)
    return inner in _GLOBAL_V6 and not any(inner in network for network in _NEVER_V6)


def _inner(address: Address) -> Address:
    """The IPv4 address that a mapped or NAT64 one leads to; 6to4 and Teredo are refused as they are."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(address.packed[12:])
    return address.ipv4_mapped or address


def parse_host(text: str) -> Address | str:
    """The address, or the name in lower case, that the host of a URL is.

    Raises:
        EgressRefused: a spelling that programs read differently: decimal, octal or short IPv4 numbers, zones,
            escapes, a dot at the end.
    """
    host = text.lower()
    try:
        address = ip_address(host)
    except ValueError:
        if not _name.fullmatch(host):
            raise EgressRefused(
                f"{text[:100]!r} is no plain host name or IP address; write it in full, without tricks"
            ) from None
        return host
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise EgressRefused(f"{text[:100]!r} names a network interface; leave out what follows the %")
    return address

"""What lies within reach: every special network, every odd spelling."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import EgressRefused
from governance.fetch.addresses import parse_host, permits

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "2606:4700::1111",
]
PRIVATE = ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "127.0.0.1", "127.255.255.254", "::1"]
PRIVATE += ["100.64.0.1", "100.127.255.255", "fc00::1", "fdff::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1"]
PRIVATE += ["64:ff9b::7f00:1", "64:ff9b::a00:1"]
NEVER = ["0.0.0.0", "0.1.2.3", "169.254.1.1", "169.254.169.254", "192.0.0.192", "192.0.2.1", "192.88.99.1"]
NEVER += ["198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255"]
NEVER += ["240.0.0.1", "255.255.255.255", "100.100.100.200", "168.63.129.16"]
NEVER += [
    "::",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "3fff::1",
    "2001::1",
    "2001:0:7f00:1::",
    "100::1",
]
NEVER += ["2002:7f00:1::", "2002:808:808::", "64:ff9b:1::1", "fd00:ec2::254", "fd20:ce::254", "::7f00:1"]
NEVER += [
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "::ffff:0:127.0.0.1",
    "5f00::1",
    "4000::1",
    "fe80::1%eth0",
]


@pytest.mark.parametrize("address", [*PUBLIC, "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_the_internet_is_within_every_reach(address):
    assert [permits(reach, ip_address(address)) for reach in ("public", "private", "any")] == [True] * 3


@pytest.mark.parametrize("address", PRIVATE)
def test_private_networks_have_to_be_allowed(address):
    assert [permits(reach, ip_address(address)) for reach in ("public", "private", "any")] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("address", NEVER)
def test_only_a_person_may_name_anything_else(address):
    assert [permits(reach, ip_address(address)) for reach in ("public", "private", "any")] == [
        False,
        False,
        True,
    ]


@given(st.ip_addresses(v=4))
def test_what_python_calls_special_is_never_public(address):
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert not permits("public", address)


@given(st.ip_addresses(v=6))
def test_the_same_for_ipv6(address):
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_link_local:
        assert address in ip_network("64:ff9b::/96") or address.ipv4_mapped or not permits("public", address)


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:", "64:ff9b::"]))
def test_an_address_inside_another_is_judged_itself(inner, prefix):
    for reach in ("public", "private"):
        assert permits(reach, ip_address(f"{prefix}{inner}")) == permits(reach, inner)


@pytest.mark.parametrize(
    "text",
    [
        "2130706433", "0x7f000001", "0x7f.1", "127.1", "127.0.1", "0177.0.0.1", "127.0.0.01",
        "1.2.3.4.5", "256.1.1.1", "127.0.0.1.", "localhost.", "peer.example.", "a..b", ".a", "",
        "-a.example", "a-.example", "a_b_", "a_b", "a b", "127.0.0.1%00.example", "%31%32",
        "peer.example\n", "peer.example:80", "[::1]", "user@peer.example", "fe80::1%eth0",
        "fe80::1%25eth0", "::1%lo", "１２７.0.0.1", "faß.de", "ⓛocalhost", "a/b", "a\\b", "a#b", "a?b",
        "x" * 64 + ".example", ".".join(["abcdefg"] * 40), "example.123", "example.0x7f",
        "::ffff:127.0.0.1.", "1::2::3",
    ],
)  # fmt: skip
def test_odd_spellings_are_refused(text):
    with pytest.raises(EgressRefused):
        parse_host(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Peer.Example", "peer.example"),
        ("localhost", "localhost"),
        ("my_service.example", "my_service.example"),
        ("xn--fa-hia.de", "xn--fa-hia.de"),
        ("a", "a"),
        ("127.0.0.1", IPv4Address("127.0.0.1")),
        ("2606:4700::1111", IPv6Address("2606:4700::1111")),
    ],
)
def test_plain_spellings(text, host):
    assert parse_host(text) == host


@given(st.text(max_size=80) | st.from_regex(r"[0-9a-fx:.%\[\]]{1,30}", fullmatch=True))
def test_hosts_are_read_or_refused(text):
    try:
        host = parse_host(text)
    except EgressRefused:
        return
    assert str(host) == (text.lower() if isinstance(host, str) else str(ip_address(text.lower())))

"""Which addresses are public, in every spelling; no packet is sent."""

import ipaddress
import random
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.errors import UrlRefused
from gateway.url_policy import Address, is_public
from tests.unit.gateway.urls import NOT_PUBLIC, judged


@pytest.mark.parametrize("network", NOT_PUBLIC)
def test_no_address_of_a_special_network_is_public(network: str) -> None:
    block = ip_network(network)
    within = [block[0], block[-1], block[block.num_addresses // 2]]
    within += [block[random.Random(network).randrange(block.num_addresses)] for _ in range(50)]
    assert not any(map(is_public, within))


@pytest.mark.parametrize(
    "text",
    (  # noqa: SIM905 - a list of them fills a page
        "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 198.17.255.255 "
        "192.167.255.255 192.169.0.0 198.20.0.0 223.255.255.255 168.63.129.17 2001:200::1 2003::1 2a00::1 "
        "2001:4860:4860::8888 2400:3200::1 2620:fe::fe"
    ).split(),
)
def test_neighbours_of_special_networks_are_public(text: str) -> None:
    assert is_public(ip_address(text))


def spellings(address: IPv4Address) -> list[str]:
    """Every way of writing an address that some resolver or other reads."""
    a, b, c, d = address.packed
    number = int(address)
    high, low = divmod(number, 65536)
    return [
        str(address),
        f"{address}.",
        str(number),
        hex(number),
        f"0{number:o}",
        f"{a}.{number & 0xFFFFFF}",
        f"{a}.{b}.{number & 0xFFFF}",
        f"{a:#x}.{b:#x}.{c:#x}.{d:#x}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"{a:#x}.{b}.0{c:o}.{d}",
        "".join(chr(ord(digit) + 0xFEE0) for digit in str(address)),
        str(address).replace(".", "。"),
        str(address).replace(".", "%2e"),
        f"[::ffff:{address}]",
        f"[::{address}]",
        f"[64:ff9b::{address}]",
        f"[64:ff9b:1::{address}]",
        f"[2002:{high:x}:{low:x}::]",
        f"[2001:0:{high:x}:{low:x}::]",
    ]


@given(st.ip_addresses(v=4))
async def test_no_spelling_of_an_ipv4_address_that_is_not_global_is_allowed(address: IPv4Address) -> None:
    assume(not address.is_global or address.is_multicast)
    for spelling in spellings(address):
        with pytest.raises(UrlRefused):
            await judged(f"http://{spelling}/")


@given(st.sampled_from([network for network in NOT_PUBLIC if ":" not in network]), st.integers(0))
async def test_no_spelling_of_a_special_ipv4_address_is_allowed(network: str, index: int) -> None:
    block = ip_network(network)
    address = block[index % block.num_addresses]
    assert isinstance(address, IPv4Address)
    for spelling in spellings(address):
        with pytest.raises(UrlRefused):
            await judged(f"http://{spelling}/")


@given(st.ip_addresses(v=6) | st.integers(2**125, 2**126 - 1).map(IPv6Address))
async def test_only_global_ipv6_addresses_are_allowed(address: IPv6Address) -> None:
    for spelling in {str(address), address.exploded, str(address).upper()}:
        try:
            assert await judged(f"http://[{spelling}]/") == [address]
        except UrlRefused:
            assert not is_public(address)
        else:
            assert address.is_global
            assert not address.is_multicast
            assert (address.ipv4_mapped, address.sixtofour, address.teredo) == (None, None, None)


@given(st.ip_addresses())
def test_what_is_public_is_global_by_the_standard_library(address: Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_private
        assert not address.is_multicast
        assert not address.is_reserved


def test_the_standard_library_knows_the_addresses_that_we_name() -> None:
    """Those that are global to it and not to us are few, and each has its reason in our table."""
    ours_alone = {text for text in NOT_PUBLIC if ipaddress.ip_network(text)[0].is_global}
    assert ours_alone <= {"168.63.129.16/32", "192.88.99.0/24", "224.0.0.0/4", "ff00::/8"} | {
        text for text in NOT_PUBLIC if ":" in text
    }

"""Which URLs pictures may be fetched from: they are taken apart and judged here, and no packet is sent.

A URL is read once, into a Target, and its text is not looked at again: what is judged is what is connected
to. A name is resolved once, and every address that it has must be allowed, since a name with a public and a
private address is somebody's attempt to have the private one fetched. The connection is made to the
addresses that were judged.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Self
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import idna

from gateway.errors import UrlRefused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str], Awaitable[Sequence[Address]]]
"""Gives the addresses of a name."""

PORTS = {"http": 80, "https": 443}
"""The schemes that there are, and the port of each."""

MAX_URL_CHARACTERS = 8192
_MAX_HOST_CHARACTERS = 253
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_AUTHORITY = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:]+))(?::(?P<port>[0-9]{1,5}))?")
_NETWORK = re.compile(r"[0-9./]+")
_ALLOW_RULE = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:./]+)\]|(?P<name>[^\[\]:]+))(?::(?P<port>[0-9]{1,5}))?")
_SAFE_IN_PATH = "/%:@!$&'()*+,;=~?"

_GLOBAL_IPV6 = IPv6Network("2000::/3")
_NOT_PUBLIC: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this host, on this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared, behind a carrier's translation; Alibaba's metadata are at 100.100.100.200
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's platform, reachable from its machines alone
        "169.254.0.0/16",  # link-local; most clouds' metadata are at 169.254.169.254
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT relays
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        # Of IPv6 only 2000::/3 is public at all: loopback, unspecified, addresses with an IPv4 address in
        # them (mapped, compatible, translated, NAT64), private, link-local and multicast are outside of it.
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarking
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which has an IPv4 address in it
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


def is_public(address: Address) -> bool:
    """Whether everybody can reach `address`, by our own table and the standard library's."""
    if address.version == 6 and address not in _GLOBAL_IPV6:
        return False
    return address.is_global and not any(address in network for network in _NOT_PUBLIC)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart: all that is left of it."""

    scheme: str
    host: str
    """A name in lower-case ASCII without a final dot, or an address in its usual form."""
    port: int
    path: str
    """Path and query, ASCII."""

    @property
    def address(self) -> Address | None:
        """The address, where the host is one."""
        return _address(self.host)

    @property
    def authority(self) -> str:
        """Host and port, as the header `Host` has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read `url`. Raises UrlRefused for whatever two readers might take for two things."""
        parts = _split(url)
        if parts.scheme not in PORTS:
            raise UrlRefused("the URL is refused: only http and https URLs are fetched")
        if "@" in parts.netloc:
            raise UrlRefused("the URL is refused: it has a user name or a password in it")
        authority = _AUTHORITY.fullmatch(parts.netloc)
        if authority is None:
            raise UrlRefused("the URL is refused: it has no valid host and port")
        port = int(authority["port"] or PORTS[parts.scheme])
        if not 0 < port < 65536:
            raise UrlRefused("the URL is refused: it has no valid host and port")
        host = str(_ipv6(authority["ipv6"])) if authority["ipv6"] else canonical_host(authority["name"])
        return cls(parts.scheme, host, port, _path(parts))

    def redirected(self, location: str) -> "Target":
        """Return where `location`, which may be relative, leads from here.

        Raises UrlRefused, also where it leads from https to http.
        """
        _check_characters(location)
        try:
            target = Target.parse(urljoin(f"{self.scheme}://{self.authority}{self.path}", location))
        except ValueError:
            raise UrlRefused(_NOT_A_URL) from None
        if (self.scheme, target.scheme) == ("https", "http"):
            raise UrlRefused("the URL is refused: it redirects from https to http")
        return target


_NOT_A_URL = "the URL is refused: it is not a valid URL; write other characters than ASCII percent-encoded"


def _check_characters(url: str) -> None:
    if len(url) > MAX_URL_CHARACTERS:
        raise UrlRefused(f"the URL is refused: it has more than {MAX_URL_CHARACTERS} characters")
    if not url.isprintable() or " " in url or "\\" in url:
        raise UrlRefused("the URL is refused: it has spaces, backslashes or invisible characters in it")


def _split(url: str) -> SplitResult:
    _check_characters(url)
    try:
        return urlsplit(url)
    except ValueError:
        raise UrlRefused(_NOT_A_URL) from None


def _path(parts: SplitResult) -> str:
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return quote(path if path.startswith("/") else f"/{path}", safe=_SAFE_IN_PATH)


def _ipv6(text: str) -> IPv6Address:
    try:
        return IPv6Address(text)
    except ValueError:
        raise UrlRefused("the URL is refused: its host is not a valid address") from None


def _address(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def canonical_host(name: str) -> str:
    """Return `name` in lower-case ASCII without a final dot; an IPv4 address only in its usual form.

    Raises UrlRefused for other forms of addresses (`127.1`, `0x7f.1`, `2130706433`), which resolvers take,
    and for what is no name.
    """
    host = _ascii(name).lower().removesuffix(".")
    labels = host.split(".")
    if len(host) > _MAX_HOST_CHARACTERS or not all(map(_LABEL.fullmatch, labels)):
        raise UrlRefused("the URL is refused: its host is not a valid name or address")
    if _NUMBER.fullmatch(labels[-1]) and _address(host) is None:
        raise UrlRefused("the URL is refused: its host is not a valid name, nor four decimal numbers")
    return host


def _ascii(name: str) -> str:
    if name.isascii() or len(name) > _MAX_HOST_CHARACTERS:
        return name
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except UnicodeError:  # of which idna's own is one
        raise UrlRefused("the URL is refused: its host is not a valid name or address") from None


@dataclass(frozen=True, slots=True)
class AllowRule:
    """An entry of `MODELHUB_URL_ALLOW`: a name, or addresses, on one port or on the usual ones."""

    host: str | None
    network: Network | None
    port: int | None

    @classmethod
    def parse(cls, entry: str) -> Self:
        """Read `HOST`, `ADDRESS` or `NETWORK`, with `:PORT` or without. Raises ValueError."""
        authority = _ALLOW_RULE.fullmatch(entry)
        what = (authority["ipv6"] or authority["name"]) if authority else entry
        port = int(authority["port"]) if authority and authority["port"] else None
        if port is not None and not 0 < port < 65536:
            raise ValueError(f"{entry}: no such port")
        try:
            if authority is None or authority["ipv6"] or _NETWORK.fullmatch(what):
                return cls(None, ip_network(what), port)
            return cls(canonical_host(what), None, port)
        except (ValueError, UrlRefused):
            raise ValueError(f"{entry}: neither a name, nor an address, nor a network") from None

    def covers(self, host: str, address: Address) -> bool:
        """Whether this opens `address`, being one of `host`."""
        return host == self.host if self.network is None else address in self.network


def allow_rules(text: str) -> tuple[AllowRule, ...]:
    """Read rules with commas between. Raises ValueError."""
    return tuple(AllowRule.parse(entry.strip()) for entry in text.split(",") if entry.strip())


def ports(text: str) -> frozenset[int]:
    """Read port numbers with commas between. Raises ValueError."""
    numbers = frozenset(int(entry) for entry in text.split(","))
    if not all(0 < number < 65536 for number in numbers):
        raise ValueError("ports are between 1 and 65535")
    return numbers


class UrlPolicy:
    """Public addresses on the usual ports are allowed, and what was opened; nothing else."""

    def __init__(self, allow: str, usual_ports: str) -> None:
        self._allow_rules = allow_rules(allow)
        self._ports = ports(usual_ports)

    async def addresses(self, target: Target, resolve: Resolver) -> Sequence[Address]:
        """Return the addresses of `target`, all of them allowed; a name is resolved once.

        Raises UrlRefused, and what `resolve` raises.
        """
        self._check_port(target)
        literal = target.address
        found = [literal] if literal else await resolve(target.host)
        for address in found:
            self._check_address(target, address)
        return found

    def _check_port(self, target: Target) -> None:
        """Refuse a port that no address could be allowed on, before anything is resolved."""
        if target.port not in self._ports | {rule.port for rule in self._allow_rules}:
            raise self._port_refused()

    def _check_address(self, target: Target, address: Address) -> None:
        rule_ports = {rule.port for rule in self._allow_rules if rule.covers(target.host, address)}
        if target.port in rule_ports:
            return
        if not is_public(address) and None not in rule_ports:
            raise UrlRefused("the URL is refused: its host is not at a public address")
        if target.port not in self._ports:
            raise self._port_refused()

    def _port_refused(self) -> UrlRefused:
        usual = ", ".join(map(str, sorted(self._ports)))
        return UrlRefused(f"the URL is refused: only these ports are fetched from: {usual}")

"""Hostile URLs and addresses, judged by the policy itself; no packet is sent."""

import ipaddress
import random
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.errors import UrlRefused
from gateway.url_policy import Address, Opening, Target, UrlPolicy, is_public, openings, ports

PUBLIC = "93.184.215.14"

NAMES: dict[str, tuple[str, ...]] = {
    "public.test": (PUBLIC,),
    "public6.test": ("2606:2800:21f:cb07:6820:80da:af6b:8b2c",),
    "both.test": (PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"),
    "xn--fsqu00a.test": (PUBLIC,),
    "minio_1.test": (PUBLIC,),
    "localhost": ("127.0.0.1", "::1"),
    "intranet": ("10.0.0.5",),
    "x.intranet": ("10.0.0.5",),
    "loopback.test": ("127.0.0.1",),
    "loopback6.test": ("::1",),
    "private.test": ("192.168.1.1",),
    "unspecified.test": ("0.0.0.0",),
    "metadata.google.internal": ("169.254.169.254",),
    "metadata.test": ("fd00:ec2::254",),
    "mixed.test": (PUBLIC, "10.0.0.1"),
    "mixed-first.test": ("127.0.0.1", PUBLIC),
    "mixed6.test": (PUBLIC, "::1"),
    "mapped.test": ("::ffff:169.254.169.254",),
    "nat64.test": ("64:ff9b::a9fe:a9fe",),
    "scoped.test": ("fe80::1%2",),
    "carrier.test": ("100.64.0.1",),
    "multicast.test": ("224.0.0.251",),
    "127.0.0.1.nip.test": ("127.0.0.1",),
}

HOSTILE_URLS = (
    # Schemes
    "file:///etc/passwd",
    "file://public.test/etc/passwd",
    "ftp://public.test/a.png",
    "gopher://public.test:70/_GET",
    "dict://public.test:2628/d:word",
    "ldap://public.test/",
    "tftp://public.test/a",
    "sftp://public.test/a",
    "jar:http://public.test/a.jar!/a.png",
    "netdoc:///etc/passwd",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "data:image/png;base64,iVBORw0KGgo=",
    "javascript:alert(1)",
    "view-source:http://public.test/",
    "ws://public.test/",
    "//public.test/a.png",
    "public.test/a.png",
    "/etc/passwd",
    "",
    "http",
    "http:",
    "http:/public.test/a.png",
    "http:public.test/a.png",
    "http:///public.test/a.png",
    "http://",
    "http://?a",
    "http://#a",
    "url:http://public.test/",
    # Loopback, in every notation
    "http://127.0.0.1/",
    "http://127.0.0.1./",
    "http://127.255.255.254/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0X7F000001/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0177.0.0.01/",
    "http://00000177.0.0.1/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.1./",
    "http://127.0.0.0x1/",
    "http://127.0.0.256/",
    "http://4294967296/",
    "http://127.0.0.1.5/",
    "http://0/",
    "http://0.0.0.0/",
    "http://0x/",
    "http://00/",
    "http://１２７.０.０.１/",
    "http://127。0。0。1/",
    "http://①②⑦.0.0.①/",
    "http://①②⑦。⓪。⓪。①/",
    "http://0ⓧ7f.1/",
    "http://127%2e0%2e0%2e1/",
    "http://%31%32%37.0.0.1/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::1]:80/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::FFFF:127.0.0.1]/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b::10.0.0.1]/",
    "http://[64:ff9b:1::10.0.0.1]/",
    "http://[64:ff9b:1:a00:0:100::]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    "http://[::1%25lo]/",
    "http://[::1%lo]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[fd12:3456::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[2001:2::1]/",
    "http://[100::1]/",
    "http://[5f00::1]/",
    "http://[4000::1]/",
    "http://[v1.127.0.0.1]/",
    "http://[127.0.0.1]/",
    "http://[::1/",
    "http://::1/",
    "http://[]/",
    "http://[::1]x/",
    "http://x[::1]/",
    # Metadata and platforms of clouds
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://[::ffff:169.254.169.254]/",
    "http://[fd00:ec2::254]/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://169.254.170.2/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://metadata.google.internal./",
    "http://METADATA.google.internal/",
    "http://metadata.test/",
    # Other addresses that are not public
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://100.127.255.255/",
    "http://192.0.2.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://198.18.0.1/",
    "http://198.19.255.255/",
    "http://192.88.99.1/",
    "http://224.0.0.1/",
    "http://239.255.255.250/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://0.1.2.3/",
    # Names
    "http://localhost/",
    "http://localhost./",
    "http://LOCALHOST/",
    "http://ｌｏｃａｌｈｏｓｔ/",
    "http://loc\u00adalhost/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "http://intranet/",
    "http://loopback.test/",
    "http://loopback6.test/",
    "http://private.test/",
    "http://unspecified.test/",
    "http://mixed.test/",
    "http://mixed-first.test/",
    "http://mixed6.test/",
    "http://mapped.test/",
    "http://nat64.test/",
    "http://scoped.test/",
    "http://carrier.test/",
    "http://multicast.test/",
    "http://127.0.0.1.nip.test/",
    "http://public.test../",
    "http://.public.test/",
    "http://./",
    "http://public..test/",
    "http://-public.test/",
    "http://public-.test/",
    "http://pub*lic.test/",
    "http://public.test;x/",
    "http://public,test/",
    "http://" + "a" * 64 + ".test/",
    "http://" + "a." * 130 + "test/",
    "http://\U0001f1e6\u200d.test/",
    # Credentials, and hosts that look like others
    "http://user@public.test/",
    "http://user:password@public.test/",
    "http://@public.test/",
    "http://:@public.test/",
    "http://public.test@127.0.0.1/",
    "http://127.0.0.1@public.test/",
    "http://public.test:80@127.0.0.1/",
    "http://public.test%40127.0.0.1/",
    "http://public.test%2f@127.0.0.1/",
    "http://127.0.0.1%2f.public.test/",
    "http://127.0.0.1%00.public.test/",
    "http://public.test\\@127.0.0.1/",
    "http:\\\\127.0.0.1\\",
    "http://127.0.0.1\\.public.test/",
    "http://public.test\\/",
    "http:/\\127.0.0.1/",
    "http://public.test／@127.0.0.1/",
    "http://public.test＠127.0.0.1/",
    "http://public.test：22/",
    # Blanks and what cannot be seen
    " http://public.test/",
    "http://public.test/ ",
    "http://public.test/a b.png",
    "\thttp://public.test/",
    "ht\ntp://public.test/",
    "http://pub\tlic.test/",
    "http://127.0.0.1\t.public.test/",
    "http://public.test/\r\nX-Injected: 1",
    "http://public.test/a\x00.png",
    "http://public.test/\x7f",
    "http://public.test/\u2028",
    "http://public.test/\u00a0",
    "http://public.test/\u200b",
    "http://public.test/\ud800",
    "\ufeffhttp://public.test/",
    "http://public.test/" + "a" * 8192,
    # Ports
    "http://public.test:0/",
    "http://public.test:22/",
    "http://public.test:25/",
    "http://public.test:6379/",
    "http://public.test:8001/",
    "http://public.test:8080/",
    "http://public.test:65536/",
    "http://public.test:99999/",
    "http://public.test:65616/",
    "http://public.test:-80/",
    "http://public.test:+80/",
    "http://public.test:8e1/",
    "http://public.test:0x50/",
    "http://public.test:８０/",
    "http://public.test:80:80/",
    "http://public.test:/",
    "http://public.test:80 /",
    "http://127.0.0.1:80/",
    "http://127.0.0.1:11211/",
    "https://[::1]:443/",
)

ALLOWED_URLS = {
    "http://public.test": ("public.test", 80, "/", "public.test"),
    "https://public.test/a.png": ("public.test", 443, "/a.png", "public.test"),
    "HTTPS://PUBLIC.test./a.png": ("public.test", 443, "/a.png", "public.test"),
    "http://public.test:80/a": ("public.test", 80, "/a", "public.test"),
    "http://public.test:443/a": ("public.test", 443, "/a", "public.test:443"),
    "https://public.test:80/a": ("public.test", 80, "/a", "public.test:80"),
    "http://public.test?a=b": ("public.test", 80, "/?a=b", "public.test"),
    "http://public.test/a?b=c&d=%2F#e": ("public.test", 80, "/a?b=c&d=%2F", "public.test"),
    "http://public.test/a@b:c;d,e~f": ("public.test", 80, "/a@b:c;d,e~f", "public.test"),
    "http://public.test/图.png?名=值": (
        "public.test",
        80,
        "/%E5%9B%BE.png?%E5%90%8D=%E5%80%BC",
        "public.test",
    ),
    'http://public.test/"<>|^`{}': ("public.test", 80, "/%22%3C%3E%7C%5E%60%7B%7D", "public.test"),
    "http://public.test//127.0.0.1/": ("public.test", 80, "//127.0.0.1/", "public.test"),
    "http://public.test/http://127.0.0.1/": ("public.test", 80, "/http://127.0.0.1/", "public.test"),
    "http://例子.test/": ("xn--fsqu00a.test", 80, "/", "xn--fsqu00a.test"),
    "http://xn--fsqu00a.test/": ("xn--fsqu00a.test", 80, "/", "xn--fsqu00a.test"),
    "http://ＰＵＢＬＩＣ。test/": ("public.test", 80, "/", "public.test"),
    "http://minio_1.test/": ("minio_1.test", 80, "/", "minio_1.test"),
    "http://public6.test/": ("public6.test", 80, "/", "public6.test"),
    "http://both.test/": ("both.test", 80, "/", "both.test"),
    f"http://{PUBLIC}/": (PUBLIC, 80, "/", PUBLIC),
    f"http://{PUBLIC}./": (PUBLIC, 80, "/", PUBLIC),
    "https://8.8.8.8/": ("8.8.8.8", 443, "/", "8.8.8.8"),
    "https://[2606:4700:4700::1111]/": ("2606:4700:4700::1111", 443, "/", "[2606:4700:4700::1111]"),
    "https://[2606:4700:4700:0::1111]:80/": ("2606:4700:4700::1111", 80, "/", "[2606:4700:4700::1111]:80"),
}

NOT_PUBLIC = tuple(
    """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
    192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4
    240.0.0.0/4 ::/128 ::1/128 ::/96 ::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64
    2001::/32 2001:2::/48 2001:10::/28 2001:20::/28 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fc00::/7
    fd00:ec2::254/128 fe80::/10 fec0::/10 ff00::/8
    """.split()  # noqa: SIM905 - a list of them fills a page
)
"""From the registries of special addresses, and of the clouds."""


class FakeResolver:
    """Knows NAMES, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, name: str) -> Sequence[Address]:
        self.asked.append(name)
        return [ip_address(text) for text in NAMES[name]]


async def judged(url: str, allow: str = "", usual_ports: str = "80,443") -> Sequence[Address]:
    return await UrlPolicy(allow, usual_ports).addresses(Target.parse(url), FakeResolver())


def test_there_are_enough_hostile_cases() -> None:
    assert len(set(HOSTILE_URLS)) == len(HOSTILE_URLS)
    assert len(HOSTILE_URLS) + len(NOT_PUBLIC) >= 200


@pytest.mark.parametrize("url", HOSTILE_URLS, ids=ascii)
async def test_hostile_urls_are_refused(url: str) -> None:
    with pytest.raises(UrlRefused) as caught:
        await judged(url)
    assert caught.value.code == 40005
    assert caught.value.message.startswith("the URL is refused: ")


@pytest.mark.parametrize("url", ALLOWED_URLS)
async def test_public_urls_are_allowed_and_taken_apart(url: str) -> None:
    target = Target.parse(url)
    resolver = FakeResolver()
    found = await UrlPolicy("", "80,443").addresses(target, resolver)
    assert (target.host, target.port, target.path, target.authority) == ALLOWED_URLS[url]
    assert found == [ip_address(text) for text in NAMES.get(target.host, (target.host,))]
    assert resolver.asked == ([target.host] if target.host in NAMES else [])


@pytest.mark.parametrize(
    "url",
    ["http://10.0.0.1/", "http://mixed.test/", "http://metadata.google.internal/", "http://nat64.test/"],
)
async def test_a_refusal_does_not_say_what_a_name_resolves_to(url: str) -> None:
    with pytest.raises(UrlRefused) as caught:
        await judged(url)
    assert caught.value.message == "the URL is refused: its host is not at a public address"


@pytest.mark.parametrize("url", [url for url in HOSTILE_URLS if url.startswith("http://") and "@" in url])
def test_whoever_writes_credentials_is_told_of_them(url: str) -> None:
    with pytest.raises(UrlRefused, match=r"user name or a password|not a valid URL|backslashes"):
        Target.parse(url)


async def test_a_port_that_is_never_allowed_is_refused_before_anything_is_resolved() -> None:
    resolver = FakeResolver()
    with pytest.raises(UrlRefused, match="ports are fetched from: 80, 443"):
        await UrlPolicy("", "80,443").addresses(Target.parse("http://public.test:22/"), resolver)
    assert resolver.asked == []


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
@settings(max_examples=500, deadline=None)
async def test_no_spelling_of_an_ipv4_address_that_is_not_global_is_allowed(address: IPv4Address) -> None:
    assume(not address.is_global or address.is_multicast)
    for spelling in spellings(address):
        with pytest.raises(UrlRefused):
            await judged(f"http://{spelling}/")


@given(st.sampled_from([network for network in NOT_PUBLIC if ":" not in network]), st.integers(0))
@settings(max_examples=500, deadline=None)
async def test_no_spelling_of_a_special_ipv4_address_is_allowed(network: str, index: int) -> None:
    block = ip_network(network)
    address = block[index % block.num_addresses]
    assert isinstance(address, IPv4Address)
    for spelling in spellings(address):
        with pytest.raises(UrlRefused):
            await judged(f"http://{spelling}/")


@given(st.ip_addresses(v=6) | st.integers(2**125, 2**126 - 1).map(IPv6Address))
@settings(max_examples=1000, deadline=None)
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
@settings(max_examples=1000, deadline=None)
def test_what_is_public_is_global_by_the_standard_library(address: Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_private
        assert not address.is_multicast
        assert not address.is_reserved


@given(
    st.text(max_size=60)
    | st.text(alphabet="htps:/\\@[]%.0123456789xX #?\t\n", max_size=40).map("http:".__add__)
)
@settings(max_examples=1000, deadline=None)
def test_any_text_is_a_target_or_refused(text: str) -> None:
    try:
        target = Target.parse(text)
    except UrlRefused:
        return
    assert target.scheme in ("http", "https")
    assert target.path.isascii()
    assert " " not in target.path
    assert Target.parse(f"{target.scheme}://{target.authority}{target.path}") == target


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b.png", "https://public.test:80/b.png"),
        ("b.png?c=d", "https://public.test:80/a/b.png?c=d"),
        ("../b.png", "https://public.test:80/b.png"),
        ("?b", "https://public.test:80/a/x?b"),
        ("", "https://public.test:80/a/x"),
        ("//other.test/b", "https://other.test/b"),
        ("https://other.test/图", "https://other.test/%E5%9B%BE"),
        ("https://127.0.0.1/", "https://127.0.0.1/"),
    ],
)
def test_where_a_redirect_leads(location: str, url: str) -> None:
    target = Target.parse("https://public.test:80/a/x").redirected(location)
    assert target == Target.parse(url)


@pytest.mark.parametrize(
    "location",
    [
        "http://public.test/",
        "file:///etc/passwd",
        "ftp://public.test/",
        "gopher:x",
        "//user@public.test/",
        "//public.test:x/",
        "//127.1/",
        "//[::1",
        "//[v1.x]/",
        "/\\x",
        " /a",
        "/a\tb",
        "/" + "a" * 9000,
    ],
)
def test_where_no_redirect_may_lead(location: str) -> None:
    with pytest.raises(UrlRefused):
        Target.parse("https://public.test/a/x").redirected(location)


def test_a_redirect_may_lead_from_http_to_https() -> None:
    assert Target.parse("http://public.test/").redirected("https://public.test/").port == 443


@pytest.mark.parametrize(
    ("allow", "url", "allowed"),
    [
        ("intranet", "http://intranet/", True),
        ("INTRANET.", "http://intranet/", True),
        ("intranet", "http://intranet:9000/", False),
        ("intranet:9000", "http://intranet:9000/", True),
        ("intranet:9000", "http://intranet/", False),
        ("intranet", "http://10.0.0.5/", False),
        ("intranet", "http://private.test/", False),
        ("intranet", "http://x.intranet/", False),
        ("10.0.0.0/8", "http://intranet/", True),
        ("10.0.0.0/8", "http://10.1.2.3/", True),
        ("10.0.0.0/8", "http://10.1.2.3:9000/", False),
        ("10.0.0.0/8:9000", "http://10.1.2.3:9000/", True),
        ("10.0.0.0/8:9000", "http://10.1.2.3/", False),
        ("10.0.0.0/8:9000", "http://public.test:9000/", False),
        ("10.0.0.0/8:9000", "http://192.168.1.1:9000/", False),
        ("10.0.0.0/8", "http://mixed.test/", True),
        ("10.0.0.0/8", "http://[::ffff:10.0.0.1]/", False),
        ("10.0.0.0/8", "http://[64:ff9b::10.0.0.1]/", False),
        ("10.0.0.0/8", "http://167772161/", False),
        ("127.0.0.1:8765", "http://127.0.0.1:8765/", True),
        ("127.0.0.1:8765", "http://127.0.0.2:8765/", False),
        ("127.0.0.1:8765", "http://127.1:8765/", False),
        ("127.0.0.1:8765", "http://loopback.test:8765/", True),
        ("127.0.0.1", "http://localhost/", False),
        ("127.0.0.1, ::1", "http://localhost/", True),
        ("127.0.0.1:81,[::1]:81", "http://localhost:81/", True),
        ("localhost", "http://localhost/", True),
        ("[fd00::/8]:9000", "http://[fd00::1]:9000/", True),
        ("fd00::/8", "http://[fd00::1]/", True),
        ("fd00::/8", "http://[fd00::1]:9000/", False),
        ("public.test:8080", "http://public.test:8080/", True),
        ("public.test:8080", "http://public.test/", True),
        ("public.test:8080", "http://both.test:8080/", False),
        ("intranet", "file://intranet/etc/passwd", False),
        ("intranet", "http://user@intranet/", False),
        (" , ", "http://intranet/", False),
    ],
)
async def test_what_is_opened_is_allowed_and_nothing_else(allow: str, url: str, *, allowed: bool) -> None:
    if allowed:
        assert await judged(url, allow)
    else:
        with pytest.raises(UrlRefused):
            await judged(url, allow)


async def test_the_usual_ports_can_be_others() -> None:
    assert await judged("http://public.test:8080/", usual_ports="8080")
    assert await judged("http://intranet:8080/", "intranet", usual_ports="8080, 80")
    with pytest.raises(UrlRefused, match="from: 8080"):
        await judged("http://public.test/", usual_ports="8080")


@pytest.mark.parametrize(
    ("text", "opening"),
    [
        ("a.test", Opening("a.test", None, None)),
        ("例子.test:81", Opening("xn--fsqu00a.test", None, 81)),
        ("10.0.0.1", Opening(None, ip_network("10.0.0.1/32"), None)),
        ("10.0.0.0/8:81", Opening(None, ip_network("10.0.0.0/8"), 81)),
        ("::1", Opening(None, ip_network("::1/128"), None)),
        ("[::1]:81", Opening(None, ip_network("::1/128"), 81)),
    ],
)
def test_openings(text: str, opening: Opening) -> None:
    assert openings(text) == (opening,)
    assert openings(f" {text} ,, b ") == (opening, Opening("b", None, None))


@pytest.mark.parametrize(
    "text",
    [
        *("*", "*.test", "a b", "a/8", "a:0", "a:65536", "a:b", ":80", "[a]:80", "user@a", "http://a.test"),
        *("10.0.0.1/8", "10.0.0/8", "127.1", "0x7f.1", "300.1.1.1", "[::1", "[fd00::]/8", "fd00::1/8"),
    ],
)
def test_what_opens_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        openings(text)


@pytest.mark.parametrize("text", ["", "0", "65536", "-1", "http", "80,", "80 443"])
def test_what_are_no_ports_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ports(text)


def test_the_standard_library_knows_the_addresses_that_we_name() -> None:
    """Those that are global to it and not to us are few, and each has its reason in our table."""
    ours_alone = {text for text in NOT_PUBLIC if ipaddress.ip_network(text)[0].is_global}
    assert ours_alone <= {"168.63.129.16/32", "192.88.99.0/24", "224.0.0.0/4", "ff00::/8"} | {
        text for text in NOT_PUBLIC if ":" in text
    }

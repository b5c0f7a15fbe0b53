"""What the settings open beside public addresses, and nothing else."""

from ipaddress import ip_network

import pytest

from gateway.errors import UrlRefused
from gateway.url_policy import AllowRule, allow_rules, ports
from tests.unit.gateway.urls import judged


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
    ("text", "rule"),
    [
        ("a.test", AllowRule("a.test", None, None)),
        ("例子.test:81", AllowRule("xn--fsqu00a.test", None, 81)),
        ("10.0.0.1", AllowRule(None, ip_network("10.0.0.1/32"), None)),
        ("10.0.0.0/8:81", AllowRule(None, ip_network("10.0.0.0/8"), 81)),
        ("::1", AllowRule(None, ip_network("::1/128"), None)),
        ("[::1]:81", AllowRule(None, ip_network("::1/128"), 81)),
    ],
)
def test_openings(text: str, rule: AllowRule) -> None:
    assert allow_rules(text) == (rule,)
    assert allow_rules(f" {text} ,, b ") == (rule, AllowRule("b", None, None))


@pytest.mark.parametrize(
    "text",
    [
        *("*", "*.test", "a b", "a/8", "a:0", "a:65536", "a:b", ":80", "[a]:80", "user@a", "http://a.test"),
        *("10.0.0.1/8", "10.0.0/8", "127.1", "0x7f.1", "300.1.1.1", "[::1", "[fd00::]/8", "fd00::1/8"),
    ],
)
def test_what_opens_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        allow_rules(text)


@pytest.mark.parametrize("text", ["", "0", "65536", "-1", "http", "80,", "80 443"])
def test_what_are_no_ports_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ports(text)

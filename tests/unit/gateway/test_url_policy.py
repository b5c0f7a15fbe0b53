"""URLs judged by the policy itself; no packet is sent."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UrlRefused
from gateway.url_policy import Target, UrlPolicy
from tests.unit.gateway.urls import ALLOWED_URLS, HOSTILE_URLS, NAMES, NOT_PUBLIC, FakeResolver, judged


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


@given(
    st.text(max_size=60)
    | st.text(alphabet="htps:/\\@[]%.0123456789xX #?\t\n", max_size=40).map("http:".__add__)
)
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

"""The fetch over TLS: certificates are checked for the name of the URL."""

import os
import ssl

import pytest
import trustme

from gateway import fetch
from gateway.errors import UrlRefused
from tests.unit.gateway.fetching import UNREACHED, fetcher, message, url
from tests.unit.gateway.web import PICTURE, FakeNames, ok, redirect, sends, serving


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that is trusted."""
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    monkeypatch.setattr(fetch, "_certificates", lambda: context)
    return authority


def presenting(authority: trustme.CA, *identities: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*identities).configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("certified", "asked"),
    [
        ("www.secure.test", "www.secure.test"),
        ("*.secure.test", "www.secure.test"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
async def test_the_certificate_is_checked_for_the_name_of_the_url(
    authority: trustme.CA, certified: str, asked: str
) -> None:
    context = presenting(authority, certified)
    asked_for: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    async with serving(sends(ok()), context=context) as web:
        names = FakeNames(www_secure_test=[["127.0.0.1"]])
        assert await fetcher(web, names).picture(url(web, host=asked, scheme="https"), 30) == PICTURE
    assert asked_for == [asked if asked == "www.secure.test" else None]


@pytest.mark.parametrize("identity", ["other.test", "127.0.0.1", "secure.test.evil.test"])
async def test_a_certificate_for_another_name_is_refused(authority: trustme.CA, identity: str) -> None:
    async with serving(sends(ok()), context=presenting(authority, identity)) as web:
        names = FakeNames(secure_test=[["127.0.0.1"]])
        assert await message(fetcher(web, names), url(web, host="secure.test", scheme="https")) == UNREACHED
        assert web.heads == []


async def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    async with serving(sends(ok()), context=presenting(trustme.CA(), "127.0.0.1")) as web:
        assert await message(fetcher(web), url(web, scheme="https")) == UNREACHED
        assert web.heads == []


async def test_a_server_without_tls_is_refused() -> None:
    async with serving(sends(ok())) as web:
        assert await message(fetcher(web, timeout_s=1), url(web, scheme="https")) == UNREACHED
        assert web.heads == []


async def test_no_redirect_leads_from_https_to_http(authority: trustme.CA) -> None:
    async with serving(sends(ok())) as plain:
        script = sends(redirect(url(plain)))
        async with serving(script, context=presenting(authority, "127.0.0.1")) as web:
            with pytest.raises(UrlRefused, match="from https to http"):
                await fetcher(web, allow=f"127.0.0.1:{plain.port}").picture(url(web, scheme="https"), 30)
        assert plain.connections == 0


def test_the_systems_certificates_are_trusted_or_else_those_that_come_with_us(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    monkeypatch.setenv("SSL_CERT_DIR", os.devnull)
    context = fetch._certificates.__wrapped__()
    assert context.cert_store_stats()["x509_ca"] > 50
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname

"""The page's routes: what is served, to whom, under which headers. `tests/browser` looks at the page."""

import http.client
import re
from collections.abc import AsyncIterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import httpx
import orjson
import pytest

from gateway import samples
from gateway.errors import GatewayError
from gateway.page.routes import HEADERS, MEDIA_TYPES, STATIC, routes
from gateway.services import SERVICES
from gateway.settings import Settings
from gateway.timing import STAGES
from modelhub_pictures.errors import PictureError
from modelhub_pictures.voc import VOC_CLASSES
from tests.unit.gateway.checks import assert_failure
from tests.unit.gateway.conftest import ServeApp, client_of
from tests.unit.gateway.fakes import FakeTriton
from tests.unit.test_documents import subclasses

FILES = sorted(path.name for path in STATIC.iterdir())
PATHS = ["/", *(f"/page/{name}" for name in FILES if name != "index.html"), "/page/facts.json", "/samples/"]
LANGUAGES = ("en", "zh")
DYNAMIC = ("stage.", "advice.")
"""How keys of texts begin that are put together where they are used."""


def scripts() -> str:
    return "".join(path.read_text() for path in STATIC.glob("*.js"))


def texts(language: str) -> dict[str, str]:
    table: dict[str, str] = orjson.loads((STATIC / f"texts.{language}.json").read_bytes())
    return table


@pytest.mark.parametrize("path", PATHS)
async def test_every_file_is_served_safely(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.status_code == 200
    assert response.content
    assert response.headers["content-type"] in MEDIA_TYPES.values()
    for name, value in HEADERS.items():
        assert response.headers[name] == value
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "*" not in policy


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '"other",W/{} ,"x"'])
async def test_who_has_a_file_is_not_sent_it_again(client: httpx.AsyncClient, form: str) -> None:
    first = await client.get("/")
    etag = first.headers["etag"]
    again = await client.get("/", headers={"If-None-Match": form.format(etag)})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]


@pytest.mark.parametrize("tag", ['"other"', "", "*extra*", '"'])
async def test_who_has_another_is(client: httpx.AsyncClient, tag: str) -> None:
    response = await client.get("/", headers={"If-None-Match": tag})
    assert response.status_code == 200


NOT_THERE = (
    "/page",
    "/page/",
    "/page/index.html",
    "/page/routes.py",
    "/page/../settings.py",
    "/page/%2e%2e/settings.py",
    "/page/..%2froutes.py",
    "/page/style.css%00",
    "/page//style.css",
    "/page/style.css/",
    "/samples",
    "/samples/../../README.md",
    "/samples/..%2f..%2fREADME.md",
    "/samples/%2fetc%2fpasswd",
    "/index.html",
    "//",
)


def test_any_other_path_is_as_before(serve: ServeApp) -> None:
    port = serve()
    for path in NOT_THERE:
        with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
            connection.putrequest("GET", path)  # as it is, dots and all
            connection.endheaders()
            response = connection.getresponse()
            assert (response.status, orjson.loads(response.read())["error_code"]) == (404, 40401), path


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/page/style.css", "/samples/"])
async def test_other_methods_are_not_allowed(client: httpx.AsyncClient, method: str, path: str) -> None:
    response = await client.request(method, path)
    assert_failure(response, 40501)
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.fixture
async def without_page(triton: FakeTriton) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(Settings(page=False), triton) as http:
        yield http


@pytest.mark.parametrize("path", PATHS)
async def test_it_can_be_switched_off(without_page: httpx.AsyncClient, path: str) -> None:
    assert_failure(await without_page.get(path), 40401)
    assert (await without_page.get("/health/live")).status_code == 200


async def test_it_is_no_part_of_the_api(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert not [path for path in paths if not path.startswith(("/api/", "/health/"))]


async def test_it_needs_no_token(triton: FakeTriton, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("3f1c0e5ab77e4c5f9f0d6f2c8a9be001\n")
    async with client_of(Settings(token_file=str(tokens)), triton) as client:
        assert (await client.get("/")).status_code == 200
        assert_failure(await client.post("/api/predict/ocr"), 40101)


async def test_what_it_knows_of_the_code(client: httpx.AsyncClient) -> None:
    facts = (await client.get("/page/facts.json")).json()
    assert list(facts["services"]) == list(SERVICES)
    assert facts["services"]["image_similarity"]["pictures"] == ["imagea", "imageb"]
    assert facts["voc_classes"] == list(VOC_CLASSES)
    for service in facts["services"].values():
        for words in (service["title"], service["about"]):
            assert tuple(words) == LANGUAGES
            assert all(words.values())


def test_every_service_has_samples_of_its_own_number_of_pictures() -> None:
    assert set(samples.REQUESTS) == set(SERVICES)
    for service, rows in samples.REQUESTS.items():
        assert rows
        assert {len(names) for names in rows} == {len(SERVICES[service].pictures)}


def test_samples_are_those_there_are(tmp_path: Path) -> None:
    there, none = tmp_path / "there", tmp_path / "none"
    there.mkdir()
    for name in ("chelsea.png", "coffee.png", "notes.txt", ".hidden"):
        (there / name).write_bytes(b"x")
    found = samples.files((there, none))
    assert set(found) == {"chelsea.png", "coffee.png"}
    possible = samples.requests(found)
    assert possible["image_similarity"] == [("coffee.png", "coffee.png")]
    assert possible["image_classification"] == [("chelsea.png",), ("coffee.png",)]
    assert "ocr" not in possible
    assert samples.requests({}) == {}


def test_without_samples_there_is_an_empty_list_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "files", dict)
    paths = [getattr(route, "path", "") for route in routes()]
    assert [path for path in paths if path.startswith("/samples/")] == ["/samples/"]


async def test_samples_are_served_as_pictures(client: httpx.AsyncClient) -> None:
    response = await client.get(f"/samples/{samples.SHELF.name}")
    assert response.headers["content-type"] == "image/jpeg"
    assert response.content == samples.SHELF.read_bytes()


def test_every_text_is_there_in_every_language() -> None:
    first, *others = (texts(language) for language in LANGUAGES)
    for other in others:
        assert list(other) == list(first)
    for key in first:
        holes = {frozenset(re.findall(r"\{(\w+)\}", texts(language)[key])) for language in LANGUAGES}
        assert len(holes) == 1, key
        assert all(texts(language)[key].strip() for language in LANGUAGES), key


def test_every_text_is_used_and_every_used_text_is_there() -> None:
    markup = (STATIC / "index.html").read_text()
    used = set(re.findall(r'data-(?:text|label)="([\w.]+)"', markup))
    used |= set(re.findall(r"""\bt(?:Or)?\(\s*"([\w.]+)\"""", scripts()))
    used |= set(re.findall(r"""t\([^()"]*\? "([\w.]+)" : "([\w.]+)"\)""", scripts()).pop())
    used |= {"choose", "photograph"}  # kinds of choosers
    keys = {key for key in texts("en") if not key.startswith(DYNAMIC)}
    assert {key for key in used if not key.startswith(DYNAMIC)} == keys


def test_every_stage_and_failure_has_words() -> None:
    kinds = subclasses(GatewayError) | subclasses(PictureError)
    codes = {str(code) for kind in kinds if (code := getattr(kind, "code", None))}
    keys = set(texts("en"))
    assert {f"stage.{name}" for name in STAGES} <= keys
    assert {f"advice.{code}" for code in codes} <= keys


class Markup(HTMLParser):
    """What a page loads, and what a strict policy would refuse."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self.labels: set[str] = set()
        self.named: set[str] = set()
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.loaded += [value for name in ("src", "href") if (value := given.get(name))]
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        self._script = tag in ("script", "style")
        if tag in ("input", "select"):
            self.named.add(given.get("id") or "")
        if tag == "label":
            self.labels.add(given.get("for") or "")

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.inline.append(data)


def test_the_page_has_nothing_inline_and_loads_what_there_is() -> None:
    page = Markup((STATIC / "index.html").read_text())
    assert not page.inline
    assert page.named == page.labels
    for target in page.loaded:
        assert target == "openapi.json" or (STATIC / target.removeprefix("page/")).is_file()
    imported = set(re.findall(r'from "\./([\w.]+)"', scripts()))
    assert {f"{name}" for name in imported} | {"main.js"} == {name for name in FILES if name.endswith(".js")}


@pytest.mark.parametrize("name", FILES)
def test_no_file_names_another_host(name: str) -> None:
    text = (STATIC / name).read_text().replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"(https?:)?//[\w.-]+\.\w|\burl\(|@import|innerHTML|\beval\b", text)


def test_an_unknown_kind_of_file_is_noticed_at_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "backup.html~").write_text("x")
    monkeypatch.setattr("gateway.page.routes.STATIC", tmp_path)
    with pytest.raises(KeyError):
        routes()

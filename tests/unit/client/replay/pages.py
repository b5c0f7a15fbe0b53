"""What a page refers to, and whether anything in it runs."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

RUNNING = {"script", "iframe", "object", "embed", "applet", "form", "base", "link"}
REFERRING = {"src", "href", "srcset", "action", "data", "poster", "background", "formaction", "xlink:href"}


@dataclass
class Page(HTMLParser):
    text: str = ""
    references: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    tags: list[str] = field(default_factory=list)
    handlers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def __hash__(self) -> int:
        return id(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in REFERRING:
                self.references.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)
            if name == "id":
                self.anchors.add(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    return page


def assert_self_contained(html: str) -> Page:
    """Nothing runs, and nothing is fetched: all that is referred to is in the page."""
    page = parsed(html)
    assert not RUNNING & set(page.tags)
    assert not page.handlers
    inside = [one for one in page.references if one.startswith("#")]
    assert all(one.startswith("data:image/jpeg;base64,") for one in page.references if one not in inside)
    assert {one.removeprefix("#") for one in inside} <= page.anchors
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in html
    return page

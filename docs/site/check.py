"""Every link of the site leads to a file and an anchor of it, and nothing is fetched from another host."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    """The anchors of a page, where it links to, and what it fetches."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps what the tag names."""
        of = {name: value for name, value in attrs if value}
        self.anchors.update(value for name, value in of.items() if name in ("id", "name"))
        if tag == "a" and "href" in of:
            self.links.append(of["href"])
        for name in ("src", "href"):
            if name in of and (tag in ("script", "img", "iframe", "source") or (tag == "link" and of.get("rel") != "canonical")):
                self.fetched.append(of[name])


def faults(site: Path) -> list[str]:
    """What is wrong with the links below a folder."""
    pages = {path.resolve(): _Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    wrong = []
    for path, page in pages.items():
        if path.name == "404.html":
            continue
        place = path.relative_to(site.resolve())
        wrong += [f"{place} fetches {link}" for link in page.fetched if urlsplit(link).netloc]
        for link in page.links + page.fetched:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                wrong.append(f"{place} links to {link}, which is not there")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                wrong.append(f"{place} links to {link}, whose anchor is not there")
    return wrong

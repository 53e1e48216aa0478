"""What every page must hold, checked on each page that any test fetches. One line of test buys all of it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
DRAWN = frozenset({"rect", "line", "circle", "polygon", "polyline", "path"})  # SVG elements that close themselves
NOT_IN_P = frozenset({"p", "div", "ul", "ol", "table", "section", "form", "h1", "h2", "h3", "figure", "fieldset", "dl"})
PARENTS = {
    "li": {"ul", "ol"},
    "dt": {"dl", "div"},
    "dd": {"dl", "div"},
    "tr": {"thead", "tbody", "tfoot"},
    "td": {"tr"},
    "th": {"tr"},
    "caption": {"table"},
    "thead": {"table"},
    "tbody": {"table"},
    "tfoot": {"table"},
    "legend": {"fieldset"},
    "summary": {"details"},
    "figcaption": {"figure"},
    "option": {"select"},
}
HEADINGS = ("h1", "h2", "h3", "h4")
CONTROLS = frozenset({"input", "select", "textarea"})
STRAIGHT_QUOTES = re.compile(r"\w'\w|\"\w")


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parent: Element | None
    children: list[Element] = field(default_factory=list)
    parts: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join(self._inner().split())

    def _inner(self) -> str:
        return "".join(f" {part._inner()} " if isinstance(part, Element) else part for part in self.parts)

    def add(self, part: Element | str) -> None:
        self.parts.append(part)
        if isinstance(part, Element):
            self.children.append(part)

    def within(self, tag: str) -> Element | None:
        above = self.parent
        while above is not None and above.tag != tag:
            above = above.parent
        return above

    def all(self, *tags: str) -> list[Element]:
        found = [child for child in self.children if child.tag in tags]
        for child in self.children:
            found += child.all(*tags)
        return found


class Page(HTMLParser):
    """One page as a tree, with every fault that was found in it."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.root = self._open = Element("#root", {}, None)
        self._doctype = ""
        self.feed(source)
        self.close()
        if self._open is not self.root:
            self.faults.append(f"<{self._open.tag}> is never closed")
        self._check()

    def all(self, *tags: str) -> list[Element]:
        return self.root.all(*tags)

    @property
    def heading(self) -> str:
        return next((element.text for element in self.all("h1")), "")

    @property
    def links(self) -> list[str]:
        return [link.attributes["href"] for link in self.all("a", "link")]

    @property
    def text(self) -> str:
        return " ".join(element.text for element in self.all("body"))

    def handle_decl(self, decl: str) -> None:
        self._doctype = decl.lower()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"<{tag}> has an attribute twice")
        element = Element(tag, {name: value or "" for name, value in attrs}, self._open)
        if tag in PARENTS and self._open.tag not in PARENTS[tag]:
            self.faults.append(f"<{tag}> within <{self._open.tag}>")
        if tag in NOT_IN_P and (self._open.tag == "p" or element.within("p") is not None):
            self.faults.append(f"<{tag}> within <p>")
        if tag in {"a", "button"} and (element.within("a") or element.within("button")):
            self.faults.append(f"<{tag}> within a link or button")
        if tag == "form" and element.within("form"):
            self.faults.append("a form within a form")
        self._open.add(element)
        if tag not in VOID:
            self._open = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in DRAWN:
            self.faults.append(f"<{tag}/> closes itself")
        self._open.add(Element(tag, {name: value or "" for name, value in attrs}, self._open))

    def handle_endtag(self, tag: str) -> None:
        if self._open.tag != tag:
            self.faults.append(f"</{tag}> closes <{self._open.tag}>")
            return
        if self._open.parent is not None:
            self._open = self._open.parent

    def handle_data(self, data: str) -> None:
        self._open.add(data)

    def _check(self) -> None:
        self._check_document()
        self._check_scripts()
        self._check_names()
        self._check_drawings()
        self._check_forms()
        for table in self.all("table"):
            if not table.all("caption") or not all(cell.attributes.get("scope") for cell in table.all("th")):
                self.faults.append("a table without caption, or a heading cell without scope")

    def _check_document(self) -> None:
        if self._doctype != "doctype html":
            self.faults.append("no doctype")
        if not all(html.attributes.get("lang") for html in self.all("html")):
            self.faults.append("no language")
        if any(len(self.all(tag)) != 1 for tag in ("head", "body", "header", "main", "footer", "h1")):
            self.faults.append("landmarks are missing or doubled")
        titles = [title.text for title in self.all("title") if title.within("svg") is None]
        if len(titles) != 1 or not self.heading or not titles[0].startswith(self.heading):
            self.faults.append(f"the titles {titles!r} do not agree with the heading {self.heading!r}")
        levels = [int(element.tag[1]) for element in self._every(self.root) if element.tag in HEADINGS]
        if any(after > before + 1 for before, after in pairwise(levels)):
            self.faults.append(f"heading levels jump: {levels}")
        if not any(link.attributes.get("class") == "skip" for link in self.all("a")):
            self.faults.append("no skip link")
        if STRAIGHT_QUOTES.search(" ".join(p.text for p in self.all("p", "h1", "h2", "h3", "button", "label"))):
            self.faults.append("straight quotes in the text")

    def _check_scripts(self) -> None:
        for element in self._every(self.root):
            if element.tag in {"script", "style", "iframe"}:
                self.faults.append(f"<{element.tag}>")
            inline = [name for name in element.attributes if name == "style" or name.startswith("on")]
            if inline or element.attributes.get("href", "").lower().startswith("javascript"):
                self.faults.append(f"<{element.tag}> has something inline: {inline}")

    def _every(self, element: Element) -> list[Element]:
        return [element, *(found for child in element.children for found in self._every(child))]

    def _check_names(self) -> None:
        ids = Counter(element.attributes["id"] for element in self._every(self.root) if "id" in element.attributes)
        self.faults += [f"id {name!r} is used {times} times" for name, times in ids.items() if times > 1]
        for element in self._every(self.root):
            for attribute in ("aria-labelledby", "aria-describedby", "for"):
                for name in element.attributes.get(attribute, "").split():
                    if name not in ids:
                        self.faults.append(f"{attribute} points to {name!r}, which is not there")
            if element.tag == "a" and element.attributes.get("href", "").startswith("#"):
                target = element.attributes["href"][1:]
                if target not in ids:
                    self.faults.append(f"a link points to #{target}, which is not there")
            if element.tag == "img" and not element.attributes.get("alt"):
                self.faults.append("an image without alt")
            if element.tag in {"a", "button"} and not (element.text or element.attributes.get("aria-label")):
                self.faults.append(f"a <{element.tag}> without words")

    def _check_drawings(self) -> None:
        for drawing in self.all("svg"):
            titled = [child.tag for child in drawing.children[:2]] == ["title", "desc"]
            if drawing.within("svg") is None and not (titled and drawing.attributes.get("role") == "img"):
                self.faults.append("a drawing without title and description")

    def _check_forms(self) -> None:
        labelled = {label.attributes.get("for") for label in self.all("label")}
        for control in self.all(*CONTROLS):
            hidden = control.attributes.get("type") == "hidden"
            if not hidden and control.attributes.get("id") not in labelled:
                self.faults.append(f"<{control.tag}> {control.attributes.get('name')!r} without label")
        for form in self.all("form"):
            tokens = [field for field in form.all("input") if field.attributes.get("name") == "token"]
            if not form.attributes.get("action") or not form.attributes.get("method"):
                self.faults.append("a form without action or method")
            if form.attributes.get("method") == "post" and not (tokens and tokens[0].attributes.get("value")):
                self.faults.append("a form without token")
            if not form.all("button"):
                self.faults.append("a form without button")

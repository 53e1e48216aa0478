"""Dark patterns of pages: what a page does with yes and no, read from its HTML; and the wording of all its text.

A yes is a button that grants, or a radio button of the value "yes"; a no stands beside it. The rules are data: a kind,
the reason that is told, and where the pattern is described.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import NamedTuple

from marketofone.governance.dark_patterns import DarkPattern, found_in

_VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
_GRANTS = ("grant ", "lift")
_EVERY = frozenset({"*", "all", "everything"})
_ASKS = frozenset({"textarea", "select"})


class PageRule(NamedTuple):
    """Why something on a page is refused, and where that is said."""

    kind: DarkPattern
    reason: str
    source: str


PRESELECTED = PageRule("preselected", "a box is ticked beforehand", "GDPR 4(11); CJEU C-673/17")
COUNTDOWN = PageRule("countdown", "something runs while a person reads", "EDPB: stirring; UCPD annex I, 7")
SMALL = PageRule("small_refusal", "no refusal of the same look stands beside a yes", "CNIL 2022; EDPB: obstructing")
OBSTRUCTED = PageRule("obstruction", "a no asks for something first", "GDPR 7(3); EDPB: obstructing")
BUNDLED = PageRule("bundled", "one yes for several purposes", "GDPR recital 43; ICO-CMA: bundled consent")


@dataclass
class _Element:
    tag: str
    attributes: dict[str, str]
    children: list[_Element] = field(default_factory=list)

    @property
    def classes(self) -> frozenset[str]:
        """Its classes, but for the one that makes a link look like a button."""
        return frozenset(self.attributes.get("class", "").split()) - {"button"}

    @property
    def is_pressed(self) -> bool:
        """Whether it is a button, or a link that looks like one."""
        return self.tag == "button" or (self.tag == "a" and "button" in self.attributes.get("class", "").split())

    @property
    def value(self) -> str:
        """What it says when it is pressed or chosen."""
        return self.attributes.get("value", "")

    def every(self) -> Iterator[_Element]:
        """Give it and all that it holds."""
        yield self
        for child in self.children:
            yield from child.every()


class _Reader(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Element("#root", {})
        self.text: list[str] = []
        self._open = [self.root]
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = _Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if len(self._open) > 1 and self._open[-1].tag == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.text.append(data)


def page_faults(source: str) -> list[tuple[DarkPattern, str]]:
    """Give the dark patterns of a page that nobody filled in yet, each with its kind and what was found.

    Examples
    --------
    >>> page_faults('<form><input type="checkbox" name="channel.app" checked></form>')
    [('preselected', "a box is ticked beforehand: 'channel.app' (GDPR 4(11); CJEU C-673/17)")]
    """
    read = _Reader(source)
    found = [(rule.kind, f"{rule.reason}: {what!r} ({rule.source})") for rule, what in _found(read.root)]
    for line in read.text:
        found += [(one.rule.kind, f"{one.rule.reason}: {one.words!r} ({one.rule.source})") for one in found_in(line)]
    return found


def _found(root: _Element) -> Iterator[tuple[PageRule, str]]:
    for element in root.every():
        attributes = element.attributes
        if "checked" in attributes or (element.tag == "option" and "selected" in attributes and _grants(element)):
            yield PRESELECTED, attributes.get("name", element.value)
        if _runs(element):
            yield COUNTDOWN, element.tag
        if _grants(element) and not _EVERY.isdisjoint(element.value.replace(",", " ").split()[1:]):
            yield BUNDLED, element.value
        yield from _alone(element)
        if element.tag == "form":
            yield from _asked_first(element)


def _runs(element: _Element) -> bool:
    attributes = element.attributes
    named = f"{attributes.get('class', '')} {attributes.get('id', '')}".lower()
    refreshes = element.tag == "meta" and attributes.get("http-equiv", "").lower() == "refresh"
    return refreshes or element.tag in {"marquee", "blink"} or attributes.get("role") == "timer" or "countdown" in named


def _grants(element: _Element) -> bool:
    return element.value.startswith(_GRANTS)


def _alone(parent: _Element) -> Iterator[tuple[PageRule, str]]:
    """Find what says yes among the children of an element with no refusal of the same look among them."""
    for child in parent.children:
        if child.is_pressed and _grants(child):
            beside = [one for one in parent.children if one is not child and one.is_pressed and not _grants(one)]
            if not any(one.classes == child.classes for one in beside):
                yield SMALL, child.value
    radios = [one for one in parent.every() if one.attributes.get("type") == "radio"] if parent.tag == "form" else []
    by_name: dict[str, set[str]] = {}
    for radio in radios:
        by_name.setdefault(radio.attributes.get("name", ""), set()).add(radio.value)
    for name, values in by_name.items():
        if "yes" in values and "no" not in values:
            yield SMALL, name


def _asked_first(form: _Element) -> Iterator[tuple[PageRule, str]]:
    """Find what a form asks for before somebody can say no."""
    every = list(form.every())
    if any(one.value.startswith(("withdraw", "object", "pause")) for one in every):
        for one in every:
            if one.tag in _ASKS or "required" in one.attributes:
                yield OBSTRUCTED, one.attributes.get("name", one.tag)

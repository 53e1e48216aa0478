"""What pages do with yes and no: seeded dark patterns are caught; each page that any test fetches is checked, too."""

from __future__ import annotations

import pytest

from marketofone.web.page_lint import page_faults

NO = '<a class="button" href="/back">No, leave it</a>'
BAD = {
    "ticked box": ("preselected", '<form><input type="checkbox" name="channel.app" checked></form>'),
    "ticked yes": (
        "preselected",
        '<form><input type="radio" name="p" value="yes" checked><input type="radio" name="p" value="no"></form>',
    ),
    "chosen in a list": ("preselected", '<select><option value="grant care" selected>Yes</option></select>'),
    "refusal as plain link": (
        "small_refusal",
        '<div><button value="grant care">Yes</button><a href="/back">no</a></div>',
    ),
    "yes that stands out": ("small_refusal", f'<div><button class="primary" value="grant care">Yes</button>{NO}</div>'),
    "no refusal": ("small_refusal", '<div><button value="grant care">Yes</button></div>'),
    "refusal elsewhere": ("small_refusal", f'<div><button value="lift">Yes</button></div><footer>{NO}</footer>'),
    "quiet refusal": (
        "small_refusal",
        '<div><button value="grant care">Yes</button><a class="button quiet" href="/">No</a></div>',
    ),
    "a yes without its no": ("small_refusal", '<form><input type="radio" name="p" value="yes"></form>'),
    "reason first": ("obstruction", '<form><textarea></textarea><button value="withdraw a * *">Stop</button></form>'),
    "must be filled in": ("obstruction", '<form><input required><button value="object">Stop</button></form>'),
    "choose first": ("obstruction", '<form><select name="why"></select><button value="pause">Pause</button></form>'),
    "all at once": ("bundled", f'<div><button value="grant *">Yes</button>{NO}</div>'),
    "everything": ("bundled", f'<div><button value="grant everything">Yes</button>{NO}</div>'),
    "timer": ("countdown", '<p role="timer">9</p>'),
    "by its name": ("countdown", '<p class="countdown">9</p>'),
    "by itself": ("countdown", '<meta http-equiv="refresh" content="9">'),
    "words": ("urging", "<p>This is your last chance.</p>"),
    "words of a button": ("confirm_shaming", '<a href="/">No, I do not want to save money</a>'),
}  # fmt: skip
INNOCENT = {
    "yes and no alike": f'<div><button value="grant care">Yes</button>{NO}</div>',
    "two buttons": '<div><button value="grant care">Yes</button><button value="nothing">No</button></div>',
    "both shades": '<div><button class="x" value="lift">Yes</button><a class="button x" href="/">No</a></div>',
    "empty boxes": '<form><input type="checkbox" name="channel.app"></form>',
    "a no alone": '<form><button value="withdraw care * *">Stop</button></form>',
    "a no to everything": '<form><button value="withdraw * * *">Stop everything</button></form>',
    "a filter": '<form><select name="month"><option selected>May</option></select><button>Show</button></form>',
    "a yes and a no": '<form><input type="radio" name="p" value="yes"><input type="radio" name="p" value="no"></form>',
}


@pytest.mark.parametrize(("kind", "source"), BAD.values(), ids=BAD)
def test_a_seeded_page_is_caught_as_what_it_is(kind: str, source: str) -> None:
    assert kind in {found for found, _ in page_faults(source)}


@pytest.mark.parametrize("source", INNOCENT.values(), ids=INNOCENT)
def test_a_page_that_is_fair_to_a_no_passes(source: str) -> None:
    assert page_faults(source) == []


def test_what_is_found_is_told_with_its_reason_and_where_that_is_said() -> None:
    ((_, told),) = page_faults(BAD["refusal as plain link"][1])
    assert told == ("no refusal of the same look stands beside a yes: 'grant care' (CNIL 2022; EDPB: obstructing)")

"""Bugs planted on purpose, to see that the slice of CI finds each: ``python tests/model/mutants.py``.

On 2026-11-27 it found all twelve. Two of them only after the histories drew more people who share a key and more events
that arrive under two ids. On 2026-11-29 it found the three about answers, once one history of four was about what
people answer, and it was looked whether a version holds two answers to one decision.

Each is a change of one place in a copy of the sources. A bug that the slice does not find is a hole in it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SLICE = Path(__file__).with_name("test_histories.py")


class Mutant(NamedTuple):
    """One bug: what it is, and the change that makes it."""

    what: str
    file: str
    right: str
    wrong: str


MUTANTS = (
    Mutant(
        "a decision is released without comparing the guards",
        "services/runtime/runs.py",
        "expects.update(person.expects(strict=strict))",
        "expects.update({})",
    ),
    Mutant(
        "what any id allows is allowed: silence is a yes",
        "consent/ledger.py",
        "    if len(known) < len(each):\n        return None\n",
        "    if not known:\n        return None\n",
    ),
    Mutant(
        "of several ids a no of one does not count",
        "consent/ledger.py",
        "    if refusal is not None:\n        return refusal\n    known = [one for one in each if one is not None]",
        "    known = [one for one in each if one is not None and one.granted]\n"
        "    if not known:\n        return refusal",
    ),
    Mutant(
        "a link moves no guard of the other customer",
        "services/intake/identity.py",
        "    concerned = sorted({of for of in before_of if before_of[of] != after_of[of]} | {customer.subject})",
        "    concerned = [customer.subject]",
    ),
    Mutant(
        "a cool-off counts from the moment a caller names",
        "projection/contacts.py",
        "return None if place is None else self.answers[place]",
        "return None if place is None else (self.answers[place][1].at, self.answers[place][1])",
    ),
    Mutant(
        "the first answer stands for good",
        "domain/outcome.py",
        'if outcome.verdict in ANSWERS and (stands is None or outcome.changes in ("answer", "reason")):',
        "if outcome.verdict in ANSWERS and stands is None:",
    ),
    Mutant(
        "of two answers counts the one that arrived last, not the one that was said last",
        "domain/outcome.py",
        "if outcome.verdict not in SAID or outcome.at < latest or is_same:",
        "if outcome.verdict not in SAID or is_same:",
    ),
    Mutant(
        "what an earlier answer taught is learned beside the later one",
        "projection/person.py",
        "return subject in self.states and n < self.states[subject].changed.get(of, 0)",
        "return False",
    ),
    Mutant(
        "a name of a decision is one for all customers",
        "services/decisions/decide.py",
        "        n = places.get(person.asked.subject)",
        "        n = next(iter(places.values()), None)",
    ),
    Mutant(
        "a decision is given again after what it rests on was withdrawn",
        "services/decisions/visible.py",
        "        if source not in permits[purpose].sources:",
        "        if False:",
    ),
    Mutant(
        "a clock that steps back lifts caps",
        "services/decisions/decide.py",
        "at = person.judged(request.at)  # a clock",
        "at = request.at  # a clock",
    ),
    Mutant(
        "an event under two ids of one person counts twice",
        "projection/folding.py",
        "        event.key: (kept, _understood(",
        "        (event.key, event.customer): (kept, _understood(",
    ),
    Mutant(
        "a default key with any number of holders makes one person",
        "services/intake/identity.py",
        "MOST_HOLDERS = 4",
        "MOST_HOLDERS = 400",
    ),
    Mutant(
        "the later date wins, not the later entry",
        "consent/ledger.py",
        "for place, said in enumerate(self.said):  # newest first",
        "for place, said in sorted(enumerate(self.said), key=lambda of: -of[1].validity.since):  # newest first",
    ),
    Mutant(
        "an objection is lifted by a grant",
        "consent/ledger.py",
        "            return _said_after(consents, change)",
        '            lifted = consents.objects and change.change != "grant"\n'
        "            return replace(_said_after(consents, change), objects=lifted)",
    ),
    Mutant(
        "a pause never ends",
        "consent/ledger.py",
        "(until for name, until in self.pauses if name == purpose and now < until)",
        "(until for name, until in self.pauses if name == purpose)",
    ),
    Mutant(
        "what is wrong about a person is used again where their journals are folded from the beginning",
        "projection/live.py",
        """            now=judged,
            withheld=withheld,
            corrected=person.corrected,
        )
        folded = fold_more""",
        """            now=judged,
            withheld=withheld,
        )
        folded = fold_more""",
    ),
    Mutant(
        "what one id says is wrong is used of the others",
        "projection/several.py",
        "        corrected=person.corrected,",
        "        corrected={},",
    ),
    Mutant(
        "what is wrong is still in what was folded before it was said",
        "projection/amendments.py",
        "            return tuple(TakenBack(source, ()) for source in told_by(inference))",
        "            return (TakenBack('protection', ()),)",
    ),
    Mutant(
        "who denies signs of stress may be sold to",
        "decide/choose.py",
        "    stressed = is_care_open and bool(",
        '    stressed = is_care_open and "stress" not in context.decision_input.corrected and bool(',
    ),
    Mutant(
        "a stop of the board is forgotten when the bank is opened again with other documents",
        "projection/bank_state.py",
        '        changes = {"documents": entry.n}',
        '        changes = {"documents": entry.n, "board": NO_RULINGS}',
    ),
)


def found_by_the_slice(mutant: Mutant) -> tuple[bool, float]:
    """Say whether the slice fails with a bug, and after how many seconds.

    Raises
    ------
    LookupError
        When the sources do not hold the place of the bug any more.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "src"
        shutil.copytree(ROOT / "src", copy)
        path = copy / "marketofone" / mutant.file
        text = path.read_text(encoding="utf-8")
        if mutant.right not in text:
            raise LookupError(f"{mutant.file} does not hold {mutant.right!r} any more")
        path.write_text(text.replace(mutant.right, mutant.wrong), encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(copy), "MARKETOFONE_NO_SHRINKING": "1"}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", str(SLICE)]
        ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    return ended.returncode == 1, time.monotonic() - began


def survivors(only: str = "") -> Iterator[tuple[Mutant, bool, float]]:
    """Plant each bug; gives it, whether the slice found it, and after how many seconds."""
    for mutant in MUTANTS:
        if only in mutant.what:
            yield mutant, *found_by_the_slice(mutant)


def main() -> None:
    """Plant all bugs, and fail when one is not found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="words of the bug to plant")
    missed = 0
    for mutant, found, seconds in survivors(parser.parse_args().only):
        missed += not found
        print(f"{'found' if found else 'MISSED'} after {seconds:.0f} s: {mutant.what}", flush=True)  # noqa: T201
    sys.exit(missed > 0)


if __name__ == "__main__":
    main()

"""The page about off-policy evaluation: its words, and the tables of the figures that were recorded.

``docs/records/`` holds what ``marketofone evaluate policy --calibrate --json`` and ``--public FOLDER --json`` printed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

RECORDS = Path(__file__).parent / "records"

_WORDS = """\
A log of decisions tells what followed the actions that were taken. Another policy would have taken others. Where the log says with
which probability each action was drawn (its propensity), it also tells what that other policy would have been worth: rows count more the
likelier the other policy makes them, by their importance weight.

```sh
marketofone evaluate policy log.csv                      # the policy in the columns target_<action> or target_propensity
marketofone evaluate policy log.parquet --policy always:offer_7
marketofone evaluate policy log.csv --policy ranking     # learned from the log itself, for each person from others only
marketofone evaluate policy --policy version:1311        # no log: a version of this bank, over its own journal (changes.md)
marketofone evaluate policy --policy version:1311 --placement home   # the slates of a placement, place by place (slates.md)
```

The log may come from any engine: that is a shadow mode without any integration. Log what was decided, with its propensity, and value
the policy you think of.

## The log

| column | holds | found by its name, or named by |
| --- | --- | --- |
| action | what was done | `action`, `action_id`, `item_id`, `arm`, `treatment`, `offer`; `--action` |
| reward | what followed, a number | `reward`, `click`, `conversion`, `visit`, `outcome` ...; `--reward` |
| propensity | the probability with which the logged action was drawn, above 0 and at most 1 | `propensity`, `propensity_score`, `pscore` ...; `--propensity` |
| target | the judged policy's probabilities of all actions, or of the logged one | `target_<action>`, or `target_propensity`; `--target` |
| customer | whom it is about | `customer`, `person`, `user_id` ...; `--customer` |
| context | what was known **before** the decision | `context_*`; `--context` |
| slate, position | where several actions are shown together: which slate, which place; propensities are given the places above | `slate`, `position`; `--slate`, `--position` |

Other columns are not used, and named. One that was written afterwards would make the estimates wrong, so nothing is taken for context by
itself. A row without a number, with a propensity of zero or above 1, or with an action the target does not know is left out,
counted by its reason, and the exit code is 3: look at why before you believe the rest.

## What is answered

- **Estimates**: IPS, SNIPS, DM, DR, SWITCH-DR and DRos. DM and those made of DR need the target's probabilities of all actions. Their
  reward model is linear, shared by all actions and bent by each, fitted where the target goes, and has seen nobody of the row's fold: a
  person is in one fold. DRos is the one to read first. It shrinks large weights, as far as the log says that this lowers the squared error.
  Where rewards are amounts (none below nothing, of different sizes), read **DRos with the tail cut** (`dros-tail`): the `sqrt(m)` largest of m amounts
  are cut, and what was cut is given back in proportion to the value of the rest, for a handful of huge amounts cannot say which action has them. Where
  the log shows that one action has, by an estimate beyond two standard errors of DR's, nothing is cut.
- **Intervals** count persons, not rows, and follow the skewness of the weights. Those of DM, SWITCH-DR and DRos, its tail cut or not, are the interval of
  DR: a shrunken estimate errs less, but what it is off by cannot be seen in its own spread.
  No interval leaves what a mean can be: shares lie between 0 and 1, and amounts are not below nothing.
- **Overlap**: the effective sample size, the effective number of rewards and how many of them speak for the target, the largest weight, how much of the target lies where the log's
  propensity is below .01, and how much on actions the log never took.
- **Not enough evidence**, with the reasons: fewer than 30 persons, an effective sample size below 100, fewer than 20 effective rewards in the log,
  fewer than 5 of them that speak for the target (10 for `diff` and promotions), more than 1 % of the target on actions the log never took, or weights whose mean is not 1, which says
  that the propensities are not those of the policy that logged. Estimates are printed all the same.
  How many rewards speak for the target is counted as if weights knew nothing of rewards. Weighted rewards alone tell another story: a log whose large
  rewards happen to have small weights looks rich and errs most.
- For slates: standard IPS, independent IPS, RIPS and cascade-DR. Independent IPS is biased where a place depends on those above it.

## Limits

- What was not logged cannot be found out: a column that decided and is missing, an effect on later decisions, people who influence each other.
- Candidates of single rows are not read: `uniform`, `ranking` and `learned` take every action of the log for possible in each row.
- The interval of a learned policy is that of the policies learned on each part of the people.
- What nobody can know from a log: with a response of 1 % no estimator without asymptotic bias errs by less than the column *bound* says, some 25 % with
  10,000 rows. Shrinking goes a little below it, at the price of a bias. Had the target decided itself, the same number of rows would tell the value to 6 %:
  a small share for it on trial (`versions promote`) is worth more than any estimator.
- Tried, and not kept, on 30 to 60 banks and 10,000 rows. With a response of 1 %: logistic reward models, shared by all actions and bent by each, even with the
  very variances by which the banks are drawn (relative RMSE of DM .24 to .62, of DR .23 to .25, as without); the posterior mean under nearly the true model
  (.24, biased by -19 %); the mean of DM and DR (.25). With heavy tails, where DR errs by .25: a chance times one mean amount for all actions errs least (.15), and is
  wrong wherever amounts depend on the action; rewards cut and not given back (.18 to .22, with a bias that grows with the cut); a cut chosen by estimated
  squared error (.18), which sees too little of the tail.
- A planning number from the table below: 10,000 rows of a log that is 30 % uniform tell a value to some 10 %, 50,000 to some 4 %; with
  a response of 1 % they tell it to some 21 % and 11 %, amounts with heavy tails to some 15 % and 7 %, and such amounts at a response of 1 % to 33 % and 18 %.
- With a response of 1 % and amounts with heavy tails 10,000 rows answer nothing: some two rewards speak for the target. The interval of the difference from
  the log holds in some 90 % of banks only, each time too low, and the answer is "not enough evidence" in all of them.
- What is called enough was judged by weighted rewards before, at least 20 of them. Where it was, with 10,000 rows, intervals of DR held in 87 % of 55 banks with
  a response of 1 %, in 75 % of 20 where the log was thin as well, and in 2 of 6 with heavy tails. Tried beside the present rule: at least 7 that speak for
  the target (held in 94 % of 66 of 200 banks with a response of 1 %) and at least 10 (in 94 % of 78 of 100 with heavy tails); they answer less and err no less.
"""


_METHODS = ("ips", "snips", "dm", "dr", "switch-dr", "dros")


def text() -> str:
    """Write the page, but for its title."""
    calibrated, public = (
        json.loads((RECORDS / f"policies_{name}.json").read_text("utf-8")) for name in ("calibrated", "public")
    )
    return "\n".join((_WORDS, *_calibration(calibrated), *_public(public)))


def _calibration(worlds: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield "## On synthetic banks of known truth\n"
    yield "`marketofone evaluate policy --calibrate` prints it. People come with three decisions each and a trait nobody sees; rewards are not linear"
    yield "in the context. Errors are relative to the truth. Coverage of the 95 % intervals stands with its own 95 % interval; it counts all banks,"
    yield "also those where the log was not enough. *DR where enough* and *elsewhere* part it: what is called enough must not be what errs. *Difference* is"
    yield "that of the target's value above the log's. The interval of DM, SWITCH-DR and DRos is that of DR. *On policy* is the error of the mean of as many"
    yield "rows that the target itself had decided, *bound* the least of any estimator without asymptotic bias (Hahn 1998), both for independent rows.\n"
    yield "| world | rows | banks | effective size | enough | relative RMSE: on policy | bound | IPS | SNIPS | DM | DR | SWITCH-DR | DRos | DRos, tail cut | coverage: IPS | SNIPS | DR | DR where enough | elsewhere | difference |"
    yield f"| --- |{' ---: |' * 19}"
    for world in worlds:
        of = {method["method"]: method for method in world["methods"]}
        errors = " | ".join(
            f"{of[name]['relative_rmse']:.3f}" if name in of else "" for name in (*_METHODS, "dros-tail")
        )
        cells = f"{world['rows']:,} | {world['banks']} | {world['ess']:,.0f} | {world['enough']:.0%} | {world['on_policy']:.3f} | {world['bound']:.3f} | {errors}"
        held = [_coverage(of[name]) for name in ("ips", "snips", "dr")]
        held += [_held(world[which]) for which in ("where_enough", "elsewhere", "difference")]
        yield f"| {world['world']} | {cells} | {' | '.join(held)} |"
    yield ""
    for rows in sorted({world["rows"] for world in worlds}):
        yield from _together([world for world in worlds if world["rows"] == rows], rows=rows)
    yield ""


def _together(worlds: Sequence[dict[str, Any]], *, rows: int) -> Iterator[str]:
    banks = sum(world["banks"] for world in worlds)
    held = {
        name: sum(
            world["banks"] * method["coverage"]
            for world in worlds
            for method in world["methods"]
            if method["method"] == name
        )
        for name in ("ips", "snips", "dr")
    }
    told = ", ".join(f"{name.upper()} {share / banks:.1%}" for name, share in held.items())
    parts = [
        f"DR {_all(worlds, 'where_enough')} where the log was enough, and {_all(worlds, 'elsewhere')} elsewhere",
        f"the difference {_all(worlds, 'difference')}",
    ]
    misled = sum(world["banks"] * world["misled"] for world in worlds)
    yield f"- All worlds together, {rows:,} rows: coverage over {banks:,} banks is {told}; {'; '.join(parts)}. The wrong sign was found in {misled:.0f}."


def _all(worlds: Sequence[dict[str, Any]], which: str) -> str:
    """Put the banks of all worlds together."""
    told = [world[which] for world in worlds if world[which] is not None]
    banks = sum(one["banks"] for one in told)
    return f"{sum(one['banks'] * one['coverage'] for one in told) / banks:.1%} of {banks:,}" if banks else "none"


def _held(held: dict[str, Any] | None) -> str:
    if held is None:
        return ""
    return f"{100 * held['coverage']:.1f} [{100 * held['low']:.0f}, {100 * held['high']:.0f}]"


def _coverage(method: dict[str, Any]) -> str:
    return f"{100 * method['coverage']:.1f} [{100 * method['coverage_low']:.0f}, {100 * method['coverage_high']:.0f}]"


def _public(lines: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield "## On public data\n"
    yield "`marketofone evaluate policy --public FOLDER` prints it, with all estimators. Hillstrom's e-mail test was at random: half of the people"
    yield "tell the truth, the other half makes logs of a policy that depends on the context. Open Bandit holds two policies' logs: each is"
    yield "valued from the other's. For the others an action names a class, and every label is known.\n"
    yield "| data | policy | rows | effective size | enough | truth | IPS | SNIPS | DR | DRos, with the interval | over logs: relative RMSE, truth inside |"
    yield f"| --- | --- |{' ---: |' * 9}"
    for line in lines:
        of = {estimate["method"]: estimate for estimate in line["estimates"]}
        value, low, high = line["truth"]
        truth = f"{value:.4f}" if low == high else f"{value:.4f} [{low:.4f}, {high:.4f}]"
        values = " | ".join(f"{of[name]['value']:.4f}" for name in ("ips", "snips", "dr"))
        best = f"{of['dros']['value']:.4f} [{of['dros']['low']:.4f}, {of['dros']['high']:.4f}]"
        enough = "yes" if line["enough"] else "no"
        repeated = f"{line['relative_rmse']:.3f}, {line['inside']} of {line['draws']}"
        yield f"| {line['data']} | {line['policy']} | {line['rows']:,} | {line['ess']:,.0f} | {enough} | {truth} | {values} | {best} | {repeated} |"
    yield ""
    yield from dict.fromkeys(f"Published for Open Bandit: {line['published']}." for line in lines if line["published"])

"""What early signs say at present, where values were not what they said, and which actions are distrusted.

The second is what the whole idea rests on: that an effect shows in the signs. Where it bypasses them, what waits for
its value is guessed wrong, until enough values of that action are known. So it is watched, action by action.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.action import Action
from marketofone.models.bandit import Policy, States
from marketofone.models.bandit.surrogate import Index, SignSums, beside, index_of
from marketofone.services.runtime.app_context import AppContext

LEAST = 10
"""Reports of an action's values below which no interval is told."""
_WIDE = 2.576  # of a normal distribution: 99 % lie within, for there are many actions


class SignView(Struct, frozen=True, kw_only=True):
    """One sign: how large it is on the mean, as stated, after what helps and what harms.

    ``worth`` is by what part of the stated value an acceptance is worth more with the whole of it; less below 0.
    """

    sign: str
    helps: float
    harms: float
    worth: float


class ActionSigns(Struct, frozen=True, kw_only=True):
    """One action: how many acceptances wait for their value, and of how many both signs and value are known.

    ``said_minor`` is what the signs of the latter say that they are worth, on the mean, ``reported_minor`` what they
    were worth, and ``beside_minor`` the difference, with a 99 % interval where there are ten reports or more.
    ``bypassed`` says that it does not hold 0: this action's values are not what its early signs said.
    """

    action: str
    waiting: int
    reported: int
    said_minor: int | None = None
    reported_minor: int | None = None
    beside_minor: int | None = None
    low: int | None = None
    high: int | None = None
    bypassed: bool = False


class DistrustedAction(Struct, frozen=True, kw_only=True):
    """An action that people accept far more often than the catalogue says.

    ``times`` is how many times as often as ``declared``, and ``share`` what part of the stated distrust belongs to it.
    """

    action: str
    declared: float
    times: float
    share: float


class SignsView(Struct, frozen=True, kw_only=True):
    """What early signs say in a version; nothing where the bank reads none. Actions without any are left out.

    ``distrust`` is how much of what the bank states of it remains, None where it states nothing, or where each action
    learns alone.
    """

    version: int
    signs: tuple[SignView, ...] = ()
    actions: tuple[ActionSigns, ...] = ()
    distrust: float | None = None
    distrusted: tuple[DistrustedAction, ...] = ()


def watch_signs(context: AppContext) -> SignsView:
    """Show what early signs say in the version that learning goes on from."""
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        config, number = snapshot.config, snapshot.bank.version
        policy, early = config.compiled.policy, config.settings.early_signs
        version = context.versions.version(snapshot.bank, number)
        belief = partial(context.versions.belief, reader, version, config=config)
        view = SignsView(version=number, **_distrusted(policy, belief))
        sums = policy.signs(belief)
    if early is None:
        return view
    index = index_of((sums[action] for action in sorted(sums)), early.stated)
    names = ("taken_back", *sorted(early.features))
    each = zip(names, early.stated.helps, early.stated.harms, index.beta[1:].tolist(), strict=True)
    signs = [SignView(sign=name, helps=helps, harms=harms, worth=round(worth, 3)) for name, helps, harms, worth in each]
    known = {action.id: action for action in policy.start.actions}
    actions = [_watched(policy, known[action], of, index) for action, of in sorted(sums.items())]
    return replace(view, signs=tuple(signs), actions=tuple(actions))


def _distrusted(policy: Policy, belief: States) -> dict[str, Any]:
    if not policy.start.distrusts:
        return {}
    remains, shares = policy.distrusted(belief)
    times = policy.start.times_declared(policy.learned("chance", belief))
    found = [
        DistrustedAction(
            action=action,
            declared=float(policy.start.declared[policy.start.rows[action]]),
            times=round(float(times[policy.start.rows[action]]), 2),
            share=round(share, 3),
        )
        for action, share in sorted(shares.items())
    ]
    return {"distrust": round(remains, 3), "distrusted": tuple(found)}


def _watched(policy: Policy, action: Action, sums: SignSums, index: Index) -> ActionSigns:
    bare = ActionSigns(action=action.id, waiting=len(sums.waiting), reported=sums.n)
    if not sums.n:
        return bare
    stated, found = policy.start.stated(action.id), beside(sums, index)
    reported = action.value_minor + stated * float(sums.pull[0]) / sums.n
    apart, wide = stated * found.mean, stated * _WIDE * found.error
    is_enough = sums.n >= LEAST
    return ActionSigns(
        action=action.id,
        waiting=bare.waiting,
        reported=sums.n,
        said_minor=round(reported - apart),
        reported_minor=round(reported),
        beside_minor=round(apart),
        low=round(apart - wide) if is_enough else None,
        high=round(apart + wide) if is_enough else None,
        bypassed=is_enough and abs(apart) > wide,
    )

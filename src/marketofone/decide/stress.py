"""Signs of stress: whether there are any, and what a person stops who says that they are wrong.

While the signs stand nothing is sold, whatever the person says of them: a "no, I am fine" must not make somebody in
trouble a customer for offers. It stops outreach that rests on the signs, and nothing else: outreach for another reason,
such as a bereavement they told of, still comes.
"""

from __future__ import annotations

import math

from marketofone.decide.catalogue import FORESEEN
from marketofone.decide.compiled_catalogue import CompiledCatalogue
from marketofone.decide.decision_input import DecisionInput
from marketofone.decide.expressions import Value, namespace_of
from marketofone.domain.moment import DAY, Instant
from marketofone.features.vector import Seen
from marketofone.profile.inferences import STRESS
from marketofone.profile.items import SURE_ENOUGH

_NOBODY = frozenset[str]()
_ASKED_BY_NOBODY: dict[str, Value] = {
    **dict.fromkeys(FORESEEN, math.nan),
    "channel": "",
    "occasion": "",
    "begun_by_customer": False,
}


def denied(decision_input: DecisionInput, compiled: CompiledCatalogue) -> frozenset[str]:
    """Give the outreach that reads something of which the guardrail makes signs of stress, where these are denied."""
    if STRESS not in decision_input.corrected:
        return _NOBODY
    read = zip(compiled.offered, compiled.catalogue.expressions[1:], strict=True)
    return frozenset(
        action.id for action, when in read if action.kind == "outreach" and when.names & compiled.stress.names
    )


def signs_of_stress(seen: Seen, compiled: CompiledCatalogue, *, now: Instant) -> dict[str, float]:
    """Give what the guardrail finds signs of stress in, by the title of each feature; empty where there are none."""
    names, life = seen.catalogue.index, seen.profile.life
    namespace = namespace_of(
        [(name, value if (value := seen.get(name)) is not None else math.nan) for name in names],
        _ASKED_BY_NOBODY,
        holdings=seen.profile.holdings,
        days_since={of: (now - one.at) / DAY for of, one in life.items() if one.confidence >= SURE_ENOUGH},
    )
    if not compiled.stress.sources <= seen.sources or not compiled.stress.holds(namespace):
        return {}
    read = [name for name in names if name in compiled.stress.names]
    told = ((seen.catalogue.features[names[name]].title, seen.get(name)) for name in read)
    return {title: value for title, value in told if value is not None}

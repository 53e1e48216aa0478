"""What other banks tell without what counts as told here: the state of a source whose accounts are told twice."""

from __future__ import annotations

from marketofone.consent.licence import run_out
from marketofone.domain.moment import Instant
from marketofone.features.state import ELSEWHERE, LiveState, emptied
from marketofone.profile.same_accounts import Twice, counts_beside
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.folding import admitted, fold_more
from marketofone.projection.journals import JournalReader, kept_of
from marketofone.projection.lineage import MONEY, withheld_from
from marketofone.projection.person import Person
from marketofone.projection.recent import Recent


class Beside:
    """Folds it, and remembers it for the people who were asked about last."""

    def __init__(self, *, room: int) -> None:
        self._folded: Recent[int, tuple[object, LiveState]] = Recent(room=room)

    def forget(self, subject: int) -> None:
        """Forget what was folded of a customer."""
        self._folded.drop(subject)

    def fold(
        self,
        reader: JournalReader,
        person: Person,
        whole: LiveState,
        twice: tuple[Twice, ...],
        config: BankConfig,
        *,
        now: Instant,
        judged: Instant,
    ) -> LiveState:
        """Fold what other banks tell without what counts as told here; ``whole`` is the fold with it."""
        over = run_out(person.consents.licences, judged)
        asked = person.last_kept(frozenset({ELSEWHERE})), twice, whole.schema, whole.latest, over
        known = self._folded.get(person.asked.subject)
        if known is not None and known[0] == asked:
            return known[1]
        pairs = (
            (kept, event)
            for kept, event in kept_of(reader, person, frozenset({ELSEWHERE}))
            if event.at <= now and counts_beside(event, twice, calendar=config.calendar)
        )
        withheld = withheld_from(MONEY, person.consents.licences, now=judged)
        by_source = admitted(pairs, consents=person.consents, config=config, now=judged, withheld=withheld)
        state = fold_more({}, by_source, config=config).get(ELSEWHERE) or emptied(whole)
        self._folded.put(person.asked.subject, (asked, state))
        return state

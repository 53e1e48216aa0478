"""Context vectors of many people in parts: what all actions of a role share, and the few entries an action looks up.

Laid out one by one, the contexts of a hundred actions are a hundred rows that hardly differ. In parts they are made
when somebody asks for them, and the compiled loops read the parts as they are.
"""

from __future__ import annotations

from typing import NamedTuple

from marketofone.models.bandit.arm import FloatArray
from marketofone.models.bandit.predict import Rows


class Layout(NamedTuple):
    """Where the context of each of k actions comes from.

    ``role_of`` (k,) says which of a person's views an action sees. At each of the ``places`` (m,) stands an entry of
    that view, and ``taken`` (k, m) says which.
    """

    role_of: Rows
    places: Rows
    taken: Rows


class ContextTable(NamedTuple):
    """What v views of some people say: ``shared`` (v, d) is for all actions, ``entries`` (v, t) can be looked up.

    ``views`` (people, roles) names the view of each role.

    Examples
    --------
    >>> import numpy as np
    >>> layout = Layout(role_of=np.array([0, 0]), places=np.array([1]), taken=np.array([[2], [0]]))
    >>> table = ContextTable(layout, np.array([[1.0, 0.0]]), np.array([[0.5, 0.6, 0.7]]), np.array([[0]]))
    >>> table.contexts(0, np.array([0, 1])).tolist()
    [[1.0, 0.7], [1.0, 0.5]]
    """

    layout: Layout
    shared: FloatArray
    entries: FloatArray
    views: Rows

    def contexts(self, person: int, rows: Rows) -> FloatArray:
        """Give the contexts in which a person is asked for some actions. Shape (r, d)."""
        views = self.views[person].take(self.layout.role_of.take(rows))
        found: FloatArray = self.shared.take(views, axis=0)
        found[:, self.layout.places] = self.entries[views[:, None], self.layout.taken.take(rows, axis=0)]
        return found

    def context(self, person: int, row: int) -> FloatArray:
        """Give one of them. Shape (d,)."""
        view = self.views.item(person, self.layout.role_of.item(row))
        found: FloatArray = self.shared[view].copy()
        found[self.layout.places] = self.entries[view].take(self.layout.taken[row])
        return found

"""What writes the pages: templates, formatting and static files, over one bank."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from importlib.resources import files
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from marketofone.domain.role import ROLES
from marketofone.services.bank import Bank
from marketofone.web import formatting
from marketofone.web.problem import Problem
from marketofone.web.request_data import RequestData

_MEDIA = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
_FILES = {name: (files("marketofone") / "web" / "static" / name).read_bytes() for name in ("style.css", "icon.svg")}
STATIC = {name: (body, _MEDIA[name.rpartition(".")[2]]) for name, body in _FILES.items()}


@dataclass(frozen=True)
class PageRenderer:
    """Everything a page is written with."""

    bank: Bank
    templates: Environment

    def page(self, name: str, request_data: RequestData, **context: object) -> Response:
        """Write a page; links made with ``to`` stay in the moment the visitor is looking at."""
        as_of = request_data.query.get("as_of", "")
        own = {
            "to": partial(address, as_of=as_of),
            "token": request_data.token,
            "as_of": request_data.as_of(self.bank.calendar, now=self.bank.now()),
        }
        return HTMLResponse(self.templates.get_template(name).render(context | own))

    def problem(self, problem: Problem) -> str:
        """Write a problem for people."""
        template = self.templates.get_template("problem.html")
        return template.render(problem=problem, to=partial(address, as_of=""), as_of=None)


@dataclass(frozen=True)
class Page:
    """One page, or the form of one: where it is and who writes it, in a worker thread."""

    method: str
    path: str
    show: Callable[[PageRenderer, RequestData], Response]

    @property
    def is_own(self) -> bool:
        """Whether it is a customer's own: only their link opens it."""
        return self.path.startswith("/customer/")


def desk_for(bank: Bank) -> PageRenderer:
    """Make the renderer of a bank."""
    templates = Environment(
        loader=PackageLoader("marketofone.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    settings, calendar, policy = bank.config.settings, bank.calendar, bank.config.policy
    templates.globals |= {
        "bank_name": settings.name,
        "static": {name: f"/static/{name}?v={_digest(body)}" for name, body in _FILES.items()},
        "policy": policy,
        "contact": settings.contact,
    }
    templates.filters |= {
        "action": partial(formatting.action_of, catalogue=bank.catalogue),
        "chances": formatting.chances,
        "around": partial(formatting.around, calendar=calendar),
        "day": partial(formatting.day_of, calendar=calendar),
        "moment": partial(formatting.moment_of, calendar=calendar),
        "short_moment": partial(formatting.short_moment, calendar=calendar),
        "amount": partial(formatting.amount, currency=settings.currency),
        "rounded": formatting.rounded,
        "percent": formatting.percent,
        "points": formatting.points,
        "likelihood": formatting.likelihood,
        "one_in": formatting.one_in,
        "sentence": formatting.sentence,
        "inside": formatting.inside,
        "listed": formatting.listed,
        "purposes_in": partial(formatting.purposes_in, titles={name: of.title for name, of in policy.purposes.items()}),
    }
    templates.filters["actor_title"] = partial(_title, titles=formatting.ACTORS)
    for kind in ("source", "purpose", "channel"):
        titles = {name: known.title for name, known in getattr(policy, f"{kind}s").items()}
        templates.filters[f"{kind}_title"] = partial(_title, titles=titles)
    served = {str(role): policy.purposes[name].title for role in ROLES if (name := policy.serving(role))}
    templates.filters["role_title"] = partial(_title, titles=served)
    return PageRenderer(bank=bank, templates=templates)


def address(*segments: str, as_of: str = "", **query: str) -> str:
    """Give the address of a page from its segments; each is encoded, slashes too.

    Examples
    --------
    >>> address("customer", "a/b", "forecast", as_of="1993-12-31")
    '/customer/a%2Fb/forecast?as_of=1993-12-31'
    """
    query = {name: value for name, value in {**query, "as_of": as_of}.items() if value}
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    return "/" + "/".join(quote(segment, safe="") for segment in segments) + (f"?{asked}" if asked else "")


def redirect(to: str) -> Response:
    """Send the visitor on after a form, so that reloading sends nothing twice."""
    return RedirectResponse(to, status_code=303)


def attachment(body: bytes, *, media: str, name: str) -> Response:
    """Give a file to keep."""
    return Response(body, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _title(name: str, *, titles: Mapping[str, str]) -> str:
    return titles.get(name, name)


def _digest(body: bytes) -> str:
    return blake2b(body, digest_size=6).hexdigest()

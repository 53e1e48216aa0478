"""The application: every route, the one adapter from requests to worker threads, and what every answer carries."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from importlib.metadata import version
from time import perf_counter
from typing import TypeVar
from urllib.parse import quote

import anyio
import msgspec
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marketofone.domain.errors import StoreBusy
from marketofone.domain.languages import Language
from marketofone.services.bank import Bank
from marketofone.services.rights.customer_links import CustomerLinks, delegate_of, language_of
from marketofone.services.rights.first_consent import came_of_age
from marketofone.web import metrics, security, visits
from marketofone.web.api.openapi import document
from marketofone.web.api.operations import OPERATIONS, Operation
from marketofone.web.console import pages as console
from marketofone.web.customer import pages as customer
from marketofone.web.customer.acting import shown_to_delegate
from marketofone.web.negotiation import negotiated
from marketofone.web.page_renderer import STATIC, Page, PageRenderer, address, renderers_of
from marketofone.web.problem import MEDIA_TYPE, problem_of
from marketofone.web.request_data import FORM, JSON, MAX_BODY_BYTES, Inflow, RequestData, receive

T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]
Renderers = Mapping[Language, PageRenderer]

ACTOR = "http"
THREADS = 4  # calls into the bank at once; they mostly wait for the disk, or for each other
BACKLOG = 256  # calls waiting for a thread; more are asked to come again
FRESH = {"Cache-Control": "no-store"}
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}  # addresses of static files carry their digest


def build_app(bank: Bank, *, secret: bytes | None = None) -> Starlette:
    """Build the application over an opened bank.

    Parameters
    ----------
    secret
        What signs the tokens of forms, where several processes answer for one bank.

    Returns
    -------
    An ASGI application. It answers only to loopback's own names; closing the bank stays the caller's. From its startup
    to its shutdown the bank learns from outcomes beside the way.
    """
    bank.context.actor = ACTOR
    renderers, measured = renderers_of(bank), metrics.Metrics()
    room = _Room(bank, renderers, security.Forms(secret or secrets.token_bytes(32)))
    described = msgspec.json.encode(document(bank.config, version=version("marketofone")))
    methods: dict[str, dict[str, Endpoint]] = {
        "/openapi.json": {"GET": _plain(lambda: described, JSON)},
        "/metrics": {"GET": _plain(measured.text, metrics.MEDIA_TYPE)},
    }
    for name, (body, media) in STATIC.items():
        methods[f"/static/{name}"] = {"GET": _plain(partial(bytes, body), media, headers=FOREVER)}
    for operation in OPERATIONS:
        methods.setdefault(operation.path, {})[operation.method] = _operation(operation, room)
    for page in (*customer.PAGES, *console.PAGES):
        methods.setdefault(page.path, {})[page.method] = _page(page, room)
    app = Starlette(
        routes=[Route(path, _dispatch(by), methods=list(by)) for path, by in methods.items()],
        middleware=[Middleware(SecurityMiddleware, measured=measured, renderers=renderers)],
        exception_handlers={HTTPException: partial(_refuse, renderers)},
        lifespan=partial(_learning, bank),
    )
    app.router.redirect_slashes = False
    return app


@asynccontextmanager
async def _learning(bank: Bank, app: Starlette) -> AsyncIterator[None]:  # noqa: ARG001 - the form of a lifespan
    with bank.learning.beside():
        yield


class _Threads:
    """A bounded pool of worker threads with a bounded queue before it."""

    def __init__(self, count: int) -> None:
        self._limiter = anyio.CapacityLimiter(count)

    async def run(self, work: Callable[[], T]) -> T:
        if self._limiter.statistics().tasks_waiting >= BACKLOG:
            raise StoreBusy
        return await run_sync(work, limiter=self._limiter)


class _Room:
    """What every endpoint works with: the bank, its pages, who may work at once, and how much may be in memory."""

    def __init__(self, bank: Bank, renderers: Renderers, forms: security.Forms) -> None:
        self.bank = bank
        self.renderers = renderers
        self.forms = forms
        self.links = CustomerLinks.of(bank.context)
        self.inflow = Inflow()
        self.threads = _Threads(THREADS)
        self.aside = _Threads(1)  # health is answered while all others are at work


def _operation(operation: Operation, room: _Room) -> Endpoint:
    threads = room.aside if operation.aside else room.threads

    async def answer(request: Request) -> Response:
        with room.inflow.holding() as held:
            request_data = await receive(request, held=held, accepts=operation.media, limit=operation.limit)
            with nullcontext() if operation.bulk else room.bank.context.right_of_way.answering():
                body = await threads.run(lambda: msgspec.json.encode(operation.run(room.bank, request_data)))
        return Response(body, operation.status, FRESH, JSON)

    return answer


def _page(page: Page, room: _Room) -> Endpoint:
    accepts = (FORM,) if page.method == "POST" else ()

    async def answer(request: Request) -> Response:
        token = room.forms.token_of(request)
        with room.inflow.holding() as held:
            request_data = await receive(request, held=held, accepts=accepts, limit=MAX_BODY_BYTES, token=token)
            customer, visit = request_data.path.get("customer") if page.is_own else None, ""
            if customer is not None:
                opened = visits.opened(room.links, request, customer)
                if opened is not None:
                    lent = delegate_of(request.query_params["link"]) is not None
                    home = page.is_home and not lent
                    return await room.threads.run(partial(_landed, room.bank, customer, opened)) if home else opened
                visit = visits.renewed(room.links, request, customer)
                if visits.chosen(request) in room.renderers:
                    return visits.kept(request, customer, visit=visit)
            renderer = _renderer(room.renderers, request, language_of(visit))
            if accepts:
                room.forms.check(request, request_data.form.get("token", ""))
            with room.bank.context.right_of_way.answering():
                response = await room.threads.run(partial(_shown, page, renderer, request_data, delegate_of(visit)))
        security.hand_out(response, token)
        if customer is not None:
            visits.leave(response, customer, visit=visit)
        response.headers.update(FRESH)
        return response

    return answer


def _shown(page: Page, renderer: PageRenderer, request_data: RequestData, delegate: str | None) -> Response:
    if delegate is None:
        return page.show(renderer, request_data)
    return shown_to_delegate(page, renderer, request_data, name=delegate)


def _landed(bank: Bank, customer: str, opened: Response) -> Response:
    """Lead somebody whose link opens their first page, and who came of age, to what they are asked anew."""
    if came_of_age(bank.context, customer, now=bank.now()):
        opened.headers["location"] = address("customer", customer, "first")
    return opened


def _renderer(renderers: Renderers, request: Request, chosen: Language | None) -> PageRenderer:
    """Give the renderer of the language in which a visitor reads: what they chose, else what their browser asks for.

    Only customers choose; all else is English.
    """
    english = renderers["en"]
    if not request.scope["path"].startswith("/customer/"):
        return english
    offered = english.bank.config.settings.languages
    if chosen in offered:
        return renderers[chosen]
    return renderers[negotiated(request.headers.get("accept-language", ""), offered=offered, otherwise=offered[0])]


def _plain(body: Callable[[], bytes | str], media: str, *, headers: Mapping[str, str] = FRESH) -> Endpoint:
    async def answer(request: Request) -> Response:  # noqa: ARG001 - the form of an endpoint
        return Response(body(), 200, headers, media)

    return answer


def _dispatch(by_method: dict[str, Endpoint]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await by_method["GET" if request.method == "HEAD" else request.method](request)

    return endpoint


class SecurityMiddleware:
    """Around every request: known hosts, undecoded paths, security headers, measures, an answer to every error.

    Routes are matched on the undecoded path, so that an encoded slash within an id stays within it.
    """

    def __init__(self, app: ASGIApp, *, measured: metrics.Metrics, renderers: Renderers) -> None:
        self._app = app
        self._measured = measured
        self._renderers = renderers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        raw = scope.get("raw_path") or quote(scope["path"]).encode()
        scope["path"] = raw.partition(b"?")[0].decode("latin-1")
        status = 0

        async def guarded(sent: Message) -> None:
            nonlocal status
            if sent["type"] == "http.response.start":
                status = sent["status"]
                sent["headers"] = [*sent.get("headers", ()), *security.HEADERS]
            await send(sent)

        try:
            headers = Request(scope).headers
            security.check_host(headers.get("host", ""))
            security.check_site(headers, method=scope["method"])
            await self._app(scope, receive, guarded)
        except ClientDisconnect:
            return
        except Exception as error:  # the last door: whatever it is, it gets a documented answer
            if status:
                raise
            response = await _refuse(self._renderers, Request(scope), error)
            await response(scope, receive, guarded)
        route = getattr(scope.get("route"), "path", "unknown")
        self._measured.record(route=route, method=_method(scope), status=status, seconds=perf_counter() - began)


async def _refuse(renderers: Renderers, request: Request, error: Exception) -> Response:
    problem, headers = problem_of(error)
    headers = {**FRESH, **headers}
    if not request.url.path.startswith("/v1/") and "text/html" in request.headers.get("accept", ""):
        renderer = _renderer(renderers, request, language_of(request.cookies.get(visits.COOKIE, "")))
        return Response(renderer.problem(problem), problem.status, headers, "text/html")
    return Response(msgspec.json.encode(problem), problem.status, headers, MEDIA_TYPE)


def _method(scope: Scope) -> str:
    known = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}
    return scope["method"] if scope["method"] in known else "other"  # anybody may invent methods, and labels are kept

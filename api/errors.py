"""Every refusal as problem+json (RFC 9457): one table from meaning to HTTP status, never a traceback."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.words import MISSING, Language, language_of, title
from api.words_fields import field_problem
from caretaker.domain import errors
from caretaker.sentences import in_chinese

_log = structlog.get_logger(__name__)

STATUS: Final[Mapping[type[errors.CaretakerError], int]] = {
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Refused: 422,
    errors.BadReading: 422,
    errors.NotAllowed: 403,
    errors.TooMany: 429,
    errors.JournalFull: 503,
    errors.Unavailable: 503,
    errors.RecordTooLarge: 413,
}


class SignInNeeded(errors.CaretakerError):
    """Nobody is signed in."""

    code = "sign_in"


class Problem(errors.CaretakerError):
    """A refusal of the HTTP layer itself: `code` of words.py and a status."""

    def __init__(self, status: int, code: str, detail: str = "", **facts: object) -> None:
        super().__init__(detail, **facts)
        self.status = status
        self.code = code


def problem(request: Request, status: int, code: str, detail: str, facts: Mapping[str, object]) -> JSONResponse:
    """The answer: `title` says the kind of refusal, `detail` the exact sentence with its names, as the reader reads."""
    header = request.headers.get("accept-language")
    language = language_of(header)
    headers = {"Content-Language": "zh-CN" if language == "zh" else "en", "Vary": "Accept-Language"}
    if status in (503, 429):
        headers["Retry-After"] = str(facts.get("retry_after_s", 5))
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = {
        "type": f"urn:caretaker:problem:{code}",
        "title": title(code, language),
        "status": status,
        "detail": (in_chinese(detail) if _told_in(header) == "zh" else detail) or title(code, language),
        "code": code,
        "facts": {key: value if _plain(value) else str(value) for key, value in facts.items()},
    }
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def unexpected(request: Request, error: Exception) -> JSONResponse:
    """An error of ours: logged once with an incident id, which is all the answer tells."""
    incident = secrets.token_hex(4)
    _log.error("request failed", incident=incident, path=request.url.path, exc_info=error)
    return problem(request, 500, "internal", "", {"incident": incident})


_HTTP: Final[Mapping[int, str]] = {
    400: "refused",
    401: "sign_in",
    403: "not_allowed",
    404: "not_found",
    405: "method",
    413: "too_large",
}


def _field(kind: str, where: tuple[int | str, ...]) -> str:
    """body, comment -> comment; a broken JSON text has no field, only a place."""
    if kind == "json_invalid":
        return f"body (character {where[-1]})"
    return ".".join(str(part) for part in where[1:]) or str(where[0])


def _told_in(header: str | None) -> Language:
    """The language of sentences. Who names none is a program: it reads the English that the logs have."""
    return language_of(header) if (header or "").strip() else "en"


def _plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool | list | dict)


def install(app: FastAPI) -> None:
    """Register the handlers."""

    async def caretaker(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, Problem):
            return problem(request, error.status, error.code, error.message, error.facts)
        if isinstance(error, SignInNeeded):
            return problem(request, 401, error.code, error.message, error.facts)
        if not isinstance(error, errors.CaretakerError):
            raise error
        status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
        if status == 500:
            return unexpected(request, error)
        code = str(error.facts.get("code", error.code))
        return problem(request, status, code, error.message, error.facts)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, RequestValidationError):
            raise error
        language = _told_in(request.headers.get("accept-language"))
        fields = [
            {"field": _field(item["type"], item["loc"]), "problem": field_problem(item, language)}
            for item in error.errors()[:20]
        ]
        detail = ("；" if language == "zh" else "; ").join(MISSING[language].format(**field) for field in fields)
        return problem(request, 422, "refused", detail, {"fields": fields})

    async def http(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, HTTPException):
            raise error
        answer = problem(request, error.status_code, _HTTP.get(error.status_code, "error"), str(error.detail), {})
        for name, value in (error.headers or {}).items():
            answer.headers[name] = value
        return answer

    app.add_exception_handler(errors.CaretakerError, caretaker)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)

"""`/ca`: how a phone comes to trust the building's own CA. Over plain http and without sign-in, because its readers have
neither; it tells the CA's fingerprint and nothing about the site. Made here, so that it needs no build and old browsers."""

from __future__ import annotations

from html import escape
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from api import qr
from api.doors import Doors, Reach, reach
from api.words import Language, language_of
from api.words_install import WORDS

_PLATFORMS: Final = ("android", "harmony", "iphone", "computer")
_STYLE: Final = """
:root{color-scheme:light dark;--bg:#f3f5f6;--card:#fff;--t1:#141d25;--t2:#45505b;--line:#dde2e6;--pri:#0f5c6e;--on:#fff;
--ok:#1f623a;--okb:#e7f4ec;--w:#934000;--wb:#fdf0e3}
@media (prefers-color-scheme:dark){:root{--bg:#0e1317;--card:#151b20;--t1:#e6ecf0;--t2:#b4bfc8;--line:#28323a;--pri:#62bccf;
--on:#05222a;--ok:#86d6a6;--okb:#12291c;--w:#ffb577;--wb:#30200f}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--t1);font:16px/1.6 "PingFang SC","HarmonyOS Sans SC",
"Microsoft YaHei UI","Noto Sans CJK SC",system-ui,sans-serif;overflow-wrap:anywhere}
main{max-width:640px;margin:0 auto;padding:16px;display:flex;flex-direction:column;gap:12px}
header{display:flex;gap:12px;align-items:baseline;justify-content:space-between}h1{font-size:20px;line-height:1.3;margin:0}
h2{font-size:16px;margin:0 0 6px}p{margin:0}section{background:var(--card);border:1px solid var(--line);border-radius:8px;
padding:14px;display:flex;flex-direction:column;gap:8px}.t2{color:var(--t2)}a{color:var(--pri)}
.lang{white-space:nowrap;padding:10px}
code{font:14px/1.5 ui-monospace,Menlo,monospace}.btn{display:block;text-align:center;background:var(--pri);color:var(--on);
border-radius:8px;padding:12px;text-decoration:none;font-weight:600}.note{border-radius:8px;padding:10px 12px}
.warn{background:var(--wb);color:var(--w)}.yes{background:var(--okb);color:var(--ok)}
summary{padding:8px 0;font-weight:600}ol{margin:0;padding-left:22px}svg{width:180px;height:180px}
"""


def install(app: FastAPI, doors: Doors | None) -> None:
    """The page and the certificate. Must be installed before the page's catch-all."""

    @app.api_route("/ca", methods=["GET", "HEAD"], include_in_schema=False)
    def page(request: Request, lang: str = "") -> Response:
        language = _language(request, lang)
        found = reach(request, doors)
        known = None if doors is None else doors.known()
        if known is None or known.fingerprint is None:
            text = WORDS["none_own" if found.secure else "none_off"][language]
            body = f'<p class="note">{escape(text)}</p>'
            if found.secure:
                body += _open(found, language)
        else:
            body = _steps(request, found, known.fingerprint, language)
        return HTMLResponse(_frame(body, language), headers=_headers(found, language))

    @app.api_route("/ca/caretaker-ca.crt", methods=["GET", "HEAD"], include_in_schema=False)
    def certificate() -> Response:
        authority = None if doors is None or doors.https is None else doors.certificates.authority()
        if authority is None:
            return Response(status_code=404)
        # inline: iOS offers to install what it is shown, and only files away what it downloads
        named = {"Content-Disposition": 'inline; filename="caretaker-ca.crt"', "Cache-Control": "no-cache"}
        return Response(authority, headers=named, media_type="application/x-x509-ca-cert")

    @app.api_route("/ca/here", methods=["GET", "HEAD"], include_in_schema=False)
    def here() -> Response:
        """Asked over https: an answer means that the certificate is trusted."""
        return Response(status_code=204, headers={"Cache-Control": "no-store"})


def _language(request: Request, lang: str) -> Language:
    return "en" if lang == "en" else "zh" if lang == "zh" else language_of(request.headers.get("accept-language"))


def _headers(found: Reach, language: Language) -> dict[str, str]:
    return {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; script-src 'self'; "
        f"connect-src 'self' {found.base}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
        "Content-Language": "zh-CN" if language == "zh" else "en",
        "Vary": "Accept-Language, User-Agent",
    }


def _frame(body: str, language: Language) -> str:
    title, other = WORDS["title"][language], "en" if language == "zh" else "zh"
    return (
        f'<!doctype html><html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="/caretaker.svg">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main><header><h1>{escape(title)}</h1>"
        f'<a class="lang" lang="{other}" href="/ca?lang={other}">{escape(WORDS["other"][language])}</a></header>'
        f'{body}</main><script src="/ca.js"></script></body></html>'
    )


def _steps(request: Request, found: Reach, fingerprint: str, language: Language) -> str:
    def said(key: str) -> str:
        return escape(WORDS[key][language])

    agent = request.headers.get("user-agent", "")
    parts = [f"<p>{said('why')}</p>"]
    if "MicroMessenger" in agent:
        parts.append(f'<p class="note warn" role="alert">{said("wechat")}</p>')
    parts.append(
        f"<section><h2>{said('step1')}</h2><p>{said('compare')}</p>"
        f'<code id="fingerprint">{escape(fingerprint.replace(":", " "))}</code>'
        f'<a class="btn" href="/ca/caretaker-ca.crt">{said("download")}</a><p class="t2">{said("limits")}</p></section>'
    )
    usual = _platform(agent)
    hows = []
    for name in _PLATFORMS:
        steps = "".join(f"<li>{escape(step)}</li>" for step in WORDS[f"{name}_how"][language].split("|"))
        opened = " open" if name == usual else ""
        hows.append(f"<details{opened}><summary>{said(name)}</summary><ol>{steps}</ol></details>")
    parts.append(f"<section><h2>{said('step2')}</h2>{''.join(hows)}</section>")
    parts.append(
        f"<section><h2>{said('step3')}</h2>"
        f'<p class="note warn" id="ready" role="status" data-probe="{escape(found.base)}/ca/here" '
        f'data-yes="{said("ready")}">{said("waiting")}</p>{_open(found, language)}<p class="t2">{said("then")}</p></section>'
    )
    return "".join(parts)


def _open(found: Reach, language: Language) -> str:
    url = f"{found.base}/m"
    return (
        f'<a class="btn" id="open" href="{escape(url)}">{escape(WORDS["open"][language])}</a>'
        f'<p class="t2">{escape(url)}</p><div role="img" aria-label="{escape(WORDS["qr"][language])}">{qr.svg(url)}</div>'
    )


def _platform(agent: str) -> str:
    if "HarmonyOS" in agent or "OpenHarmony" in agent:
        return "harmony"
    if "Android" in agent:
        return "android"
    if "iPhone" in agent or "iPad" in agent:
        return "iphone"
    return "computer"

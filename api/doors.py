"""Where this process listens, what a phone must open to get there, and the https door with its certificate."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.requests import Request

from caretaker.config import Settings
from caretaker.domain.certificates import BadCertificate, Certificate
from caretaker.domain.errors import ConfigurationError
from caretaker.ports import Clock
from caretaker.ports.certificates import Certificates

_log = structlog.get_logger(__name__)
ANYWHERE: Final = "0.0.0.0"  # noqa: S104
HTTPS: Final = f"{ANYWHERE}:8443"  # phones come from the building's network
OFF: Final = "off"
_RENEW_EVERY_S: Final = 3600.0

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Doors:
    """`http` is for this machine, and for the pages of strangers; with `https` what carries a secret needs TLS."""

    http: Address
    https: Address | None
    certificates: Certificates

    def known(self) -> Certificate | None:
        """What the secure door shows; None without one, and when its files were taken away under a running house."""
        try:
            return None if self.https is None else self.certificates.current()
        except BadCertificate:
            return None


@dataclass(frozen=True, slots=True)
class Reach:
    """What a phone on the building's network opens.

    base       scheme, host and port of the phone page
    open_base  the same for strangers, who have not installed a certificate
    secure     a browser gives camera, offline use and signatures only then
    reachable  false: only this machine hears us
    install    the page that installs the local CA; None when phones need none
    """

    base: str
    open_base: str
    secure: bool
    reachable: bool
    install: str | None


def open_door(settings: Settings, certificates: Certificates, now_ns: int) -> Address | None:
    """Where the https door is to listen, its certificate renewed when due; None without one.

    Raises ConfigurationError (BadCertificate) when https was asked for and there is no certificate.
    """
    if settings.https == OFF:
        return None
    if certificates.current() is None:
        if settings.https:
            raise BadCertificate("none", f"https {settings.https}: there is no certificate; run `caretaker tls init`")
        return None
    certificates.keep_fresh(now_ns)
    host, _, port = (settings.https or HTTPS).rpartition(":")
    return host, int(port)


def reach(request: Request, doors: Doors | None) -> Reach:
    """From the address that was asked for; when that names this machine to itself, from what the machine is called."""
    asked = request.url.hostname or ""
    if doors is None or (request.url.scheme == "https" and doors.https is None):  # a proxy's https
        base = str(request.base_url).rstrip("/")
        return Reach(base, base, request.url.scheme == "https", not is_loopback(asked), None)
    if doors.https is None and not is_loopback(asked):  # perhaps by another port, through a proxy or a container
        base = str(request.base_url).rstrip("/")
        return Reach(base, base, secure=False, reachable=True, install=None)
    return ways(None if is_loopback(asked) else asked, doors)


def ways(host: str | None, doors: Doors) -> Reach:
    """The same for this host; None: for the likeliest name or address of this machine."""
    wide = not is_loopback(doors.http[0])
    if doors.https is None:
        if host is None and wide:
            host = doors.http[0] if doors.http[0] != ANYWHERE else next(iter(doors.certificates.addresses()), None)
        plain = _url("http", host or "127.0.0.1", doors.http[1])
        return Reach(plain, plain, secure=False, reachable=host is not None, install=None)
    known = doors.known()
    if host is None or (known is not None and not known.covers(host)):
        host = _name_for_phones(known, doors)
    secure = _url("https", host, doors.https[1])
    plain = _url("http", host, doors.http[1]) if wide else secure
    reachable = not (is_loopback(host) or is_loopback(doors.https[0]))
    local = known is not None and known.local
    return Reach(secure, plain if local else secure, True, reachable, f"{plain}/ca" if local else None)


def _name_for_phones(known: Certificate | None, doors: Doors) -> str:
    """The first name of the certificate that is not this machine's name for itself; without one its address."""
    bound = "" if doors.https is None else doors.https[0]
    hosts = () if known is None else known.hosts
    if bound in hosts and not is_loopback(bound):
        return bound
    named = (host for host in (*hosts, *doors.certificates.addresses()) if not host.startswith("*"))
    return next((host for host in named if not is_loopback(host)), "127.0.0.1")


def is_loopback(host: str) -> bool:
    """Does this name lead back to the machine that asks?"""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost") or not host


def _url(scheme: str, host: str, port: int) -> str:
    usual = {"http": 80, "https": 443}[scheme]
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" if port == usual else f"{scheme}://{shown}:{port}"


class SecureDoor:
    """TLS with a certificate that is exchanged while the door is open: new connections get the new one."""

    def __init__(self, address: Address, certificates: Certificates, clock: Clock, look_s: float = 5.0) -> None:
        self.address = address
        self._look_s = look_s
        self._certificates, self._clock = certificates, clock
        self._loaded = certificates.changed()
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.set_alpn_protocols(["http/1.1"])
        certificates.load_into(self.context)

    async def watch(self) -> None:
        """Until cancelled: renew what is due, load what has changed. What fails is told once, the old one stays."""
        trouble = ""
        since_renewal = 0.0
        while True:
            await asyncio.sleep(self._look_s)
            since_renewal += self._look_s
            try:
                if since_renewal >= _RENEW_EVERY_S:
                    since_renewal = 0.0
                    await asyncio.to_thread(self._certificates.keep_fresh, self._clock.now_ns())
                changed = await asyncio.to_thread(self._tried)
                # in this thread, where handshakes are: one between certificate and key would get the one without the other
                if changed != self._loaded:
                    self._certificates.load_into(self.context)
                    self._loaded = changed
                    _log.info("certificate_loaded")
                trouble = ""
            except BadCertificate as wrong:
                if wrong.message != trouble:
                    _log.error("certificate_not_loaded", reason=wrong.message)
                trouble = wrong.message

    def _tried(self) -> float:
        """When the files changed last; a pair that does not fit is found out here, not in the context of the open door."""
        changed = self._certificates.changed()
        if changed != self._loaded:
            self._certificates.load_into(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))
        return changed


def cannot_listen(address: Address, wrong: OSError) -> ConfigurationError:
    """For a port that is taken."""
    return ConfigurationError(f"https {address[0]}:{address[1]}: cannot listen there ({wrong.strerror})")

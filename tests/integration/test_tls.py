"""https with the building's own CA: real TLS between real sockets, and what `caretaker tls` makes and refuses."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import stat
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from typer.testing import CliRunner

from api.compose import serve
from api.doors import Doors, Reach, open_door, ways
from caretaker import bootstrap
from caretaker.adapters.certificates import CertificateFolder
from caretaker.cli import app as commands
from caretaker.cli import main
from caretaker.config import load
from caretaker.domain.certificates import DAY_NS, BadCertificate
from caretaker.domain.errors import ConfigurationError
from caretaker.domain.people import Role
from tests.factories import ROOT
from tests.integration.api_house import ApiHouse, api_house, problem_of
from tests.servers import free_port

NAME = "caretaker.lan"
NOW = 1_800_000_000_000_000_000


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with api_house(tmp_path_factory.mktemp("tls"), secure=(NAME,)) as opened:
        yield opened


def address(house: ApiHouse) -> tuple[str, int]:
    assert house.doors.https is not None
    return house.doors.https


def trusting(*authorities: bytes | None) -> ssl.SSLContext:
    """A client that trusts these CAs and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for one in authorities:
        assert one is not None
        context.load_verify_locations(cadata=one)
    return context


def serial(house: ApiHouse, context: ssl.SSLContext) -> int:
    with (
        socket.create_connection(address(house), 5) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as door,
    ):
        shown = door.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown).serial_number


def test_who_trusts_the_ca_is_served_with_cookies_bound_to_the_host_and_nobody_else_is(
    house: ApiHouse, tmp_path: Path
) -> None:
    url = "https://{}:{}".format(*address(house))
    stranger = CertificateFolder(tmp_path)
    stranger.make((), house.clock.now_ns())

    with httpx.Client(base_url=url, verify=trusting(house.doors.certificates.authority())) as client:
        signed = client.post("/api/v1/session", json={"code": house.link(Role.SUPERVISOR)})
        again = client.get("/api/v1/session")
    for context in (trusting(stranger.authority()), ssl.create_default_context()):
        with (
            httpx.Client(base_url=url, verify=context) as client,
            pytest.raises(httpx.ConnectError, match="CERTIFICATE"),
        ):
            client.get("/api/v1/health")

    assert signed.status_code == again.status_code == 200
    cookie = signed.headers["set-cookie"]
    assert cookie.startswith("__Host-caretaker_session=")
    assert "Secure" in cookie


def test_a_renewed_certificate_is_shown_without_a_restart(house: ApiHouse) -> None:
    certificates = house.doors.certificates
    assert isinstance(certificates, CertificateFolder)
    context = trusting(certificates.authority())
    before = serial(house, context)

    certificates.renew(house.clock.now_ns())
    end = time.monotonic() + 20
    while serial(house, context) == before and time.monotonic() < end:
        time.sleep(0.05)

    assert serial(house, context) != before


def test_the_ca_is_private_constrained_and_its_certificates_are_short_enough_for_phones(tmp_path: Path) -> None:
    made = CertificateFolder(tmp_path)
    found = made.make(("caretaker.example.com", "203.0.113.7"), NOW)

    assert stat.S_IMODE((tmp_path / "ca.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "server.pem").stat().st_mode) == 0o600
    assert {"caretaker.example.com", "203.0.113.7", "localhost", "127.0.0.1"} <= set(found.hosts)
    assert found.not_after_ns - found.not_before_ns <= 397 * DAY_NS
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    assert authority.extensions.get_extension_for_class(x509.NameConstraints).critical
    with pytest.raises(BadCertificate, match=r"does not vouch for bank\.example"):
        made.make(("bank.example",), NOW)


def test_a_stolen_ca_key_cannot_play_another_web_site(tmp_path: Path) -> None:
    """The client refuses what lies outside the CA's constraints, whoever signed it."""
    made = CertificateFolder(tmp_path)
    made.make((), time.time_ns())
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    signer = load_pem_private_key((tmp_path / "ca.key").read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    cert, key = forged(tmp_path, "bank.example", issuer=authority.subject, signer=signer)
    here, there = socket.socketpair()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    client, theirs = trusting(made.authority()), ssl.MemoryBIO()
    incoming, outgoing, answer = ssl.MemoryBIO(), ssl.MemoryBIO(), ssl.MemoryBIO()
    asks = client.wrap_bio(incoming, outgoing, server_hostname="bank.example")
    tells = server.wrap_bio(theirs, answer, server_side=True)

    with here, there, pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        for _ in range(4):
            with contextlib.suppress(ssl.SSLWantReadError):
                asks.do_handshake()
            theirs.write(outgoing.read())
            with contextlib.suppress(ssl.SSLWantReadError):
                tells.do_handshake()
            incoming.write(answer.read())


def test_renewal_comes_in_the_last_30_days_and_keeps_the_ca(tmp_path: Path) -> None:
    made = CertificateFolder(tmp_path)
    first = made.make(("caretaker.lan",), NOW)

    assert made.keep_fresh(NOW + 360 * DAY_NS) is False
    assert made.keep_fresh(NOW + 370 * DAY_NS) is True
    renewed = made.current()
    assert renewed is not None
    assert renewed.days_left(NOW + 370 * DAY_NS) > 390
    assert (renewed.fingerprint, renewed.hosts) == (first.fingerprint, first.hosts)


def test_a_key_that_is_not_the_cas_signs_nothing(tmp_path: Path) -> None:
    """Phones would refuse such a certificate, and the good one would be gone."""
    made = CertificateFolder(tmp_path / "made")
    made.make((), NOW)
    CertificateFolder(tmp_path / "other").make((), NOW)
    (tmp_path / "other" / "ca.key").replace(tmp_path / "made" / "ca.key")
    before = (tmp_path / "made" / "server.pem").read_bytes()

    with pytest.raises(BadCertificate, match="is not the key of"):
        made.renew(NOW)
    assert (tmp_path / "made" / "server.pem").read_bytes() == before


def test_no_certificate_outlives_the_ca(tmp_path: Path) -> None:
    made = CertificateFolder(tmp_path)
    made.make((), NOW)
    late = NOW + (3650 - 100) * DAY_NS
    assert 90 < made.renew(late).days_left(late) <= 100


def forged(
    folder: Path,
    host: str | None,
    *,
    begins: int = -1,
    days: int = 90,
    password: bytes | None = None,
    more: str | None = None,
    issuer: x509.Name | None = None,
    signer: ec.EllipticCurvePrivateKey | None = None,
) -> tuple[Path, Path]:
    """A certificate made by hand; PEM files of it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody")])
    begin = datetime.now(UTC) + timedelta(days=begins)
    builder = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer or subject).public_key(key.public_key())
    )
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begin)
    builder = builder.not_valid_after(begin + timedelta(days=days))
    if host is not None:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in (host, more) if name]), critical=False
        )
    encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
    folder.mkdir(exist_ok=True)
    cert, file = folder / "own.crt", folder / "own.key"
    cert.write_bytes(builder.sign(signer or key, SHA256()).public_bytes(Encoding.PEM))
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    return cert, file


def test_a_certificate_of_ones_own_is_used_where_it_lies_or_refused_with_the_reason(tmp_path: Path) -> None:
    now = time.time_ns()
    good = forged(tmp_path / "good", "caretaker.example.com")
    text = tmp_path / "note.txt"
    text.write_text("not a certificate", "utf-8")
    wrong = {
        "tls_no_match": (good[0], forged(tmp_path / "other", "caretaker.example.com")[1]),
        "tls_expired": forged(tmp_path / "old", "caretaker.example.com", begins=-91),
        "tls_not_yet": forged(tmp_path / "young", "caretaker.example.com", begins=2),
        "tls_no_hosts": forged(tmp_path / "nameless", None),
        "tls_locked": forged(tmp_path / "locked", "caretaker.example.com", password=b"secret"),
        "tls_unreadable": (text, good[1]),
    }
    folder = CertificateFolder(tmp_path / "tls")
    for code, (cert, key) in wrong.items():
        with pytest.raises(BadCertificate) as refused:
            folder.use(cert, key, now)
        assert refused.value.code == code
        assert folder.current() is None

    used = folder.use(*good, now)
    assert (used.hosts, used.fingerprint, folder.authority()) == (("caretaker.example.com",), None, None)
    with pytest.raises(BadCertificate, match="issuer renews"):
        folder.renew(now)
    before = folder.changed()
    forged(tmp_path / "good", "new.example.com", days=91)  # its issuer renewed it: same files, other content
    assert folder.changed() != before
    renewed = folder.current()
    assert renewed is not None
    assert renewed.hosts == ("new.example.com",)


@pytest.mark.parametrize(("language", "said"), [("zh_CN.UTF-8", "证书已签发"), ("C.UTF-8", "certificate made")])
def test_the_commands_speak_the_language_of_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], language: str, said: str
) -> None:
    monkeypatch.setenv("LC_ALL", language)
    made = CliRunner().invoke(commands, ["tls", "init", "--data", str(tmp_path)])
    shown = CliRunner().invoke(commands, ["tls", "show", "--data", str(tmp_path)])
    monkeypatch.setattr("sys.argv", ["caretaker", "tls", "init", "--host", "bad host", "--data", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()

    assert said in made.output
    assert "SHA-256" in shown.output
    assert ended.value.code == 2
    assert "bad host" in capsys.readouterr().err


def test_https_is_off_until_there_is_a_certificate_and_stays_off_when_told(tmp_path: Path) -> None:
    folder = CertificateFolder(tmp_path / "tls")
    assert open_door(load(data=tmp_path), folder, NOW) is None
    with pytest.raises(ConfigurationError, match="tls init"):
        open_door(load(data=tmp_path, https="0.0.0.0:8443"), folder, NOW)
    folder.make((), NOW)
    assert open_door(load(data=tmp_path), folder, NOW) == ("0.0.0.0", 8443)
    assert open_door(load(data=tmp_path, https="127.0.0.1:9443"), folder, NOW) == ("127.0.0.1", 9443)
    assert open_door(load(data=tmp_path, https="off"), folder, NOW) is None


def test_the_api_process_opens_both_doors_and_closes_them(tmp_path: Path) -> None:
    """`python -m api` as run_part runs it: one application behind two listeners."""
    plain, secure = free_port(), free_port()
    settings = load(data=tmp_path, http=f"127.0.0.1:{plain}", https=f"127.0.0.1:{secure}", site=ROOT / "sites" / "demo")
    bootstrap.open_certificates(settings).make((), time.time_ns())
    opened = bootstrap.open_house(settings, writer=True, owner=True, load_site=True)
    context = trusting(bootstrap.open_certificates(settings).authority())

    async def visit() -> list[int]:
        stop = asyncio.Event()
        running = asyncio.create_task(serve(opened, stop))
        codes: list[int] = []
        urls = [f"http://127.0.0.1:{plain}/api/v1/health", f"https://127.0.0.1:{secure}/api/v1/health"]
        async with httpx.AsyncClient(verify=context) as client:
            while not running.done():
                with contextlib.suppress(httpx.ConnectError):
                    codes = [(await client.get(url)).status_code for url in reversed(urls)]
                    break
                await asyncio.sleep(0.05)
            stop.set()
            await running
        return codes

    try:
        codes = asyncio.run(visit())
    finally:
        opened.close()

    assert codes == [200, 200]
    for port in (plain, secure):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1)


def test_health_complains_in_time_and_survives_the_loss_of_the_files(tmp_path: Path) -> None:
    with api_house(tmp_path, secure=(NAME,)) as house, house.client(Role.ADMIN) as desk:
        assert desk.get("/api/v1/health").json()["parts"]["https"]["facts"]["days_left"] in (396, 397)
        forged(tmp_path / "own", "caretaker.example.com", days=10)
        certificates = house.doors.certificates
        assert isinstance(certificates, CertificateFolder)
        certificates.use(tmp_path / "own" / "own.crt", tmp_path / "own" / "own.key", time.time_ns())
        part = desk.get("/api/v1/health").json()["parts"]["https"]
        assert part["status"] == "degraded"
        # certificates count in whole seconds: ten days less the day before and, between two seconds, a moment
        assert part["reason"] in {f"its certificate has {days} days left" for days in (8, 9)}
        (tmp_path / "own" / "own.crt").unlink()
        assert desk.get("/api/v1/health").json()["parts"]["https"]["status"] == "degraded"
        person = desk.post("/api/v1/people", json={"name": "赵强", "role": "guard"}).json()["id"]
        assert desk.post(f"/api/v1/people/{person}/enrolment").status_code == 201


@pytest.mark.parametrize(
    ("asked", "base"),
    [
        ("console.example.com", "https://console.example.com:8443"),
        ("192.168.7.20", "https://caretaker.example.com:8443"),
        (None, "https://caretaker.example.com:8443"),
    ],
)
def test_phones_are_sent_to_a_name_that_the_certificate_covers(tmp_path: Path, asked: str | None, base: str) -> None:
    folder = CertificateFolder(tmp_path / "tls")
    folder.use(*forged(tmp_path / "own", "caretaker.example.com", more="*.example.com"), time.time_ns())
    way = ways(asked, Doors(("0.0.0.0", 8080), ("0.0.0.0", 8443), folder))
    assert way == Reach(base, base, secure=True, reachable=True, install=None)


# ---------------------------------------------------------------- the plain door, once there is a secure one


class Network:
    """Somebody who reached the plain door from the building's network, by an address that the certificate does not name:
    https is offered under a name that it does."""

    def __init__(self, house: ApiHouse) -> None:
        self._transport = httpx.ASGITransport(house.http.config.loaded_app)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return asyncio.run(self._ask("GET", path, **more))

    def post(self, path: str, **more: Any) -> httpx.Response:
        return asyncio.run(self._ask("POST", path, **more))

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url="http://192.168.7.20:8080") as client:
            return await client.request(method, path, **more)


@pytest.fixture
def network(house: ApiHouse) -> Network:
    return Network(house)


def test_from_the_network_pages_lead_to_https_and_secrets_are_refused(house: ApiHouse, network: Network) -> None:
    port = address(house)[1]
    for path in ("/", "/m", "/m/enrol", "/sign-in"):
        moved = network.get(f"{path}?lang=en")
        assert (moved.status_code, moved.headers["location"]) == (307, f"https://{NAME}:{port}{path}?lang=en")
    assert network.get("/s/some-sticker").status_code != 307, "a stranger has installed nothing"
    assert network.get("/display/lobby").status_code != 307, "nor has a tablet on the wall"
    sticker = network.get("/api/v1/stickers/some-sticker")
    assert sticker.status_code not in (401, 426), sticker.text
    told = network.post("/api/v1/session", json={"code": house.link(Role.ADMIN)}, headers={"Accept-Language": "en"})
    problem_of(told, 426, "needs_https")
    problem_of(
        network.get("/api/v1/site", headers={"Authorization": f"Bearer {house.token(Role.ADMIN)}"}), 426, "needs_https"
    )
    with house.browser(Role.ADMIN) as known:
        stale = dict(known.cookies)
        assert known.get("/api/v1/site").status_code == 200, "this machine itself is served as ever"
    problem_of(network.get("/api/v1/site", headers={"Cookie": "; ".join(map("=".join, stale.items()))}), 401, "sign_in")


def test_a_stranger_on_plain_http_gets_the_certificate_its_fingerprint_and_nothing_else(
    house: ApiHouse, network: Network
) -> None:
    known = house.doors.certificates.current()
    assert known is not None
    assert known.fingerprint is not None
    page = network.get(
        "/ca", headers={"User-Agent": "Mozilla/5.0 (Linux; Android 14) MicroMessenger/8", "Accept-Language": "zh-CN"}
    )
    certificate = network.get("/ca/caretaker-ca.crt")

    assert page.status_code == 200
    assert known.fingerprint.replace(":", " ") in page.text
    assert "在浏览器打开" in page.text
    assert "<details open><summary>安卓" in page.text
    assert f'href="https://{NAME}:{address(house)[1]}/m"' in page.text
    assert house.estate.site.title.zh not in page.text
    assert "Install anyway" in network.get("/ca?lang=en").text
    assert certificate.headers["content-type"] == "application/x-x509-ca-cert"
    assert (
        x509.load_der_x509_certificate(certificate.content).fingerprint(SHA256()).hex(":").upper() == known.fingerprint
    )


def test_a_stranger_on_plain_http_reads_a_sticker_and_reports(house: ApiHouse, network: Network) -> None:
    with house.client(Role.ADMIN) as desk:
        place = {"id": "door", "title": {"zh": "门", "en": "Door"}, "space": "b1-f1"}
        assert desk.post("/api/v1/checkpoints", json=place).status_code == 200
        (label,) = desk.get("/api/v1/labels", params={"checkpoints": "door"}).json()["items"]
    path = "/api/v1/stickers/" + str(label["url"]).rpartition("/s/")[2]
    body = {"key": str(uuid.uuid4()), "fault": "door", "description": "锁不上"}
    own = {"Origin": "http://192.168.7.20:8080", "Sec-Fetch-Site": "same-origin"}

    assert network.get(path).json()["title"]["zh"] == "门"
    assert network.post(f"{path}/work-requests", json=body, headers=own).status_code == 201
    assert network.get(f"{path}/work-requests/{body['key']}").json()["progress"] == "waiting"


def test_the_enrolment_code_shows_an_address_that_a_phone_can_open(house: ApiHouse, tmp_path: Path) -> None:
    with house.client(Role.ADMIN) as desk:
        person = desk.post("/api/v1/people", json={"name": "赵强", "role": "guard"}).json()["id"]
        made = desk.post(f"/api/v1/people/{person}/enrolment").json()
    assert made["secure"] is True
    assert made["url"].startswith("https://")
    assert made["install"]["url"].endswith("/ca")

    with api_house(tmp_path) as plain, plain.client(Role.ADMIN) as desk:
        person = desk.post("/api/v1/people", json={"name": "赵强", "role": "guard"}).json()["id"]
        made = desk.post(f"/api/v1/people/{person}/enrolment").json()
        assert (made["secure"], made["reachable"], made["install"]) == (False, False, None)
        told = desk.get("/ca", headers={"Accept-Language": "zh"})
        assert "还没有开 https" in told.text
        assert desk.get("/ca/caretaker-ca.crt").status_code == 404

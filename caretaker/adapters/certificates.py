"""A local certification authority and its server certificate in files of the data folder, or paths to one's own.

tls/choice.json   {"hosts": [...]} or {"cert": path, "key": path}
tls/ca.key        0600; the authority's key
tls/ca.crt        what phones install
tls/server.pem    0600; key and certificate of the https door in one file, so that they are exchanged together
"""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from caretaker.adapters import lan
from caretaker.domain.certificates import CA_DAYS, LEAF_DAYS, BadCertificate, Certificate

_PRIVATE: Final = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8"),
    *("fc00::/7", "fe80::/10", "::1/128"),
)
_HOME: Final = ("local", "lan", "home.arpa", "internal", "localhost")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CertificateFolder:
    """`ports.certificates.Certificates` on `<folder>`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._choice = folder / "choice.json"
        self._ca_key = folder / "ca.key"
        self._ca = folder / "ca.crt"
        self._server = folder / "server.pem"

    # ---- what is there

    def current(self) -> Certificate | None:
        """What is in force."""
        choice = self._read_choice()
        if choice is None:
            return None
        leaf = _certificates(self._files(choice)[0])[0]
        print_ = None if "cert" in choice else _fingerprint(_certificates(self._ca)[0])
        before, after = (_ns(when) for when in (leaf.not_valid_before_utc, leaf.not_valid_after_utc))
        return Certificate(_hosts_of(leaf), before, after, print_)

    def authority(self) -> bytes | None:
        """The local CA (DER)."""
        choice = self._read_choice()
        return None if choice is None or "cert" in choice else _certificates(self._ca)[0].public_bytes(Encoding.DER)

    def addresses(self) -> Sequence[str]:
        """Of this machine."""
        return lan.addresses()

    def changed(self) -> float:
        """The newest of the files' times."""
        choice = self._read_choice()
        try:
            return 0.0 if choice is None else max(path.stat().st_mtime for path in self._files(choice))
        except OSError as wrong:
            raise _unreadable(self._files(choice or {})[0], wrong) from wrong

    def load_into(self, context: ssl.SSLContext) -> None:
        """For the connections to come."""
        choice = self._read_choice()
        if choice is None:
            raise BadCertificate("none", "there is no certificate yet: run `caretaker tls init` first")
        cert, key = self._files(choice)
        try:
            context.load_cert_chain(cert, key, password=_no_password)
        except (OSError, ValueError) as wrong:  # SSLError is an OSError
            raise _unreadable(cert, wrong) from wrong

    # ---- making

    def make(self, asked: Sequence[str], now_ns: int, *, new_authority: bool = False) -> Certificate:
        """A certificate for these hosts and this machine's own, by the CA that is there or a new one."""
        if new_authority or not (self._ca.exists() and self._ca_key.exists()):
            self._make_authority(asked, now_ns)
        self._make_leaf(asked, now_ns)
        self._write(self._choice, json.dumps({"hosts": list(asked)}).encode(), 0o600)
        return self._in_force()

    def use(self, cert: Path, key: Path, now_ns: int) -> Certificate:
        """One's own certificate. The files stay where they are: who renews them need do nothing here."""
        cert, key = cert.absolute(), key.absolute()
        leaf = _certificates(cert)[0]
        if _private_key(key).public_key() != leaf.public_key():
            raise BadCertificate("no_match", f"{key} is not the key of {cert}", key=key, cert=cert)
        until = leaf.not_valid_after_utc
        if _ns(until) <= now_ns:
            raise BadCertificate("expired", f"{cert} expired on {until:%Y-%m-%d}", cert=cert, day=f"{until:%Y-%m-%d}")
        begins = leaf.not_valid_before_utc
        if _ns(begins) > now_ns:
            day = f"{begins:%Y-%m-%d}"
            raise BadCertificate("not_yet", f"{cert} is not valid before {day}", cert=cert, day=day)
        if not _hosts_of(leaf):
            raise BadCertificate("no_hosts", f"{cert} names no host (subjectAltName): browsers refuse it", cert=cert)
        self._write(self._choice, json.dumps({"cert": str(cert), "key": str(key)}).encode(), 0o600)
        return self._in_force()

    def renew(self, now_ns: int) -> Certificate:
        """A new certificate for the same hosts and the addresses of today. Raises BadCertificate for one's own."""
        choice = self._read_choice()
        if choice is None:
            raise BadCertificate("none", "there is no certificate yet: run `caretaker tls init` first")
        if "cert" in choice:
            raise BadCertificate("own", "this certificate is one's own; its issuer renews it")
        self._make_leaf(choice["hosts"], now_ns)
        return self._in_force()

    def keep_fresh(self, now_ns: int) -> bool:
        """Renew when due."""
        found = self.current()
        if found is None or not found.local:
            return False
        wanted = tuple(name for name in _here() if self._vouches_for(name))
        if not found.due(now_ns, wanted):
            return False
        self.renew(now_ns)
        return True

    def _make_authority(self, asked: Sequence[str], now_ns: int) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        number = x509.random_serial_number()
        name = _name(f"Caretaker CA {number & 0xFFFFFF:06X}")
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            _builder(name, name, key.public_key(), now_ns, CA_DAYS, number)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(sign_certificates=True), critical=True)
            .add_extension(x509.NameConstraints(_permitted(asked), None), critical=True)
            .add_extension(identifier, critical=False)
            .sign(key, SHA256())
        )
        self._write(self._ca_key, _key_pem(key), 0o600)
        self._write(self._ca, certificate.public_bytes(Encoding.PEM), 0o644)

    def _make_leaf(self, asked: Sequence[str], now_ns: int) -> None:
        authority, signer = _certificates(self._ca)[0], _private_key(self._ca_key)
        if not isinstance(signer, ec.EllipticCurvePrivateKey):
            raise _unreadable(self._ca_key, ValueError("not the key that was made here"))
        if signer.public_key() != authority.public_key():  # cut off between the two, or restored from two backups
            raise BadCertificate(
                "no_match", f"{self._ca_key} is not the key of {self._ca}", key=self._ca_key, cert=self._ca
            )
        for host in asked:
            if not self._vouches_for(host):
                raise BadCertificate("outside", f"the CA made here does not vouch for {host}", host=host)
        hosts = dict.fromkeys([*asked, *(name for name in _here() if self._vouches_for(name))])
        key = ec.generate_private_key(ec.SECP256R1())
        days = min(LEAF_DAYS, (_ns(authority.not_valid_after_utc) - now_ns) // (86_400 * 10**9))
        certificate = (
            _builder(_name("Caretaker"), authority.subject, key.public_key(), now_ns, days, x509.random_serial_number())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([_general(host) for host in hosts]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
            .sign(signer, SHA256())
        )
        self._write(self._server, _key_pem(key) + certificate.public_bytes(Encoding.PEM), 0o600)

    def _vouches_for(self, host: str) -> bool:
        constraints = _certificates(self._ca)[0].extensions.get_extension_for_class(x509.NameConstraints).value
        return any(_covers(subtree, host) for subtree in constraints.permitted_subtrees or ())

    # ---- files

    def _in_force(self) -> Certificate:
        found = self.current()
        if found is None:
            raise BadCertificate("none", f"{self._choice} was removed meanwhile")
        return found

    def _files(self, choice: Mapping[str, str]) -> tuple[Path, Path]:
        return (Path(choice["cert"]), Path(choice["key"])) if "cert" in choice else (self._server, self._server)

    def _read_choice(self) -> dict | None:  # type: ignore[type-arg]
        try:
            found = json.loads(self._choice.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as wrong:
            raise _unreadable(self._choice, wrong) from wrong
        if not isinstance(found, dict) or not ({"cert", "key"} <= found.keys() or "hosts" in found):
            raise _unreadable(self._choice, ValueError("expected hosts, or cert and key"))
        return found

    def _write(self, path: Path, content: bytes, mode: int) -> None:
        beside = path.with_suffix(".new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside.unlink(missing_ok=True)
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError as wrong:
            raise BadCertificate("cannot_write", f"{path} cannot be written: {wrong.strerror}", file=path) from wrong


def _here() -> tuple[str, ...]:
    """Names and addresses of this machine that a certificate may carry."""
    name = socket.gethostname().lower().strip(".")
    names = (name, "localhost") if _is_name(name) else ("localhost",)
    return (*lan.addresses(), *names, "127.0.0.1")


def _is_name(text: str) -> bool:
    labels = text.split(".")
    plain = all(0 < len(label) <= 63 and label.isascii() and label.replace("-", "").isalnum() for label in labels)
    return plain and len(text) <= 253 and not labels[-1].isdigit()


def _general(host: str) -> x509.GeneralName:
    """A host as a certificate names it. Raises BadCertificate."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        if not _is_name(host):
            raise BadCertificate("no_host", f"{host!r} is neither a host name nor an address", host=host) from None
        return x509.DNSName(host.lower())


def _permitted(asked: Sequence[str]) -> list[x509.GeneralName]:
    """What the CA may vouch for: private networks and the names asked for. If its key is stolen, no bank is at risk."""
    nets = [ipaddress.ip_network(text) for text in _PRIVATE]
    names = [*_HOME]
    for host in dict.fromkeys((*asked, *_here())):
        general = _general(host)
        if isinstance(general, x509.DNSName):
            names.append(general.value)
        elif not any(general.value in net for net in nets):
            nets.append(ipaddress.ip_network(str(general.value)))
    return [*(x509.DNSName(name) for name in dict.fromkeys(names)), *(x509.IPAddress(net) for net in nets)]


def _covers(subtree: x509.GeneralName, host: str) -> bool:
    general = _general(host)
    if isinstance(general, x509.DNSName) and isinstance(subtree, x509.DNSName):
        return general.value == subtree.value or general.value.endswith("." + subtree.value)
    if isinstance(general, x509.IPAddress) and isinstance(subtree, x509.IPAddress):
        return general.value in subtree.value  # type: ignore[operator]
    return False


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now_ns: int,
    days: int,
    number: int,
) -> x509.CertificateBuilder:
    now = _EPOCH + timedelta(microseconds=now_ns // 1000)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(number)
        .not_valid_before(now - timedelta(hours=1))  # a phone's clock may be a little behind
        .not_valid_after(now + timedelta(days=days) - timedelta(hours=2))
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Caretaker"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _hosts_of(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(name.value) for name in names if isinstance(name, x509.DNSName | x509.IPAddress))


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as wrong:
        raise _unreadable(path, wrong) from wrong


def _private_key(path: Path) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(path.read_bytes(), password=None)
    except TypeError as wrong:
        raise BadCertificate("locked", f"{path} is locked by a passphrase; bring one without", key=path) from wrong
    except (OSError, ValueError, UnsupportedAlgorithm, InvalidSignature) as wrong:
        raise _unreadable(path, wrong) from wrong


def _no_password() -> str:
    raise ValueError("the key is locked by a passphrase")


def _unreadable(path: Path, wrong: Exception) -> BadCertificate:
    reason = (wrong.strerror if isinstance(wrong, OSError) else None) or str(wrong).partition("\n")[0]
    return BadCertificate("unreadable", f"{path}: {reason}; expected a PEM file", file=path, reason=reason)


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(SHA256()).hex(":").upper()


def _ns(when: datetime) -> int:
    return (when - _EPOCH) // timedelta(microseconds=1) * 1000

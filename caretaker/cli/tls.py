"""`caretaker tls …`: the certificate of the https door."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from caretaker.cli.language import say
from caretaker.config import Settings, load
from caretaker.domain.certificates import BadCertificate, Certificate
from caretaker.domain.errors import ConfigurationError

tls_app: Final = typer.Typer(no_args_is_help=True, help="https for phones / 手机用的 https")
Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="data folder / 数据目录")]


def _settings(data: Path | None) -> Settings:
    return load(**({} if data is None else {"data": data}))


@contextmanager
def in_words() -> Iterator[None]:
    """What is wrong with a certificate, in the language of the terminal."""
    try:
        yield
    except BadCertificate as wrong:
        raise ConfigurationError(say(wrong.code, **wrong.facts)) from wrong


def _tell(key: str, found: Certificate, now_ns: int, **facts: object) -> None:
    day = datetime.fromtimestamp(found.not_after_ns // 10**9, UTC).date()
    print(say(key, day=day, days=found.days_left(now_ns), **facts))
    print(say("tls_hosts", hosts=", ".join(found.hosts)))
    if found.fingerprint is not None:
        print(say("tls_fingerprint", fingerprint=found.fingerprint))


@tls_app.command("init")
def tls_init(
    host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME_OR_IP", help="also for this name or address (repeat) / 另加的名字或地址"),
    ] = None,
    new_ca: Annotated[bool, typer.Option("--new-ca", help="a new CA; phones install it again / 重建根证书")] = False,
    data: Data = None,
) -> None:
    """Make a CA of your own and a certificate for this machine; again: another certificate by the same CA.
    生成根证书和服务器证书。"""
    from caretaker import bootstrap

    now_ns = bootstrap.now_ns()
    with in_words():
        found = bootstrap.open_certificates(_settings(data)).make(host or (), now_ns, new_authority=new_ca)
    _tell("tls_made", found, now_ns)
    print(say("tls_next"))


@tls_app.command("renew")
def tls_renew(data: Data = None) -> None:
    """A new certificate by the same CA; also while Caretaker runs, and by itself in the last 30 days. 更新证书。"""
    from caretaker import bootstrap

    now_ns = bootstrap.now_ns()
    with in_words():
        found = bootstrap.open_certificates(_settings(data)).renew(now_ns)
    _tell("tls_made", found, now_ns)


@tls_app.command("use")
def tls_use(
    cert: Annotated[Path, typer.Option(metavar="FILE", help="certificate with its chain, PEM / 证书（含链）")],
    key: Annotated[Path, typer.Option(metavar="FILE", help="its private key, PEM / 私钥")],
    data: Data = None,
) -> None:
    """A certificate of your own; the files stay where they are. 使用自己的证书。"""
    from caretaker import bootstrap

    now_ns = bootstrap.now_ns()
    with in_words():
        found = bootstrap.open_certificates(_settings(data)).use(cert, key, now_ns)
    _tell("tls_used", found, now_ns, cert=cert)


@tls_app.command("show")
def tls_show(data: Data = None) -> None:
    """What is in force: until when, for which hosts, the CA's fingerprint. 查看证书。"""
    from caretaker import bootstrap

    with in_words():
        found = bootstrap.open_certificates(_settings(data)).current()
        if found is None:
            raise BadCertificate("none", "there is no certificate yet")
    _tell("tls_until", found, bootstrap.now_ns())

"""`caretaker person …` and `caretaker audit …`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from caretaker.config import load
from caretaker.domain.passwords import LEAST
from caretaker.domain.people import Person, Role

person_app: Final = typer.Typer(no_args_is_help=True, help="people and passwords / 人员与密码")
audit_app: Final = typer.Typer(no_args_is_help=True, help="the audit trail / 审计记录")
Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="data folder / 数据目录")]


def _ask() -> str:
    """A password: typed twice at a terminal, else the first line of the standard input."""
    if sys.stdin.isatty():
        return str(typer.prompt(f"密码 / password (≥ {LEAST})", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")


@person_app.command("add")
def person_add(
    name: Annotated[str, typer.Option(help="name / 姓名")],
    role: Annotated[Role, typer.Option(help="role / 角色")],
    person: Annotated[str | None, typer.Option("--id", metavar="ID", help="id to sign in with / 登录名")] = None,
    team: Annotated[str | None, typer.Option(metavar="TEAM", help="team / 班组")] = None,
    site: Annotated[list[str] | None, typer.Option(metavar="SITE", help="only there (repeat) / 只限站点")] = None,
    password: Annotated[bool, typer.Option("--password", help="ask for a password / 设置密码")] = False,
    data: Data = None,
) -> None:
    """Add somebody; the same again changes nothing. 添加人员。"""
    from caretaker import bootstrap
    from caretaker.cli.up import person_id
    from caretaker.services import people, staff

    settings = load(**({} if data is None else {"data": data}))
    someone = Person(person or person_id(name, role), name, role, team, tuple(site or ()))
    secret = _ask() if password else None
    transactions = bootstrap.open_transactions(settings, owner=False)
    try:
        staff.add_person(transactions, people.MACHINE, someone, bootstrap.now_ns(), password=secret)
    finally:
        transactions.close()
    print(someone.id)


@person_app.command("password")
def person_password(
    person: Annotated[str, typer.Argument(metavar="ID", help="the person's id / 登录名")], data: Data = None
) -> None:
    """Set somebody's password and end all sessions of that person. 设置密码，并结束其全部会话。"""
    from caretaker import bootstrap
    from caretaker.services import people, staff

    settings = load(**({} if data is None else {"data": data}))
    secret = _ask()
    transactions = bootstrap.open_transactions(settings, owner=False)
    try:
        staff.set_password(transactions, people.MACHINE, person, secret, bootstrap.now_ns())
    finally:
        transactions.close()
    print(f"{person}: ok")


@audit_app.command("verify")
def audit_verify(data: Data = None) -> None:
    """Walk the whole trail and hold every archived report against it; exit code 1 when anything was changed. 校验审计链。"""
    from caretaker import bootstrap
    from caretaker.services import audit, reports

    settings = load(**({} if data is None else {"data": data}))
    transactions = bootstrap.open_transactions(settings, owner=False)
    try:
        found = audit.verify(transactions)
        count, changed = reports.verify(transactions, bootstrap.report_folder(settings))
    finally:
        transactions.close()
    if found.flaw is not None:
        said = f"第 {found.row} 行 / the trail is broken: row {found.row} {found.flaw}"
        print(f"审计链损坏，第一处在{said}", file=sys.stderr)
    for flaw in changed:
        print(f"存档报告有问题 / the archive is broken: {flaw}", file=sys.stderr)
    if found.flaw is not None or changed:
        raise typer.Exit(1)
    print(f"审计链完整 / the trail is whole: {found.rows}")
    print(f"存档报告完整 / the archived reports are whole: {count}")

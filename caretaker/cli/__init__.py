"""The command line: thin; each command opens what it needs and says what it did."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from caretaker import __version__
from caretaker.cli.language import say, told
from caretaker.cli.people import audit_app, person_app
from caretaker.cli.tls import tls_app
from caretaker.config import Settings, load
from caretaker.domain.errors import CaretakerError, ConfigurationError, NotFound
from caretaker.domain.people import Person, Role

app = typer.Typer(
    name="caretaker",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="看护 Caretaker：设施监测、告警、工单。Facility monitoring, alarms, work orders.",
)
token_app = typer.Typer(no_args_is_help=True, help="API tokens / API 令牌")
link_app = typer.Typer(no_args_is_help=True, help="one-time sign-in links / 一次性登录链接")
site_app = typer.Typer(no_args_is_help=True, help="the site / 站点")
app.add_typer(token_app, name="token")
app.add_typer(link_app, name="link")
app.add_typer(site_app, name="site")
app.add_typer(person_app, name="person")
app.add_typer(audit_app, name="audit")
app.add_typer(tls_app, name="tls")

DATA: Final = typer.Option("--data", metavar="DIR", help="data folder / 数据目录")
Data = Annotated[Path | None, DATA]


def settings_with(data: Path | None, **more: object) -> Settings:
    """Settings of the environment with what the command line says on top."""
    given = {key: value for key, value in {"data": data, **more}.items() if value is not None}
    return load(**given)


def _version(asked: bool) -> None:
    if asked:
        print(__version__)
        raise typer.Exit


@app.callback()
def everything(
    _show: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version / 版本号")
    ] = False,
) -> None:
    """What every command shares."""


@app.command()
def up(
    data: Data = None,
    http: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="page and API / 网页与接口")] = None,
    https: Annotated[
        str | None, typer.Option(metavar="HOST:PORT|off", help="https for phones, after `tls init` / 手机用的 https")
    ] = None,
    mqtt: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="embedded broker / 内置消息服务")] = None,
    site: Annotated[Path | None, typer.Option(metavar="PATH", help="own site folder / 自己的站点目录")] = None,
    scenario: Annotated[Path | None, typer.Option(metavar="FILE", help="faults to plant / 演示故障脚本")] = None,
    demo: Annotated[bool | None, typer.Option("--demo/--no-demo", help="simulated estate / 模拟小区")] = None,
) -> None:
    """Start everything in one process: broker, demo estate, collecting, rules, page. 一条命令全部启动。"""
    from caretaker.cli.up import run_up

    simulate = demo if demo is not None else site is None
    settings = settings_with(data, site=site, demo=simulate, https=https)
    raise typer.Exit(run_up(settings, http, mqtt, scenario))


@app.command()
def setup(data: Data = None, site: Annotated[Path | None, typer.Option(metavar="PATH")] = None) -> None:
    """Bring the database up to date and write the site into it. 建库并载入站点。"""
    from caretaker import bootstrap

    settings = settings_with(data, site=site)
    transactions = bootstrap.open_transactions(settings, owner=False)
    bootstrap.set_up(settings, transactions)
    estate = bootstrap.read_estate(settings, transactions)
    transactions.close()
    print(f"{estate.site.id}: {len(estate.assets)} assets, {len(estate.devices)} devices, {len(estate.points)} points")


@site_app.command("check")
def site_check(path: Annotated[Path, typer.Argument(help="site folder / 站点目录")]) -> None:
    """Read equipment and a site and say what is wrong, changing nothing. 只检查，不改动。"""
    from caretaker.catalog import read_kinds, read_rounds, read_site

    settings = load()
    kinds = read_kinds(settings.equipment)
    site = read_site(path, kinds)
    rounds = read_rounds(path, site, kinds)
    found = f"{len(site.assets)} assets, {len(site.devices)} devices, {len(kinds)} kinds"
    print(f"{site.site.id}: {found}, {len(rounds.checkpoints)} checkpoints, {len(rounds.plans)} round plans: ok")


@token_app.command("create")
def token_create(
    role: Annotated[Role, typer.Option(help="role / 角色")],
    name: Annotated[str, typer.Option(help="what it is for / 用途")] = "api",
    days: Annotated[float | None, typer.Option(min=0.01, help="valid for / 有效天数")] = None,
    data: Data = None,
) -> None:
    """Print a new API token; also while Caretaker runs. It is shown once. 生成令牌，只显示一次。"""
    from caretaker import bootstrap
    from caretaker.services import people

    settings = settings_with(data)
    transactions = bootstrap.open_transactions(settings, owner=False)
    life = None if days is None else int(days * 86_400e9)
    print(people.create_token(transactions, role, name, bootstrap.now_ns(), life))
    transactions.close()


@link_app.command("create")
def link_create(
    role: Annotated[Role, typer.Option(help="role / 角色")] = Role.ADMIN,
    name: Annotated[str, typer.Option(help="the person's name / 姓名")] = "管理员",
    base: Annotated[str, typer.Option(help="address of the page / 网页地址")] = "",
    data: Data = None,
) -> None:
    """Print a link that signs a person in once within 15 minutes; also while Caretaker runs. 生成一次性登录链接。"""
    from caretaker import bootstrap
    from caretaker.cli.up import link_for, person_id

    settings = settings_with(data)
    transactions = bootstrap.open_transactions(settings, owner=False)
    person = Person(person_id(name, role), name, role)
    print(link_for(transactions, person, bootstrap.now_ns(), base or f"http://{settings.http}"))
    transactions.close()


@app.command()
def health(
    part: Annotated[str | None, typer.Argument(metavar="[gateway|ingest|rules|api]")] = None,
    data: Data = None,
) -> None:
    """Ask whether a part (or each) is there; exit code 1 when one is not. 查询各部分是否在运行。"""
    from caretaker.cli.health import BEATING, ask

    settings = settings_with(data)
    if part not in (None, "api", *BEATING):
        raise ConfigurationError(f"health {part!r}: expected gateway, ingest, rules or api")
    answers = [ask(settings, name) for name in ((part,) if part else (*BEATING, "api"))]
    for _, sentence in answers:
        print(sentence)
    raise typer.Exit(0 if all(there for there, _ in answers) else 1)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(context: typer.Context) -> None:
    """Measure this machine: `bench pipeline [--qos 0|1] [--fields 1|10] [--json]`. 在本机测量性能。"""
    from benchmarks.__main__ import main as measure

    raise typer.Exit(measure(context.args))


@app.command()
def version() -> None:
    """Print the version. 版本号。"""
    print(__version__)


def main() -> None:
    """Run; a wrong setting or an absent part is one clear sentence and an exit code, never a traceback."""
    try:
        app()
    except ConfigurationError as wrong:
        print(f"caretaker: {say('wrong_setting')}{told(wrong.message)}", file=sys.stderr)
        sys.exit(2)
    except NotFound as missing:
        print(f"caretaker: {told(missing.message)}", file=sys.stderr)
        sys.exit(1)
    except CaretakerError as away:
        print(f"caretaker: {told(away.message)}", file=sys.stderr)
        sys.exit(1)

"""Fixtures that start real servers. Shared ones live for the session; what a test may break is its own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright

from tests.servers import CHROMIUM_ARGUMENTS, InfluxDB, Mosquitto, Postgres, VictoriaMetrics, chromium_path
from tooling import page

_SERVER_FIXTURES = {"mosquitto", "influxdb", "own_influxdb", "influx_database", "victoria", "postgres", "postgres_url"}

# No deadline: two workers on two cores share the time. In CI the same commit gives the same verdict; new cases are
# looked for on people's machines.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by what a test uses, so that nobody has to remember: `-m "not servers and not browser"` is the fast part."""
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if names & _SERVER_FIXTURES:
            item.add_marker("servers")
        if "browser" in names:
            item.add_marker("browser")


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker of the test's own: it starts in milliseconds, and tests kill it."""
    with Mosquitto(tmp_path / "mosquitto") as broker:
        yield broker


@pytest.fixture(scope="session")
def influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    """The shared InfluxDB 1.x. Whoever stops or kills it asks for `own_influxdb`."""
    with InfluxDB(tmp_path_factory.mktemp("influxdb")) as server:
        yield server


@pytest.fixture
def own_influxdb(tmp_path: Path) -> Iterator[InfluxDB]:
    with InfluxDB(tmp_path / "influxdb") as server:
        yield server


@pytest.fixture
def influx_database(influxdb: InfluxDB, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of an empty database on the shared server."""
    name = influxdb.create_database(f"t_{abs(hash(request.node.nodeid)):x}")
    yield name
    influxdb.drop_database(name)


@pytest.fixture(scope="session")
def victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaMetrics]:
    """Stands for InfluxDB 2.x where writes are concerned."""
    with VictoriaMetrics(tmp_path_factory.mktemp("victoria")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """An empty database as an SQLAlchemy URL."""
    with postgres.database() as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium for one module; a test opens its own context (`browser.new_context(locale="zh-CN")`) and closes it.

    Not for the session: its driver keeps an event loop running in this thread, and asyncio tests after it would find one.
    """
    path = chromium_path()
    os.environ["PLAYWRIGHT_NODEJS_PATH"] = page.node()  # Playwright's own wants a libatomic that a bare Debian lacks
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()

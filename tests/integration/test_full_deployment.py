"""The full deployment by hand: the processes, commands and environment of docker-compose.yml, in the tree the image holds,
against real mosquitto (deploy's configuration and start script), InfluxDB 1.x and PostgreSQL. Only hosts, ports and paths
are the test's own; InfluxDB 2 is not packaged by Debian, so the store's address says influx1.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import signal
import site as python_site
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.publish
import pytest

from tests.deployment import CHECKOUT, compose, filled, image_tree
from tests.servers import InfluxDB, Postgres, Server, free_port, need

DEVICE, ASSET = "pump-1-plc", "pump-1"
SITE = f"""
site: {{id: plant, title: {{zh: 泵站, en: Plant}}}}
spaces: [{{id: room, type: room, title: {{zh: 泵房, en: Pump room}}}}]
assets: [{{id: {ASSET}, kind: pump_set, title: {{zh: 生活泵, en: Pump set}}, space: room}}]
devices: [{{id: {DEVICE}, protocol: mqtt, watches: [{{asset: {ASSET}}}]}}]
"""


class SecuredPostgres(Postgres):
    """The database of the deployment asks for a password, as the image's does."""

    def _initialise(self) -> None:
        super()._initialise()
        rules = self._data / "pg_hba.conf"
        rules.write_text(f"host caretaker all 127.0.0.1/32 scram-sha-256\n{rules.read_text('utf-8')}", "utf-8")


class DeployedMosquitto(Server):
    """deploy/mosquitto/start.sh and mosquitto.conf, with the container's paths and port replaced."""

    def __init__(self, folder: Path, secrets: Path) -> None:
        super().__init__(folder)
        self._secrets = secrets

    def command(self) -> Sequence[str]:
        for name in ("auth", "data", "config"):
            (self.folder / name).mkdir(exist_ok=True)
        places = {
            "/run/secrets": str(self._secrets),
            "/run/deploy": str(CHECKOUT / "deploy" / "mosquitto"),
            "/mosquitto/": f"{self.folder}/",
            "-o mosquitto": f"-o {getpass.getuser()}",
            "chown -R mosquitto": f"chown -R {getpass.getuser()}",
            "listener 1883": f"listener {self.port} {self.host}",
            "exec mosquitto": f"exec {need('mosquitto')}",
        }
        for source, target in (("mosquitto.conf", "config/mosquitto.conf"), ("start.sh", "start.sh")):
            text = (CHECKOUT / "deploy" / "mosquitto" / source).read_text("utf-8")
            text = re.sub("|".join(map(re.escape, places)), lambda found: places[found[0]], text)
            (self.folder / target).write_text(text, "utf-8")
        with (self.folder / "config" / "mosquitto.conf").open("a", encoding="utf-8") as more:
            more.write(f"user {getpass.getuser()}\n")  # its own user may not enter pytest's folders
        return ["/bin/sh", str(self.folder / "start.sh")]


class Deployment:
    """Servers, secrets and parts. `start` and `run` take a service's own command and environment from the file."""

    def __init__(self, folder: Path, postgres: Postgres, influx: InfluxDB) -> None:
        self.folder, self.http = folder, f"127.0.0.1:{free_port()}"
        made = subprocess.run(
            [CHECKOUT / "deploy" / "make-secrets", "--into", folder, "--device", DEVICE],
            check=True,
            capture_output=True,
            text=True,
        )
        self.device_password = dict(line.split() for line in made.stdout.splitlines() if line.startswith(DEVICE))[
            DEVICE
        ]
        self.secrets = folder / "deploy" / "secrets"
        self.image = image_tree(folder / "app")
        (folder / "site.yaml").write_text(SITE, "utf-8")
        password = (self.secrets / "sql_password").read_text("utf-8").strip()
        postgres.execute("CREATE DATABASE caretaker")
        postgres.execute(f"ALTER ROLE caretaker PASSWORD '{password}'")
        self.broker = DeployedMosquitto(folder / "mosquitto", self.secrets).start()
        self._places = {
            "@postgres:5432": f"@127.0.0.1:{postgres.port}",
            "influx2+http://influxdb:8086/?org=caretaker&bucket=caretaker": f"influx1+{influx.url}/caretaker",
            "@mosquitto:1883": f"@127.0.0.1:{self.broker.port}",
            "0.0.0.0:8080": self.http,
            "/run/secrets": str(self.secrets),
            "/app/": f"{self.image}/",
            "/data": str(folder / "data"),
            "/site": str(folder / "site.yaml"),
        }
        (folder / "data").mkdir()
        self.services = compose()["services"]
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def environment(self, name: str) -> dict[str, str]:
        """What compose gives to a service, with our places, and a Python that sees the image's tree and no checkout."""
        found = {
            "PATH": os.environ["PATH"],
            "PYTHONSAFEPATH": "1",
            "PYTHONPATH": os.pathsep.join([str(self.image), *python_site.getsitepackages()]),
        }
        for key, value in self.services[name]["environment"].items():
            text = filled(str(value), {})
            for theirs, ours in self._places.items():
                text = text.replace(theirs, ours)
            found[key] = text
        return found

    def _words(self, words: Sequence[str]) -> list[str]:
        assert words[0] == "python"
        return [sys.executable, "-S", *words[1:]]  # -S: the environment's .pth would bring the checkout back

    def run(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        """One command in the surroundings of a service."""
        return subprocess.run(
            self._words(words),
            cwd=self.folder,
            env=self.environment(name),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def healthy(self, name: str) -> bool:
        """The service's own health check."""
        test = self.services[name]["healthcheck"]["test"]
        return self.run(name, *test[1:]).returncode == 0

    def start(self, *names: str) -> None:
        for name in names:
            with (self.folder / f"{name}.log").open("ab") as log:
                self.running[name] = subprocess.Popen(
                    self._words(self.services[name]["command"]),
                    cwd=self.folder,
                    env=self.environment(name),
                    stdout=log,
                    stderr=log,
                )

    def stop(self) -> dict[str, int]:
        """SIGTERM to all, as `docker compose stop` does; exit code of each."""
        for part in self.running.values():
            part.send_signal(signal.SIGTERM)
        codes = {}
        for name, part in self.running.items():
            try:
                codes[name] = part.wait(float(self.services[name]["stop_grace_period"].removesuffix("s")))
            except subprocess.TimeoutExpired:
                part.kill()
                codes[name] = part.wait()
        self.running.clear()
        return codes

    def logs(self) -> str:
        return "\n".join(f"== {file.name}\n{file.read_text('utf-8')[-3000:]}" for file in self.folder.glob("*.log"))

    def get(self, path: str, token: str | None = None, **query: str | int) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = httpx.get(
            f"http://{self.http}/api/v1{path}",
            headers=headers,
            params=query,
            timeout=5,
            trust_env=False,
        )
        answer.raise_for_status()
        return answer.json()

    def statuses(self) -> dict[str, str]:
        try:
            return {name: part["status"] for name, part in self.get("/health")["parts"].items()}
        except httpx.HTTPError:
            return {}

    def publish(self, *rows: tuple[int, dict[str, float | bool]], password: str | None = None) -> None:
        """(time in ms, values) as the device sends them, each acknowledged by the broker."""
        paho.mqtt.publish.multiple(
            [
                {
                    "topic": f"caretaker/v1/plant/{DEVICE}/tele",
                    "payload": json.dumps({"ts": at_ms, "seq": at_ms, "v": values}),
                    "qos": 1,
                }
                for at_ms, values in rows
            ],
            hostname="127.0.0.1",
            port=self.broker.port,
            client_id=DEVICE,
            auth={"username": DEVICE, "password": password or self.device_password},
        )


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    with SecuredPostgres() as postgres, InfluxDB(tmp_path / "influxdb") as influx:
        house = Deployment(tmp_path, postgres, influx)
        try:
            yield house
        finally:
            house.stop()
            house.broker.stop()


def until(fact: Callable[[], bool], seconds: float, house: Deployment, what: str) -> None:
    end = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > end or any(part.poll() is not None for part in house.running.values()):
            ended = {name: part.poll() for name, part in house.running.items()}
            pytest.fail(f"{what}: not within {seconds} s; {house.statuses()}; {ended}\n{house.logs()}")
        time.sleep(0.1)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.mark.faults
@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_parts_of_the_full_deployment_carry_a_reading_to_a_work_order_and_survive_the_loss_of_one(
    deployment: Deployment,
) -> None:
    house = deployment
    done = house.run("setup", *house.services["setup"]["command"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("plant: 1 assets, 1 devices"), done.stdout

    # --- all parts up, each health check of the file says so
    house.start("rules", "ingest", "gateway", "api")
    until(lambda: set(house.statuses().values()) == {"ok"}, 60, house, "every part ok")
    assert set(house.statuses()) >= {"database", "gateway", "ingest", "rules", "journal", "store", "api"}
    checks: dict[str, bool] = {}
    asking = [
        threading.Thread(target=lambda name=name: checks.update({name: house.healthy(name)}))
        for name in ("rules", "api")
    ]
    for thread in asking:
        thread.start()
    made = house.run("api", "python", "-m", "caretaker.cli", "token", "create", "--role", "supervisor")
    for thread in asking:
        thread.join()
    assert checks == {"rules": True, "api": True}
    token = made.stdout.strip()
    assert made.returncode == 0, made.stderr

    # --- a device says that the pump room floods: alarm, work order, history
    start = now_ms() - 20_000
    house.publish(*((start + n * 1000, {"flood": True, "p_out": 0.4 + n / 100}) for n in range(6)))
    until(lambda: bool(house.get("/work-orders", token)["items"]), 10, house, "a work order")
    (alarm,) = [each for each in house.get("/alarms", token)["items"] if each["rule"] == "flooding"]
    (order,) = [each for each in house.get("/work-orders", token)["items"] if each["fault"] == "flooding"]
    assert (alarm["asset"], alarm["priority"], alarm["active"], alarm["raised_ms"]) == (
        ASSET,
        "critical",
        True,
        start + 3000,
    )
    assert alarm["work_order"] == order["id"]
    assert (order["asset"], order["state"], order["priority"]) == (ASSET, "open", "critical")

    # --- what was said is in InfluxDB and comes back over HTTP
    def history() -> list[float]:
        said = house.get(f"/assets/{ASSET}/readings", token, points="p_out", from_ms=start, to_ms=now_ms())
        values: list[float] = said["series"]["p_out"]["raw"]["v"]
        return values

    until(lambda: len(history()) == 6, 10, house, "six readings in the store")
    assert history() == pytest.approx([0.4, 0.41, 0.42, 0.43, 0.44, 0.45])

    # --- one part dies: health says which, the others go on taking
    dead = house.running.pop("rules")
    dead.kill()
    dead.wait()
    later = now_ms()
    house.publish(*((later + n * 300, {"tank_level": 0.0}) for n in range(3)))
    until(lambda: house.statuses().get("rules") == "down", 25, house, "the loss of rules is seen")
    others = ("database", "gateway", "ingest", "journal", "store", "api")
    assert {name: house.statuses()[name] for name in others} == dict.fromkeys(others, "ok")
    assert house.get("/health")["status"] == "down"
    assert not house.healthy("rules")

    # --- it comes back: what was said meanwhile is judged, the old alarm is not raised again
    house.publish((now_ms(), {"tank_level": 0.0}))
    house.start("rules")
    until(lambda: set(house.statuses().values()) == {"ok"}, 60, house, "every part ok again")
    until(
        lambda: {each["rule"] for each in house.get("/alarms", token)["items"]} >= {"flooding", "tank_very_low"},
        15,
        house,
        "what was said while rules was away is judged",
    )
    assert len([each for each in house.get("/alarms", token)["items"] if each["rule"] == "flooding"]) == 1

    assert set(house.stop().values()) == {0}, house.logs()

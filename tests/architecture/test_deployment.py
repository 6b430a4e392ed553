"""docker-compose.yml, Dockerfile and deploy/ name only what exists, and say it the way the code reads it.

No container engine is needed: the files are read as data; `docker-compose config` checks their form where it is installed.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from caretaker import __version__
from caretaker.adapters.mqtt import BrokerAddress
from caretaker.cli import app
from caretaker.config import Settings
from tests.deployment import CHECKOUT, PARTS, compose, filled, ignored, image_folders, instructions, variables

TEXT = (CHECKOUT / "docker-compose.yml").read_text("utf-8")
EXAMPLE = (CHECKOUT / "deploy" / "env.example").read_text("utf-8")
SETTINGS = {"RUN_AS": "10001:0"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"]
    return found


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder in which deploy/make-secrets has run."""
    subprocess.run([CHECKOUT / "deploy" / "make-secrets", "--into", tmp_path], check=True, capture_output=True)
    return tmp_path


def mounts(service: dict[str, Any]) -> list[tuple[str, str]]:
    pairs = [filled(volume, SETTINGS).split(":")[:2] for volume in service.get("volumes", [])]
    return [(source, target) for source, target in pairs]


# ---------------------------------------------------------------- what it names exists


def test_every_service_of_the_full_deployment_is_there(services: dict[str, Any]) -> None:
    assert set(services) == {"mosquitto", "influxdb", "postgres", *PARTS}


def test_every_caretaker_variable_is_a_setting_and_every_value_is_taken(services: dict[str, Any]) -> None:
    fields = set(Settings.model_fields)
    for name in PARTS:
        environment = {key: filled(str(value), SETTINGS) for key, value in services[name]["environment"].items()}
        unknown = {key for key in environment if key.removeprefix("CARETAKER_").lower() not in fields}
        assert unknown == set(), f"{name}: no such setting"
        given = {key.removeprefix("CARETAKER_").lower(): value for key, value in environment.items()}
        read = Settings(**given)  # type: ignore[arg-type]
        assert read.json_logs


def test_the_image_sets_only_settings() -> None:
    named = {
        name for _, word, rest in instructions() if word == "ENV" for name in re.findall(r"(CARETAKER_\w+)=", rest)
    }
    assert named
    assert {name for name in named if name.removeprefix("CARETAKER_").lower() not in Settings.model_fields} == set()


def test_every_file_mounted_from_the_checkout_exists_and_scripts_can_run(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for source, target in mounts(service):
            if source.startswith("."):
                assert (CHECKOUT / source).exists(), f"{name}: {source}"
                if source.endswith(".sh"):
                    assert os.access(CHECKOUT / source, os.X_OK), f"{name}: {source} is not executable"
                    assert target in str(service.get("entrypoint")) or "initdb.d" in target


def test_every_named_volume_network_and_secret_is_declared_and_used(services: dict[str, Any]) -> None:
    whole = compose()
    volumes = {source for each in services.values() for source, _ in mounts(each) if not source.startswith(".")}
    networks = {network for each in services.values() for network in each["networks"]}
    secrets = {secret for each in services.values() for secret in each.get("secrets", [])}
    assert (volumes, networks, secrets) == (set(whole["volumes"]), set(whole["networks"]), set(whole["secrets"]))


def test_every_secret_a_part_reads_is_given_to_it_and_no_other(services: dict[str, Any]) -> None:
    for name, service in services.items():
        said = str(service.get("environment", {}))
        for script in (source for source, _ in mounts(service) if source.endswith(".sh")):
            said += (CHECKOUT / script).read_text("utf-8")
        read = set(re.findall(r"/run/secrets/(\w+)", said))
        assert read == set(service.get("secrets", [])), name


def test_every_variable_is_explained_in_the_example_or_made_by_the_script(services: dict[str, Any]) -> None:
    explained = set(re.findall(r"^(\w+)=", EXAMPLE, re.MULTILINE))
    used = variables(TEXT)
    assert set(used) - {"RUN_AS"} == explained
    assert used["RUN_AS"][0] == "?", "nothing starts before the secrets are made"
    for name, value in re.findall(r"^(\w+)=(.*)$", EXAMPLE, re.MULTILINE):
        assert used[name] == ("-", value), f"{name}: the default and the example differ"


def test_what_each_part_runs_exists(services: dict[str, Any]) -> None:
    for name in PARTS:
        python, dash_m, module, *arguments = services[name]["command"]
        assert (python, dash_m) == ("python", "-m")
        assert importlib.util.find_spec(f"{module}.__main__") is not None, module
        assert module.partition(".")[0] in image_folders()
        if arguments:
            told = CliRunner().invoke(app, [*arguments, "--help"])
            assert told.exit_code == 0, told.output


def test_health_checks_ask_for_the_part_they_belong_to(services: dict[str, Any]) -> None:
    for name in ("rules", "ingest", "gateway", "api"):
        assert services[name]["healthcheck"]["test"] == ["CMD", "python", "-m", "caretaker.cli", "health", name]
    assert CliRunner().invoke(app, ["health", "nobody"]).exit_code != 0
    last = [rest for _, word, rest in instructions() if word == "HEALTHCHECK"]
    assert last[-1].endswith('CMD ["python", "-m", "caretaker.cli", "health", "api"]')


# ---------------------------------------------------------------- ports and order


def test_addresses_name_services_and_ports_that_are_there(services: dict[str, Any]) -> None:
    gateway, api, ingest = services["gateway"]["environment"], services["api"]["environment"], services["ingest"]
    broker = BrokerAddress.parse(gateway["CARETAKER_MQTT"])
    assert broker.host in services
    assert f"listener {broker.port}\n" in (CHECKOUT / "deploy" / "mosquitto" / "mosquitto.conf").read_text("utf-8")
    assert broker.username == gateway["CARETAKER_MQTT_CLIENT_ID"], "mosquitto takes the user's name as client id"
    assert str(broker.port) in str(services["mosquitto"]["healthcheck"]["test"])
    assert "@postgres:5432/" in api["CARETAKER_SQL"]
    assert "5432" in services["postgres"]["healthcheck"]["test"]
    host, port = re.findall(r"http://(\w+):(\d+)/", ingest["environment"]["CARETAKER_STORE"])[0]
    assert services[host]["environment"]["INFLUXD_HTTP_BIND_ADDRESS"] == f":{port}"
    exposed = [rest for _, word, rest in instructions() if word == "EXPOSE"]
    assert exposed == [api["CARETAKER_HTTP"].rpartition(":")[2]]


def test_database_names_and_users_agree(services: dict[str, Any]) -> None:
    postgres, influx = services["postgres"]["environment"], services["influxdb"]["environment"]
    sql = services["api"]["environment"]["CARETAKER_SQL"]
    assert f"://{postgres['POSTGRES_USER']}@" in sql
    assert sql.endswith(f"/{postgres['POSTGRES_DB']}")
    store = services["api"]["environment"]["CARETAKER_STORE"]
    organisation, bucket = influx["DOCKER_INFLUXDB_INIT_ORG"], influx["DOCKER_INFLUXDB_INIT_BUCKET"]
    assert store.endswith(f"/?org={organisation}&bucket={bucket}")
    assert "dbrp create" in (CHECKOUT / "deploy" / "influxdb" / "map-database.sh").read_text("utf-8")


def test_only_the_page_and_the_broker_are_published(services: dict[str, Any]) -> None:
    published = {
        name: [filled(port, SETTINGS) for port in each["ports"]] for name, each in services.items() if "ports" in each
    }
    assert published == {"mosquitto": ["0.0.0.0:1883:1883"], "api": ["127.0.0.1:8080:8080"]}
    assert compose()["networks"]["inside"]["internal"]
    for database in ("influxdb", "postgres"):
        assert services[database]["networks"] == ["inside"]


def test_parts_start_after_what_they_need(services: dict[str, Any]) -> None:
    assert services["setup"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert services["setup"]["restart"] == "no"
    for name in ("rules", "ingest", "gateway", "api"):
        assert services[name]["depends_on"]["setup"] == {"condition": "service_completed_successfully"}
        assert services[name]["restart"] == "unless-stopped"
    assert services["gateway"]["depends_on"]["mosquitto"] == {"condition": "service_healthy"}
    assert "rules" in services["gateway"]["depends_on"], "what comes before the judge is backlog"
    for name in ("mosquitto", "influxdb", "postgres"):
        assert services[name]["healthcheck"]["test"]
        assert services[name]["restart"] == "unless-stopped"


def test_all_parts_share_one_journal_and_one_view_of_process_numbers(services: dict[str, Any]) -> None:
    for name in ("gateway", "ingest", "rules", "api"):
        assert ("journal", services[name]["environment"]["CARETAKER_DATA"]) in mounts(services[name])
        assert services[name]["pid"] == "host", "tests/integration/test_journal_in_containers.py shows why"


# ---------------------------------------------------------------- secrets and rights


def test_our_parts_have_no_root_and_no_writable_system(services: dict[str, Any]) -> None:
    for name in PARTS:
        part = services[name]
        assert part["user"] == "${RUN_AS:?run deploy/make-secrets first}"
        assert part["read_only"]
        assert part["cap_drop"] == ["ALL"]
        assert part["security_opt"] == ["no-new-privileges:true"]
    users = [rest for _, word, rest in instructions() if word == "USER"]
    assert users[-1] == "10001:0"


def test_there_is_no_password_in_any_file_of_the_deployment() -> None:
    value = re.compile(r"(?im)(password|token|secret)\w*\s*[:=]\s*[\"']?[a-z0-9]{6,}[\"']?\s*$")
    tracked = subprocess.run(["git", "ls-files", "deploy"], cwd=CHECKOUT, check=True, capture_output=True, text=True)
    for name in ("docker-compose.yml", "Dockerfile", *tracked.stdout.split()):
        assert value.search((CHECKOUT / name).read_text("utf-8")) is None, name
        assert not name.startswith("deploy/secrets")
    assert "deploy/secrets/" in (CHECKOUT / ".gitignore").read_text("utf-8").splitlines()
    assert ".env" in (CHECKOUT / ".gitignore").read_text("utf-8").splitlines()
    assert ignored("deploy/secrets/sql_password")
    assert ignored(".env")


def test_secrets_are_random_private_and_stay(made: Path) -> None:
    folder = made / "deploy" / "secrets"
    first = {file.name: file.read_text("utf-8") for file in folder.iterdir()}
    subprocess.run([CHECKOUT / "deploy" / "make-secrets", "--into", made], check=True, capture_output=True)
    again = {file.name: file.read_text("utf-8") for file in folder.iterdir()}

    declared = {Path(each["file"]).name for each in compose()["secrets"].values()}
    assert set(first) == declared
    assert again == first, "a second run changes nothing"
    assert len(set(first.values())) == len(first)
    assert all(len(text.strip()) >= 43 for text in first.values()), "256 bits each"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in (*folder.iterdir(), made / ".env"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    run_as = re.findall(r"^RUN_AS=(\d+):0$", (made / ".env").read_text("utf-8"), re.MULTILINE)
    assert run_as == [str((folder / "sql_password").stat().st_uid)], "the parts run as who may read the files"
    assert run_as != ["0"]


def test_a_device_id_that_could_be_somebody_else_is_refused(tmp_path: Path) -> None:
    for name in ("caretaker-gateway", "a:b", "a\nb", ""):
        done = subprocess.run(
            [CHECKOUT / "deploy" / "make-secrets", "--into", tmp_path, "--device", name],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0, name
        assert not (tmp_path / "deploy").exists()


# ---------------------------------------------------------------- the image


def test_the_image_is_built_from_what_exists_and_holds_no_tools() -> None:
    stages = [rest for _, word, rest in instructions() if word == "FROM"]
    assert stages == ["${PYTHON} AS build", "${PYTHON}"]
    for stage, word, rest in instructions():
        if word == "COPY" and stage == 0:
            source, target = rest.split()
            assert source == target
            assert (CHECKOUT / source).exists(), source
            assert not ignored(source), f".dockerignore keeps {source} from the build"
    built = {rest.split()[0] for stage, word, rest in instructions() if word == "COPY" and stage == 0}
    assert set(image_folders()) <= built
    assert not {"web", "bin", "tooling"} & set(image_folders())


@pytest.mark.parametrize(
    ("path", "kept_out"),
    [
        ("web/src/App.vue", False),
        ("web/node_modules/vue/index.js", True),
        ("api/openapi.json", False),
        ("api/static/index.html", True),
        ("caretaker/__pycache__/config.cpython-311.pyc", True),
        (".venv/bin/python", True),
        (".git/config", True),
        ("deploy/secrets/influxdb_token", True),
        ("sites/schema.json", False),
        ("tests/conftest.py", True),
    ],
)
def test_the_build_sees_sources_and_nothing_private_or_made(path: str, kept_out: bool) -> None:
    assert ignored(path) is kept_out


def test_the_image_carries_the_version_of_the_code(services: dict[str, Any]) -> None:
    assert {services[name]["image"] for name in PARTS} == {f"caretaker:{__version__}"}


# ---------------------------------------------------------------- the form


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed (apt-get install)")
def test_compose_refuses_without_secrets_and_accepts_the_file_with_them(made: Path) -> None:
    shutil.copy(CHECKOUT / "docker-compose.yml", made)
    clean = {key: value for key, value in os.environ.items() if key not in variables(TEXT)}
    settings = (made / ".env").read_text("utf-8")
    (made / ".env").unlink()
    ask = ["docker-compose", "config"]
    without = subprocess.run(ask, cwd=made, env=clean, capture_output=True, text=True, check=False)
    (made / ".env").write_text(settings, "utf-8")
    withal = subprocess.run(ask, cwd=made, env=clean, capture_output=True, text=True, check=False)

    assert without.returncode != 0
    assert "run deploy/make-secrets first" in without.stderr
    assert withal.returncode == 0, withal.stderr
    assert f"user: {re.findall('RUN_AS=(.*)', settings)[0]}" in withal.stdout.replace("'", "")


def test_scripts_are_sound_for_the_shell_they_name() -> None:
    for script in (CHECKOUT / "deploy").rglob("*.sh"):
        shell = script.read_text("utf-8").splitlines()[0].removeprefix("#!")
        subprocess.run([shell, "-n", script], check=True)
    compile((CHECKOUT / "deploy" / "make-secrets").read_text("utf-8"), "make-secrets", "exec")

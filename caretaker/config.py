"""Settings: environment (CARETAKER_*) over defaults, one frozen object per process.

Every wrong value is a ConfigurationError that names the key, what was found and what is expected.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from caretaker.domain.errors import ConfigurationError
from caretaker.domain.ladder import Patience

ROOT = Path(__file__).resolve().parent.parent
MB = 1 << 20


class Settings(BaseSettings):
    """All settings. The environment name is CARETAKER_ + the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix="CARETAKER_", frozen=True, extra="forbid", env_nested_delimiter="__")

    data: Path = Field(default=ROOT / ".caretaker" / "data", description="folder for databases and the journal")
    http: str = Field(default="127.0.0.1:8080", pattern=r"^[^:]+:\d{1,5}$", description="HOST:PORT of page and API")
    https: str = Field(
        default="",
        pattern=r"^(|off|[^:]+:\d{1,5})$",
        description="HOST:PORT of the https door; empty = 0.0.0.0:8443 once there is a certificate; off = never",
    )
    mqtt: str = Field(default="", description="broker: mqtt://[user:password@]host:port[?version=3|5]; empty = none")
    mqtt_password_file: Path | None = Field(default=None, description="file with the broker password")
    mqtt_client_id: str = Field(default="caretaker-gateway", min_length=1, max_length=64)
    equipment: Path = Field(default=ROOT / "equipment", description="folder of equipment kinds")
    site: Path = Field(default=ROOT / "sites" / "demo", description="folder of one site")
    sql: str = Field(default="", description="SQLAlchemy URL; empty = SQLite in the data folder")
    sql_password_file: Path | None = Field(default=None, description="file with the database password")
    store: str = Field(
        default="blocks",
        description="blocks | memory | influx1+http://host:port/database | influx2+http://host:port/?org=…&bucket=…",
    )
    store_token_file: Path | None = Field(default=None, description="file with the InfluxDB token or password")
    webhook: str = Field(
        default="", description="URL that gets notices of alarms, orders, incidents and calls; empty = log only"
    )
    journal_limit_bytes: int = Field(default=2048 * MB, ge=8 * MB)
    journal_age_days: float = Field(default=14.0, gt=0)
    journal_policy: Literal["reject", "drop_oldest"] = "reject"
    disk_soft_limit: float = Field(default=0.95, gt=0.1, le=1.0, description="stop acknowledging above this disk use")
    retention_days: float = Field(default=365.0, gt=0, description="raw readings older than this are forgotten")
    call_sos_s: float = Field(default=60.0, ge=5, description="seconds until the next people are called for an SOS")
    call_critical_s: float = Field(default=300.0, ge=5, description="the same for every other critical incident")
    call_most: int = Field(default=15, ge=1, le=1000, description="calls for one incident before the ladder ends")
    connections: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict, description="Modbus connection id -> host:port, overrides the site file"
    )
    demo: bool = False
    json_logs: bool = False

    @field_validator("connections", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        """`lifts-bus=10.0.0.5:502,pumps-bus=10.0.0.6:502`"""
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        if not all(name.strip() and address.strip() for name, _, address in pairs):
            raise ValueError("expected connection=host:port, separated by commas")
        return {name.strip(): address.strip() for name, _, address in pairs}

    def call_patience(self) -> Patience:
        """How long a call for help is given."""
        return Patience(self.call_sos_s, self.call_critical_s, self.call_most)

    def sql_url(self) -> str:
        """The database address in force."""
        return self.sql or f"sqlite:///{self.data / 'caretaker.db'}"


def load(**overrides: object) -> Settings:
    """Settings from the environment, then `overrides`. Raises ConfigurationError."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as wrong:
        lines = []
        for error in wrong.errors():
            field = Settings.model_fields.get(str(error["loc"][0])) if error["loc"] else None
            name = "__".join(str(part) for part in error["loc"]).upper()
            expected = f"; expected: {field.description}" if field is not None and field.description else ""
            lines.append(f"CARETAKER_{name}={error['input']}: {error['msg']}{expected}")
        raise ConfigurationError("; ".join(lines)) from wrong

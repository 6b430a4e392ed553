"""Real servers for tests: each on a free loopback port, in its own folder, stopped by its own process id.

with Mosquitto(tmp_path) as broker:
    broker.port, broker.pid, broker.log()
    broker.kill9(); broker.start()      # same port, same data
    broker.pause(); broker.resume()     # SIGSTOP, SIGCONT: there, but silent
"""

from tests.servers.base import Server, free_port, need
from tests.servers.brokers import Mosquitto
from tests.servers.browsers import CHROMIUM_ARGUMENTS, chromium_path
from tests.servers.databases import Postgres
from tests.servers.series import InfluxDB, VictoriaMetrics

__all__ = [
    "CHROMIUM_ARGUMENTS",
    "InfluxDB",
    "Mosquitto",
    "Postgres",
    "Server",
    "VictoriaMetrics",
    "chromium_path",
    "free_port",
    "need",
]

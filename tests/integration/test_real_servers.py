"""The fixtures themselves: each server starts, dies as asked, and finds its data again."""

import socket
import threading
import time
from pathlib import Path

import httpx
import psycopg
import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Browser

from tests.servers import InfluxDB, Mosquitto, Postgres, VictoriaMetrics


def _retained(port: int, topic: str) -> bytes:
    found = threading.Event()
    payloads: list[bytes] = []
    client = paho.Client(CallbackAPIVersion.VERSION2)

    def take(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        payloads.append(bytes(message.payload))
        found.set()

    client.on_message = take
    client.connect("127.0.0.1", port)
    client.subscribe(topic, qos=1)
    client.loop_start()
    assert found.wait(5), "no retained message"
    client.disconnect()
    client.loop_stop()
    return payloads[0]


def _publish_retained(port: int, topic: str, payload: bytes) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.publish(topic, payload, qos=1, retain=True).wait_for_publish(5)
    client.disconnect()
    client.loop_stop()


@pytest.mark.servers
def test_a_durable_mosquitto_keeps_its_messages_over_kill_9(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, durable=True) as broker:
        _publish_retained(broker.port, "a/b", b"kept")
        first = broker.pid
        time.sleep(1.2)  # it writes within its second
        broker.kill9()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", broker.port), timeout=1)
        broker.start()
        assert broker.pid != first
        assert _retained(broker.port, "a/b") == b"kept"


def test_a_paused_mosquitto_is_there_but_silent(mosquitto: Mosquitto) -> None:
    mosquitto.pause()
    try:
        with socket.create_connection(("127.0.0.1", mosquitto.port), timeout=1) as connection:
            connection.settimeout(0.5)
            connection.sendall(bytes.fromhex("100c00044d5154540402003c0000"))
            with pytest.raises(TimeoutError):
                connection.recv(4)
    finally:
        mosquitto.resume()
    _publish_retained(mosquitto.port, "a", b"1")


def test_influxdb_keeps_an_acknowledged_point_over_kill_9(own_influxdb: InfluxDB) -> None:
    name = own_influxdb.create_database("kept")
    params = {"db": name, "precision": "ns"}
    answer = httpx.post(own_influxdb.url + "/write", params=params, content=b"m,a=b v=1.5 1000000000")
    assert answer.status_code == 204
    own_influxdb.kill9()
    own_influxdb.start()
    (series,) = own_influxdb.query("SELECT v FROM m", database=name)
    assert series["values"] == [[1000000000, 1.5]]


def test_victoria_metrics_gives_back_what_it_took(victoria: VictoriaMetrics) -> None:
    stamp = int(time.time() * 1000)
    url = victoria.url + "/api/v2/write?org=o&bucket=b&precision=ms"
    httpx.post(url, content=f"m,a=b v=2.5 {stamp}".encode()).raise_for_status()
    (series,) = victoria.export('{a="b"}')
    assert (series["values"], series["timestamps"]) == ([2.5], [stamp])


def test_postgres_gives_each_test_an_empty_database(postgres: Postgres, postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        connection.execute("CREATE TABLE t (a int)")
    assert tables == (0,)
    assert postgres.running


@pytest.mark.faults
def test_postgres_comes_back_after_kill_9(postgres: Postgres, postgres_url: str) -> None:
    address = postgres_url.replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE t (a int)")
        connection.execute("INSERT INTO t VALUES (7)")
    postgres.kill9()
    postgres.start()
    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT a FROM t").fetchall() == [(7,)]


def test_chromium_shows_chinese(browser: Browser) -> None:
    page = browser.new_page(locale="zh-CN")
    page.set_content("<h1 lang=zh>电梯</h1>")
    assert page.locator("h1").inner_text() == "电梯"
    page.close()

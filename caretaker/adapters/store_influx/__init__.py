"""Readings in InfluxDB: 1.x over /write, 2.x and 3.x by influxdb-client, reads in InfluxQL."""

from caretaker.adapters.store_influx.store import InfluxStore, SeriesName

__all__ = ["InfluxStore", "SeriesName"]

"""Readings in InfluxDB: 1.x over /write, 2.x and 3.x by influxdb-client, reads in InfluxQL."""

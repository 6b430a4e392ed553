#!/bin/bash
# Runs once, after InfluxDB's own setup: Caretaker reads in InfluxQL, which asks for a database and a retention policy;
# this mapping says that the database `caretaker` is the bucket.
set -euo pipefail
influx v1 dbrp create --org "$DOCKER_INFLUXDB_INIT_ORG" --bucket-id "$DOCKER_INFLUXDB_INIT_BUCKET_ID" \
    --db "$DOCKER_INFLUXDB_INIT_BUCKET" --rp autogen --default

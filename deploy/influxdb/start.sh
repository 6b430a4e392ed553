#!/bin/bash
# The image's entry script re-runs itself as the user influxdb, who cannot read our secrets (owner only, on the host), and
# would then go on without them. Read here, as root; it hands its environment on.
set -euo pipefail
DOCKER_INFLUXDB_INIT_PASSWORD=$(cat /run/secrets/influxdb_password)
DOCKER_INFLUXDB_INIT_ADMIN_TOKEN=$(cat /run/secrets/influxdb_token)
export DOCKER_INFLUXDB_INIT_PASSWORD DOCKER_INFLUXDB_INIT_ADMIN_TOKEN
exec /entrypoint.sh influxd

#!/bin/sh
# Mosquitto drops root before it reads its passwords, and the secret is readable by its owner on the host only: copy it,
# while still root, to a memory file system that mosquitto's own user may read; then start as the image would.
set -eu
install -d -m 0750 -o mosquitto /mosquitto/auth
install -m 0400 -o mosquitto /run/secrets/mosquitto_passwords /mosquitto/auth/passwords
install -m 0400 -o mosquitto /run/deploy/acl /mosquitto/auth/acl
chown -R mosquitto /mosquitto/data
exec mosquitto -c /mosquitto/config/mosquitto.conf

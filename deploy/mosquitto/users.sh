#!/bin/sh
# Makes a broker user with a random password and prints it once: users.sh FOLDER USER [USER ...]
# The gateway is `caretaker-gateway`; a device's user is its id in the site file.
set -eu
if [ $# -lt 2 ]; then
    echo "usage: $0 FOLDER USER [USER ...]   (FOLDER is mounted as /mosquitto/auth)" >&2
    exit 2
fi
folder=$1
shift
mkdir -p "$folder"
umask 077
touch "$folder/passwords"
[ -e "$folder/acl" ] || cp "$(dirname "$0")/acl" "$folder/acl"
for user in "$@"; do
    case $user in
    *[!A-Za-z0-9_-]* | "")
        echo "$user: letters, digits, - and _ only" >&2
        exit 2
        ;;
    esac
    password=$(od -An -N18 -tx1 /dev/urandom | tr -d ' \n')
    mosquitto_passwd -b "$folder/passwords" "$user" "$password"
    echo "$user $password"
done

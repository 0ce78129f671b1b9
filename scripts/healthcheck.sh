#!/bin/sh
# Exits 0 while a service is healthy. It runs every few seconds in every container, so it starts no Python.
case ${1-} in
  :*) exec timeout 3 bash -c "exec 3<>/dev/tcp/127.0.0.1/${1#:}" 2>/dev/null ;;
  [1-9]*)
    beat=$(stat -c %Y "${HEARTBEAT_FILE-}" 2>/dev/null) || exit 1
    [ $(($(date +%s) - beat)) -le "$1" ]
    ;;
  *)
    echo "usage: healthcheck.sh 60 (the heartbeat is at most 60 s old) | :10000 (the port is open)" >&2
    exit 2
    ;;
esac

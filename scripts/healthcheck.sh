#!/bin/sh
# Exits 0 while a service is healthy. It runs every few seconds in every container, so it starts no Python.
# More than three restarts in a minute are no health, whatever it does between two of them.
starts=$(awk -v now="$(date +%s)" 'now - $1 <= 60' "${STARTS_FILE:-/tmp/starts}" 2>/dev/null | wc -l)
[ "$starts" -le 4 ] || exit 1
case ${1-} in
  :*)
    timeout 3 bash -c "exec 3<>/dev/tcp/127.0.0.1/${1#:}" 2>/dev/null || exit 1
    if [ $# -gt 1 ]; then touch "$2"; fi
    ;;
  [1-9]*)
    beat=$(stat -c %Y "${HEARTBEAT_FILE-}" 2>/dev/null) || exit 1
    [ $(($(date +%s) - beat)) -le "$1" ]
    ;;
  *)
    echo "usage: healthcheck.sh 60 (the heartbeat is at most 60 s old) | :10000 [file to touch] (the port is open)" >&2
    exit 2
    ;;
esac

#!/bin/sh
# The preflight, the first load and a refresh as on a machine that has other things installed: in a folder with blanks,
# an accent and a quote, as an ordinary user, behind a proxy that answers nobody, in the C locale.
# The copy shares packages and jars by hard links, so that nothing is downloaded. It is removed at the end.
set -eu
cd "$(dirname "$0")/.."
work="$PWD/.local/surroundings"
home="$work/home"
folder="$work/Été 2026/c'est ici"
seen='hsperfdata|snappy|zstd|netty|lz4|blockmgr|spark|_resources|derby|hive|pip-|jgo|initdb'

as_user=
if [ "$(id -u)" = 0 ]; then
  as_user='unshare --user --map-user=65534 --map-group=65534 --'
fi

if [ -x "$folder/.venv/bin/python" ]; then
  (cd "$folder" && $as_user make --no-print-directory down) || true
fi
rm -rf "$work"
mkdir -p "$folder/.local" "$home"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp -p --parents -t "$folder"
cp -al .venv "$folder/.venv"
cp -al .local/jars "$folder/.local/jars"
rm -f "$folder/.local/jars/installed" # checks the jars again; Java's cache of this folder is built while its services start
ls -A /tmp >"$work/before"

free_ports() { .venv/bin/python -c 'from lakehouse.local.service_addresses import free_ports; print(*free_ports(5))'; }
# shellcheck disable=SC2046 # five numbers
set -- $(free_ports)
export DB_PORT="$1" KAFKA_BOOTSTRAP_SERVERS="localhost:$2" KAFKA_CONTROLLER_PORT="$3" \
  CONNECT_URL="http://localhost:$4" THRIFT_PORT="$5"
# Port 9 answers nobody: what asks our own services through the proxy fails.
for name in http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY; do
  export "$name=http://127.0.0.1:9"
done
unset LANG LC_CTYPE no_proxy NO_PROXY TMPDIR
export HOME="$home" LC_ALL=C SPARK_HOME=/opt/another/spark SPARK_CONF_DIR=/opt/another/conf \
  HADOOP_CONF_DIR=/opt/another/hadoop PYSPARK_PYTHON=/opt/another/python PGSSLMODE=verify-full PGHOSTADDR=192.0.2.1 \
  JAVA_TOOL_OPTIONS='-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=9 -DsocksProxyHost=127.0.0.1 -DsocksProxyPort=9' \
  VIRTUAL_ENV=/opt/another/venv

cd "$folder"
trap '$as_user make --no-print-directory down' EXIT
$as_user make --no-print-directory up
for job in ETL_Full_Load/pipeline.py Jobs_Spark/batch_refresh_silver_gold.py; do
  echo "\$ python scripts/$job"
  $as_user .venv/bin/python "scripts/$job"
done
$as_user make --no-print-directory status
$as_user make --no-print-directory down
trap - EXIT

# What each step had to write, it wrote below the folder.
ls -A /tmp | grep -v -x -F -f "$work/before" | grep -E "$seen" && { echo "error: left in /tmp" >&2; exit 1; }
outside=$(find "$work" -mindepth 1 -maxdepth 2 ! -path "$folder" ! -path "$home" ! -path "$work/before" ! -path "$work/Été 2026")
[ -z "$outside" ] || { echo "error: written beside the checkout: $outside" >&2; exit 1; }
cd "$work/.."
rm -rf "$work"
echo "the first load and a refresh ran, and left nothing outside the folder"

#!/bin/sh
# Drops root in a container, so that its files belong to the owner of data/delta, who can then delete them.
# No command runs as root: where root owns the folder, the uid is 10001.
set -eu
umask 077

lake=/data/delta output=/app/data/output login=/run/thrift journal=/var/lib/access passwd=/run/lakehouse/passwd
readers=/run/readers tls=/run/tls tls_copy=/run/lakehouse/tls server=10001:10001
export HOME=/home/lakehouse

if [ $# -eq 0 ]; then
  echo "error: no command. For example: python scripts/Jobs_Spark/batch_refresh_silver_gold.py" >&2
  exit 1
fi
# The folder is in memory, and empty at each start. Whoever is looked up there must be able to read it.
if [ ! -e "$passwd" ]; then cp /etc/passwd.image "$passwd" && chmod 644 "$passwd"; fi
trap 'echo "error: make yourself the owner of data/delta and data/output." >&2' EXIT

# The starts of the last minute, which the health check counts. A restarted container keeps this file.
starts=/tmp/starts now=$(date +%s)
{ cat "$starts" 2>/dev/null || true; echo "$now"; } | awk -v now="$now" 'now - $1 <= 60' >"$starts.new" &&
  mv "$starts.new" "$starts" || true

# By the mount table: a comparison of devices would miss a mount on the container's own.
is_mounted() { awk -v folder="$1" '$5 == folder { found = 1 } END { exit !found }' /proc/self/mountinfo; }
hand_over_from_root() { find -H "$@" -maxdepth 0 -uid 0 -exec chown "$owner" {} +; }

# The container engine creates missing mount points of the Thrift server as root, so they must exist before.
if is_mounted "$lake"; then mkdir -p "$lake/bronze/strava_activities" "$lake/silver" "$lake/gold"; fi

# What only its owner on the machine may read is read by another user here.
if is_mounted "$tls"; then mkdir -p "$tls_copy" && cp -R "$tls/." "$tls_copy"; fi

# A rootless engine maps a user to root: this root is not root of the machine.
read -r inside outside _ </proc/self/uid_map
if [ "$(id -u) $inside $outside" != "0 0 0" ]; then
  trap - EXIT
  exec "$@"
fi

owner=0:0 groups=
if is_mounted "$lake"; then owner=$(stat -c %u:%g "$lake"); fi
# A folder of root's may be closed to others, and still open to its group: so data/input and data/sample stay readable.
case $owner in 0:*) owner=$server groups=0 ;; esac
# The file of the users is private to the Thrift server's user, who has no lake of its own.
user=$owner
for word; do case $word in */thrift_users.py) user=$server ;; esac; done
uid=${user%:*} gid=${user#*:}
# Spark's login fails for a user without a line in passwd.
grep -q "^[^:]*:[^:]*:$uid:" "$passwd" || echo "lakehouse-$uid:x:$uid:$gid::$HOME:/usr/sbin/nologin" >>"$passwd"
chown "$user" "$HOME"
if is_mounted "$lake"; then
  hand_over_from_root "$lake" "$lake/bronze" "$lake/bronze/strava_activities" "$lake/silver" "$lake/gold"
fi
if is_mounted "$output"; then hand_over_from_root "$output"; fi
# The Thrift server writes a password there; whoever only reads it has it mounted read-only.
if is_mounted "$login" && [ -w "$login" ]; then hand_over_from_root "$login"; fi
if is_mounted "$readers" && [ -w "$readers" ]; then chown "$server" "$readers"; fi
if is_mounted "$tls"; then chown -R "$user" "$tls_copy"; fi
# Two users write there, and the Thrift server reads all of it: by the group, which new files take from the folder.
if is_mounted "$journal"; then
  # The mode first: without the capability for it, root cannot change that of another user's folder.
  find -H "$journal" -maxdepth 0 -uid 0 -exec chmod 2770 {} + -exec chown "$server" {} +
  groups=${groups:+$groups,}${server#*:}
fi
if [ -n "$groups" ]; then groups=--groups=$groups; else groups=--clear-groups; fi
trap - EXIT
exec setpriv --reuid="$uid" --regid="$gid" "$groups" -- "$@"

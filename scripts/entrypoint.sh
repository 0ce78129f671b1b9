#!/bin/sh
# Drops root in a container, so that its files belong to the owner of data/delta, who can then delete them.
# No command runs as root: where root owns the folder, the uid is 10001.
set -eu
umask 077

lake=/data/delta output=/app/data/output login=/run/thrift journal=/var/lib/access passwd=/run/lakehouse/passwd
readers=/run/readers tls=/run/tls tls_copy=/run/lakehouse/tls server=10001:10001 group=10001
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

# The owner changes modes, as a member of the readers' group. Root has no capability for it here, and not being in the
# group it would clear the bit that lets new files take the group.
as_owner() { setpriv --reuid="${owner%:*}" --regid="${owner#*:}" --groups="$group" -- "$@"; }
# What is below a folder is walked once: the folder's own mode is set last, and says so. A writer may delete meanwhile,
# and another user's files stay as they are.
walk() { as_owner find "$@" 2>/dev/null || true; }
is_to_change() { [ "$(stat -c %u "$1")" = "${owner%:*}" ] && [ "$(stat -c %g:%a "$1")" != "$2" ]; }
warn() { echo "warning: the modes below $1 cannot be changed: the Thrift server reads too little, or others too much." >&2; }
close_folder() {
  if is_to_change "$1" "$(stat -c %g "$1"):700"; then
    walk "$1" -mindepth 1 -uid "${owner%:*}" ! -type l -perm /o+rwx -exec chmod o-rwx {} +
    as_owner chmod u=rwx,g=,o=,g-s "$1" 2>/dev/null || warn "$1"
  fi
}
share_folder() {
  if is_to_change "$1" "$group:2750"; then
    as_owner chgrp "$group" "$1" 2>/dev/null || { warn "$1"; return; }
    walk "$1" -mindepth 1 -uid "${owner%:*}" -type d -exec chgrp "$group" {} + -exec chmod 2750 {} +
    walk "$1" -mindepth 1 -uid "${owner%:*}" -type f -exec chgrp "$group" {} + -exec chmod 640 {} +
    as_owner chmod 2750 "$1" 2>/dev/null || warn "$1"
  fi
}

# The container engine creates missing mount points of the Thrift server as root, so they must exist before.
if is_mounted "$lake"; then mkdir -p "$lake/bronze/strava_activities" "$lake/silver" "$lake/gold"; fi

# What only its owner on the machine may read is read by another user here.
if is_mounted "$tls"; then mkdir -p "$tls_copy" && cp -R "$tls/." "$tls_copy"; fi

# A rootless engine maps a user to root: this root is not root of the machine.
read -r inside outside _ </proc/self/uid_map
if [ "$(id -u) $inside $outside" != "0 0 0" ]; then
  # Here one user writes and reads. A mode of its own says to another engine that what is below has to be shared again.
  if is_mounted "$lake" && [ "$(id -u)" = 0 ]; then
    chmod go-rwx,g-s "$lake/bronze" "$lake/bronze/strava_activities" "$lake/silver" "$lake/gold" 2>/dev/null || true
  fi
  trap - EXIT
  exec "$@"
fi

owner=0:0 groups=
if is_mounted "$lake"; then owner=$(stat -c %u:%g "$lake"); fi
case $owner in 0:*) owner=$server ;; esac
# The file of the users is private to the Thrift server's user, who has no lake of its own.
user=$owner
for word; do case $word in */thrift_users.py) user=$server ;; esac; done
uid=${user%:*} gid=${user#*:}
# Spark's login fails for a user without a line in passwd.
grep -q "^[^:]*:[^:]*:$uid:" "$passwd" || echo "lakehouse-$uid:x:$uid:$gid::$HOME:/usr/sbin/nologin" >>"$passwd"
chown "$user" "$HOME"
if is_mounted "$lake"; then
  # Where the lake was root's, so may data/input and data/sample be: closed to others, and open to root's group.
  if [ "$owner" = "$server" ]; then groups=0,; fi
  hand_over_from_root "$lake" "$lake/bronze" "$lake/bronze/strava_activities" "$lake/silver" "$lake/gold"
  # The Thrift server, another user, is given two folders of the lake. It reads them by its group.
  share_folder "$lake/gold"
  share_folder "$lake/bronze/strava_activities"
  close_folder "$lake/bronze"
  close_folder "$lake/silver"
  walk "$lake" -maxdepth 0 -perm /o+rwx -exec chmod o-rwx {} +
  groups=$groups$group
  if [ "$user" = "$owner" ]; then umask 027 && export LAKEHOUSE_GROUP_READS=yes; fi
fi
if is_mounted "$output"; then
  hand_over_from_root "$output"
  walk "$output" -maxdepth 0 -uid "${owner%:*}" -perm /o+rwx -exec chmod o-rwx {} +
fi
# The Thrift server writes a password there; whoever only reads it has it mounted read-only.
if is_mounted "$login" && [ -w "$login" ]; then hand_over_from_root "$login"; fi
if is_mounted "$readers" && [ -w "$readers" ]; then chown "$server" "$readers"; fi
if is_mounted "$tls"; then chown -R "$user" "$tls_copy"; fi
# Two users write there, and the Thrift server reads all of it: by the group, which new files take from the folder.
if is_mounted "$journal"; then
  # The mode first: without the capability for it, root cannot change that of another user's folder.
  find -H "$journal" -maxdepth 0 -uid 0 -exec chmod 2770 {} + -exec chown "$server" {} +
  groups=${groups:-$group}
fi
if [ -n "$groups" ]; then groups=--groups=$groups; else groups=--clear-groups; fi
trap - EXIT
exec setpriv --reuid="$uid" --regid="$gid" "$groups" -- "$@"

#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# Runs a command at one end of a line on which each packet takes its time, to try what a server far away does.
#
#   scripts/remote/netns.sh MILLISECONDS COMMAND ...
#   scripts/remote/netns.sh 20 scripts/remote.sh mlserver -- COMMAND ...     the server is at the other end
#
# MILLISECONDS is a round trip; half of it each way. Both ends are network namespaces of this run, which nothing joins to
# any other network; they vanish with it, however it ends. In the command, AVREC_FAR starts a program at the other end,
# whose address is AVREC_FAR_ADDRESS. The kernel's netem would do the same, but few kernels have it: the packets go
# through a program of this folder (wire.py), which costs some of a processor and holds back neither rate nor order.
# Where it cannot run, it says why in one line and succeeds.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Of the range for measurements of network devices (RFC 2544).
NEAR=198.18.0.1
FAR=198.18.0.2

skip() { echo "skipped: $*"; exit 0; }

# Says why there can be no line here, or nothing.
obstacle() {
  [ "$(id -u)" -eq 0 ] || { echo "a network namespace needs root"; return; }
  command -v ip >/dev/null || { echo "it needs the command ip (package iproute2)"; return; }
  [ -c /dev/net/tun ] || { echo "it needs /dev/net/tun"; return; }
  unshare --net --pid --fork --mount-proc true 2>/dev/null || echo "namespaces are not allowed here"
}

if [[ ! ${1-} =~ ^[0-9]+$ ]] || [ $# -lt 2 ]; then
  echo "usage: $0 MILLISECONDS COMMAND ..." >&2
  exit 2
fi
if [ "${AVREC_FAR-}" != pending ]; then
  reason=$(obstacle)
  [ -z "$reason" ] || skip "$reason"
  # With the process namespace goes whatever the command leaves running, and with this script the namespace.
  AVREC_FAR=pending setpriv --pdeathsig KILL unshare --net --pid --fork --kill-child --mount-proc \
    "${BASH_SOURCE[0]}" "$@"
  exit
fi

export AVREC_ROUND_TRIP=$1
shift
# Holds the other end open.
exec {there}< <(exec unshare --net bash -c 'ip link set lo up; echo there; exec sleep infinity')
export AVREC_FAR="nsenter --net=/proc/$!/ns/net" AVREC_FAR_ADDRESS=$FAR
end=$!
read -r _ <&"$there"
exec {there}< <(exec python3 "$HERE/wire.py" "$AVREC_ROUND_TRIP" near far)
read -r _ <&"$there"
ip link set far netns "$end"
# Both ends send as most machines do, whatever this one is set to; cubic may not be chosen here, and differs after a loss.
for end_of in "" "$AVREC_FAR"; do $end_of sysctl -qw net.ipv4.tcp_congestion_control=reno; done
ip link set lo up
ip address add "$NEAR" peer "$FAR" dev near
ip link set near up
$AVREC_FAR ip address add "$FAR" peer "$NEAR" dev far
$AVREC_FAR ip link set far up
"$@"

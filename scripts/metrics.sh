#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# Lets Prometheus itself judge the tracer avrec-metrics: promtool checks what a pipeline shows and the alerts of
# docs/monitoring, and a server scrapes a pipeline of gst-launch-1.0 with these alerts loaded.
#
#   scripts/metrics.sh
#
# The plugin is found as GStreamer finds it (GST_PLUGIN_PATH). It takes Prometheus from the path, else, as root, from Debian's
# package; where there is none, it says so in one line and succeeds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'metrics: %s\n' "$*"; }
skip() { say "skipped: $*"; exit 0; }
die() { printf 'metrics: %s\n' "$*" >&2; exit 1; }

# It is not started as a service: only its programs are wanted.
install_prometheus() {
  [[ $EUID == 0 ]] || skip "no prometheus and promtool on the path, and only root may install the package prometheus"
  command -v apt-get >/dev/null || skip "no prometheus and promtool on the path, and no apt-get"
  apt-get install -y -qq --no-install-recommends prometheus >/dev/null 2>&1 \
    || skip "apt-get cannot install the package prometheus"
}

command -v prometheus >/dev/null && command -v promtool >/dev/null || install_prometheus

FOLDER=$(mktemp -d)
PROGRAMS=()
finish() {
  for program in "${PROGRAMS[@]}"; do kill "$program" 2>/dev/null || true; done
  wait
  rm -rf "$FOLDER"
}
trap finish EXIT

# Tries a command until it succeeds, for at most so many seconds.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || return 1
    sleep 0.2
  done
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

get() { curl --silent --show-error --fail --max-time 10 "$@"; }

# The value of a query, or nothing.
ask() {
  get --get --data-urlencode "query=$1" "http://127.0.0.1:$SERVER/api/v1/query" \
    | python3 -c 'import json, sys
for it in json.load(sys.stdin)["data"]["result"]: print(it["value"][1])'
}

is() { [[ $(ask "$1") == "$2" ]]; }

PORT=$(free_port) SERVER=$(free_port)
GST_TRACERS="avrec-metrics(port=$PORT)" gst-launch-1.0 -q \
  videotestsrc is-live=true ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 \
  ! avrec-switch.\( name=s late-policy=floor identity name=plain \
    avrec-infer name=model backend=rten model-file=models/small.onnx \) ! avrec-probe name=p ! fakesink &
PROGRAMS+=($!)
within 60 get "http://127.0.0.1:$PORT/metrics" || die "the pipeline does not answer at port $PORT"
shows() { get "http://127.0.0.1:$PORT/metrics" | grep -q '^avrec_active{.*} 1$'; }
within 60 shows || die "no candidate answers"

get "http://127.0.0.1:$PORT/metrics" >"$FOLDER/page.txt"
found=$(promtool check metrics <"$FOLDER/page.txt" 2>&1) || die "promtool check metrics: $found"
[[ -z $found ]] || die "promtool check metrics: $found"
say "promtool check metrics finds nothing in $(grep -c '^avrec' "$FOLDER/page.txt") samples"

promtool check rules docs/monitoring/alerts.yml >/dev/null || die "promtool check rules docs/monitoring/alerts.yml"
say "promtool check rules finds nothing in docs/monitoring/alerts.yml"

cat >"$FOLDER/prometheus.yml" <<END
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [ "$PWD/docs/monitoring/alerts.yml" ]
scrape_configs:
  - job_name: avrec
    static_configs: [ { targets: [ "127.0.0.1:$PORT" ] } ]
END
promtool check config "$FOLDER/prometheus.yml" >/dev/null || die "promtool check config"
prometheus --config.file="$FOLDER/prometheus.yml" --storage.tsdb.path="$FOLDER/data" \
  --web.listen-address="127.0.0.1:$SERVER" --log.level=error &
PROGRAMS+=($!)
within 60 is 'up{job="avrec"}' 1 || die "Prometheus does not scrape the pipeline"
within 60 is 'sum(avrec_active)' 1 || die "Prometheus sees $(ask 'sum(avrec_active)') active candidates"
rate='sum(rate(avrec_frames_in_total[10s])) > bool 1'
within 60 is "$rate" 1 || die "Prometheus sees no frames pass"
median='histogram_quantile(0.5, sum by (le) (rate(avrec_latency_seconds_bucket[10s]))) > bool 0'
within 60 is "$median" 1 || die "Prometheus sees no latency"
faulty=$(get "http://127.0.0.1:$SERVER/api/v1/rules" | python3 -c 'import json, sys
for group in json.load(sys.stdin)["data"]["groups"]:
    for rule in group["rules"]:
        if rule["health"] == "err": print(rule["name"], rule.get("lastError"))')
[[ -z $faulty ]] || die "rules fail: $faulty"
say "Prometheus $(prometheus --version 2>&1 | awk '{ print $3; exit }') scrapes it: one active candidate, frames pass, the alerts are evaluated"

# How long a scrape of many takes. They stand at a frame each second, so that the machine is not what is measured.
PORT=$(free_port)
LINE=()
for _ in {1..64}; do
  LINE+=(videotestsrc is-live=true ! video/x-raw,width=32,height=32,framerate=1/1
    ! 'avrec-switch.(' identity name=a identity name=b identity name=c identity name=d ')' ! fakesink)
done
GST_TRACERS="avrec-metrics(port=$PORT)" gst-launch-1.0 -q "${LINE[@]}" &
PROGRAMS+=($!)
many() { (($(get "http://127.0.0.1:$PORT/metrics" | grep -c '^avrec_active{.*} 1$') == 64)); }
within 60 many || die "not all of 64 switches answer"
for encoding in identity gzip; do
  scrapes=$(for _ in {1..21}; do
    get -o /dev/null -w '%{time_total} %{size_download}\n' -H 'Accept: application/openmetrics-text' \
      -H "Accept-Encoding: $encoding" "http://127.0.0.1:$PORT/metrics"
  done | sort -n)
  say "$(awk -v encoding=$encoding 'NR == 11 {
    printf "64 switches of 4 candidates: a scrape takes %.1f ms (median of 21) and has %d kB (%s)", 1e3 * $1, $2 / 1000, encoding }' \
    <<<"$scrapes")"
done

#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# Runs a command beside real servers of the Open Inference Protocol, which serve ONNX models of this checkout.
#
#   scripts/remote.sh SERVER ... [MODEL.onnx ...] -- COMMAND ...
#
# A SERVER is mlserver, triton (the tritonserver that the wheel nvidia-pytriton brings) or furnace (the crate
# furnace-server, which takes minutes to build at first); several run side by side, one more than once too. Without a
# MODEL they serve those that the tests take; furnace has float32 only, and of a model without an open axis it forgets the
# names, so beside it that is one upscaler. `jpeg:MODEL.onnx` has a decoder of pictures before the model, which the others
# serve as MODEL-jpeg. The last SERVER may be nginx: it hands requests to the others in turn, and
# does so with TLS too.
# They listen on free ports of 127.0.0.1 and end with the command. The command finds in its environment, in the order of
# the servers and with a space between:
#
#   AVREC_REMOTE_SERVERS   their names
#   AVREC_REMOTE_GRPC      their ADDRESS:PORT for gRPC
#   AVREC_REMOTE_HTTP      the same for REST
#   AVREC_REMOTE_PIDS      their process ids, for who wants to stop one
#   AVREC_REMOTE_MODELS    the models' files
#   AVREC_REMOTE_PYTHON    a Python that has tritonclient and onnxruntime
#   AVREC_REMOTE_TLS       with nginx: where it wants TLS and a token, ADDRESS:PORT for gRPC and for REST
#   AVREC_REMOTE_SECRETS   with nginx: a folder with ca.pem, which signed its certificate, and token
#
# What they need is fetched once, into .cache/remote. Where it cannot be had it says why in one line and succeeds.
# In scripts/remote/netns.sh they listen at the far end of a slow line.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$HERE")
CACHE=$ROOT/.cache/remote
PYTHON=$CACHE/python/bin/python3
MODELS=("$ROOT"/models/{small,detect-small}.onnx "$ROOT"/tests/models/{corner_224,invert_byte,invert_half}.onnx
  "jpeg:$ROOT/models/detect-small.onnx")
# A frame of 1080 lines as float32, and some.
MAX_MESSAGE=$((64 << 20))
# Until a server has loaded its models.
PATIENCE_SECONDS=60

say() { printf 'remote: %s\n' "$*" >&2; }
skip() { echo "skipped: $*"; exit 0; }
die() { say "$*"; exit 2; }

# Makes the Python of the servers in Python, unless it is there.
make_python() {
  local log=$CACHE/python.log
  cmp -s "$HERE/remote/requirements.txt" "$CACHE/python/requirements.txt" && return
  [ -x /usr/bin/python3 ] || skip "the servers need Debian's python3"
  say "making $CACHE/python (half a minute, 600 MB)"
  mkdir -p "$CACHE"
  { /usr/bin/python3 -m venv --clear "$CACHE/python" \
    && "$PYTHON" -m pip install --quiet --disable-pip-version-check -r "$HERE/remote/requirements.txt" \
    && "$PYTHON" -c 'import mlserver, onnxruntime' && "$PYTHON" -c 'import pytriton.triton, tritonclient.grpc'; } \
    >"$log" 2>&1 || skip "the packages of scripts/remote/requirements.txt cannot be had here (see $log)"
  cp "$HERE/remote/requirements.txt" "$CACHE/python/"
}

# Builds the server in Rust, unless it is there.
make_furnace() {
  local log=$CACHE/furnace.log
  say "building $CACHE/furnace (minutes at first)"
  mkdir -p "$CACHE"
  cargo build --quiet --locked --manifest-path "$HERE/remote/furnace/Cargo.toml" --target-dir "$CACHE/furnace" \
    >"$log" 2>&1 || skip "furnace-server cannot be built here (see $log)"
}

# Unpacks nginx, unless it is there: installed, Debian's would start on port 80.
make_nginx() {
  local log=$CACHE/nginx.log
  [ -x "$CACHE/nginx/usr/sbin/nginx" ] && return
  say "fetching $CACHE/nginx"
  rm -rf "$CACHE/nginx" && mkdir -p "$CACHE/nginx"
  { cd "$CACHE/nginx"; apt-get download -q nginx || { apt-get update -q && apt-get download -q nginx; }
    dpkg-deb --extract nginx_*.deb . && usr/sbin/nginx -v; cd "$ROOT"; } >"$log" 2>&1 \
    || skip "nginx cannot be had here (see $log)"
}

# make_secrets FOLDER: an authority, a certificate of it for the address, and a token.
make_secrets() {
  local folder=$1
  rm -rf "$folder" && mkdir -p "$folder"
  openssl rand -hex 16 >"$folder/token"
  {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=avrec test authority" \
      -addext basicConstraints=critical,CA:TRUE -keyout "$folder/ca.key" -out "$folder/ca.pem"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$address" \
      -keyout "$folder/key.pem" -out "$folder/request.pem"
    openssl x509 -req -in "$folder/request.pem" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -CAcreateserial -days 2 \
      -extfile <(echo "subjectAltName=IP:$address,DNS:localhost") -out "$folder/certificate.pem"
  } 2>"$folder/log" || skip "openssl cannot make a certificate (see $folder/log)"
}

# Prints as many free ports as it is told, each once.
free_ports() {
  "${far[@]}" "$PYTHON" - "$1" <<'PY'
import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(it.getsockname()[1] for it in held))
PY
}

# start NAME: starts a server in a session of its own, so that it can be ended with all that it started.
start() {
  local name=$1 log command grpc http metrics more i
  log=$CACHE/log-$name-${#pids[@]}
  read -r grpc http metrics more < <(free_ports 4)
  case $name in
    mlserver) command=("$PYTHON" "$HERE/remote/mlserver_onnx.py" --max-message "$MAX_MESSAGE") ;;
    triton) command=("$PYTHON" "$HERE/remote/pytriton_onnx.py") ;;
    furnace) command=("$CACHE/furnace/debug/furnace-onnx") ;;
    nginx)
      make_secrets "$CACHE/secrets"
      AVREC_REMOTE_TLS="$address:$metrics $address:$more" AVREC_REMOTE_SECRETS=$CACHE/secrets
      export AVREC_REMOTE_TLS AVREC_REMOTE_SECRETS
      command=("$HERE/remote/balancer.sh" "$CACHE/nginx/usr/sbin/nginx" "$CACHE/secrets"
        "$address" "$grpc" "$http" "$metrics" "$more")
      for i in "${!pids[@]}"; do command+=("${at_grpc[i]}" "${at_http[i]}"); done
      ;;
  esac
  [ "$name" = nginx ] || command+=(--address "$address" --grpc "$grpc" --http "$http" --metrics "$metrics" "${models[@]}")
  "${far[@]}" setsid setpriv --pdeathsig TERM "${command[@]}" >"$log" 2>&1 </dev/null &
  pids+=($!)
  logs+=("$log")
  at_grpc+=("$address:$grpc")
  at_http+=("$address:$http")
}

# Waits until every model of every server is ready.
await_ready() {
  local end=$((SECONDS + PATIENCE_SECONDS)) i model names=()
  for model in "${models[@]}"; do
    names+=("$(basename "${model#jpeg:}" .onnx)")
    [[ $model != jpeg:* ]] || names[-1]+=-jpeg
  done
  for i in "${!pids[@]}"; do
    until "$PYTHON" "$HERE/remote/ready.py" "${at_http[i]}" "${names[@]}"; do
      if ! kill -0 "${pids[i]}" 2>/dev/null || [ $SECONDS -ge $end ]; then
        tail -n 5 "${logs[i]}" >&2
        die "${servers[i]} ended, or is not ready after $PATIENCE_SECONDS s (see ${logs[i]})"
      fi
      sleep 0.2
    done
  done
}

# Ends the servers, whatever they do, and their processes.
end_servers() {
  local pid tries=0
  for pid in "${pids[@]}"; do kill -CONT -- "-$pid" 2>/dev/null || true; kill -TERM -- "-$pid" 2>/dev/null || true; done
  while [ $((tries += 1)) -le 50 ]; do
    for pid in "${pids[@]}"; do kill -0 -- "-$pid" 2>/dev/null && { sleep 0.1; continue 2; }; done
    return
  done
  for pid in "${pids[@]}"; do kill -KILL -- "-$pid" 2>/dev/null || true; done
}

servers=() models=() pids=() logs=() at_grpc=() at_http=()
while [ $# -ne 0 ] && [ "$1" != -- ]; do
  case $1 in
    mlserver | triton | furnace | nginx) servers+=("$1") ;;
    jpeg:*.onnx) models+=("jpeg:$(realpath -e "${1#jpeg:}")") || die "there is no $1" ;;
    *.onnx) models+=("$(realpath -e "$1")") || die "there is no $1" ;;
    *) die "'$1' is neither a server (mlserver, triton, furnace, nginx) nor a model; see the head of $0" ;;
  esac
  shift
done
[ ${#servers[@]} -ne 0 ] && [ $# -gt 1 ] || die "usage: $0 SERVER ... [MODEL.onnx ...] -- COMMAND ..."
shift
[ ${#models[@]} -ne 0 ] || if [[ " ${servers[*]} " == *" furnace "* ]]; then models=("${MODELS[0]}"); else models=("${MODELS[@]}"); fi
# What starts a program at the far end of a slow line, and the address there.
read -ra far <<<"${AVREC_FAR-}"
far=(env "${far[@]}")
address=${AVREC_FAR_ADDRESS:-127.0.0.1}

make_python
[[ " ${servers[*]} " != *" furnace "* ]] || make_furnace
[[ " ${servers[*]} " != *" nginx "* ]] || make_nginx
trap end_servers EXIT
for server in "${servers[@]}"; do start "$server"; done
await_ready
export AVREC_REMOTE_SERVERS="${servers[*]}" AVREC_REMOTE_GRPC="${at_grpc[*]}" AVREC_REMOTE_HTTP="${at_http[*]}"
export AVREC_REMOTE_PIDS="${pids[*]}" AVREC_REMOTE_MODELS="${models[*]}" AVREC_REMOTE_PYTHON="$PYTHON"
setpriv --pdeathsig TERM "$@"

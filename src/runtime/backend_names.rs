// SPDX-License-Identifier: MPL-2.0

//! Nicks of the property `backend`.

pub(super) const ORT: &str = "ort";
pub(super) const RTEN: &str = "rten";
#[cfg(feature = "remote")]
pub(super) const REMOTE: &str = "remote";

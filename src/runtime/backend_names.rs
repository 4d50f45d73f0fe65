// SPDX-License-Identifier: MPL-2.0

//! Nicks of the property `backend`.

pub(super) const ORT: &str = "ort";
pub(super) const RTEN: &str = "rten";

// SPDX-License-Identifier: MPL-2.0

//! Models adapted to a user's material without a training framework: closed forms, checked on time that was held out.

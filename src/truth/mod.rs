// SPDX-License-Identifier: MPL-2.0

//! What is known to be right of a user's material, read from the formats that people have.

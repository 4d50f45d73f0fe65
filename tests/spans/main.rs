// SPDX-License-Identifier: MPL-2.0

//! The tracer `avrec-spans`: programs that know nothing of it, and a collector that reads what they send, or does not.

mod collector;
mod faults;
mod program;
mod tree;

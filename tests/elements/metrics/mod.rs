// SPDX-License-Identifier: MPL-2.0

//! The tracer `avrec-metrics`: programs that know nothing of it, seen from outside.

mod changed;
mod changing;
mod control;
mod hanging;
mod hostile;
mod listening;
mod monitoring;
mod open_metrics;
mod page;
mod program;
mod shown;

// SPDX-License-Identifier: MPL-2.0

//! The lanes: each is one candidate behind a stock queue.

pub mod answer_caps;
pub mod builder;
pub mod catalog;
pub mod chores;
pub mod declared;
pub mod elements;
pub mod feed;
pub mod kind;
pub mod lane;
pub mod list;
pub mod misfit;
pub mod negotiation;
pub mod output;
pub mod pushing;
pub mod run;
pub mod server;
pub mod serving;
pub mod state;
pub mod supervisor;
pub mod table;
pub mod tally;
pub mod telling;
pub mod wake_ups;
pub mod watchdog;

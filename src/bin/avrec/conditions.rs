// SPDX-License-Identifier: MPL-2.0

//! Conditions on candidates, as options that several commands have in common.

use clap::Args;
use gstavrec::library::conditions::{Conditions, size};
use gstavrec::library::license::Allowed;
use gstavrec::runtime::catalog::Privacy;

/// Which candidates count at all.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Conditions")]
pub struct ConditionArgs {
    /// Take only models under these licences, such as 'MIT OR Apache-2.0 OR MPL-2.0'
    #[arg(long, alias = "license", value_name = "SPDX", value_parser = licence)]
    pub licence: Option<Allowed>,

    /// Who may see the frames at most: local, remote (another machine of yours), uploads-frames
    #[arg(long, value_name = "WHO", value_parser = privacy)]
    pub privacy: Option<Privacy>,

    /// Take only models that need no more memory, such as 500M, 2G or 512Mi
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_memory: Option<u64>,

    /// Take only what runs on this execution provider, such as cpu
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,

    /// Leave a candidate out (repeatable)
    #[arg(long, value_name = "NAME")]
    pub forbid: Vec<String>,
}

impl From<ConditionArgs> for Conditions {
    fn from(typed: ConditionArgs) -> Conditions {
        Conditions {
            licence: typed.licence,
            privacy: typed.privacy,
            max_memory: typed.max_memory,
            provider: typed.provider,
            forbidden: typed.forbid,
        }
    }
}

fn licence(text: &str) -> Result<Allowed, String> {
    Allowed::parse(text).map_err(|error| error.to_string())
}

fn privacy(text: &str) -> Result<Privacy, String> {
    Privacy::named(text).ok_or_else(|| format!("'{text}' is none; write local, remote or uploads-frames"))
}

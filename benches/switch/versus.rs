// SPDX-License-Identifier: MPL-2.0

//! Two plugins in turns: a process can load only one, so each repetition is a process of its own.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::rig::{Figure, by_what, median, spread};

/// Which plugin this process, a child of the bench, is to measure.
const PLUGIN: &str = "AVREC_BENCH_PLUGIN";

pub fn plugin_to_measure() -> Option<PathBuf> {
    std::env::var_os(PLUGIN).map(PathBuf::from)
}

/// The plugins to compare.
pub struct Versus {
    old: PathBuf,
    new: PathBuf,
}

impl Versus {
    /// As the environment has it; the new one is what this bench was built with.
    pub fn asked_for() -> Option<Versus> {
        let path = |name| std::env::var_os(name).map(PathBuf::from);
        let own = || Some(std::env::current_exe().ok()?.with_file_name("libgstavrec.so"));
        Some(Versus {
            old: path("AVREC_OLD_PLUGIN")?,
            new: path("AVREC_NEW_PLUGIN")
                .or_else(own)
                .expect("a plugin beside the bench"),
        })
    }

    /// Measures a part in the order old, new, new, old, so that a machine that changes its pace weighs on both alike.
    pub fn compare(&self, part: &str, repetitions: usize) {
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for repetition in 0..repetitions.max(2).next_multiple_of(2) {
            let mut turns = [(&self.old, &mut old), (&self.new, &mut new)];
            if repetition % 2 == 1 {
                turns.reverse();
            }
            for (plugin, figures) in turns {
                figures.extend(measure(plugin, part));
            }
        }
        for ((what, old), (_, new)) in by_what(&old).iter().zip(by_what(&new)) {
            let ratios: Vec<_> = old.iter().zip(&new).map(|(old, new)| new / old).collect();
            println!("{what}: old {}, new {}", spread(old), spread(&new));
            if median(old.clone()) != 0.0 {
                println!("    new over old: {} (reach 1.02)", spread(&ratios));
            }
        }
    }
}

/// One repetition of a part with a plugin, in a process of its own.
fn measure(plugin: &PathBuf, part: &str) -> Vec<Figure> {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .arg(part)
        .env(PLUGIN, plugin)
        // Only this plugin is to be found.
        .env_remove("GST_PLUGIN_PATH")
        .stderr(Stdio::inherit())
        .output()
        .expect("a process");
    assert!(output.status.success(), "{}: {}", plugin.display(), output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter_map(Figure::handed_over).collect()
}

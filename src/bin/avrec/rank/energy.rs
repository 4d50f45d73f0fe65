// SPDX-License-Identifier: MPL-2.0

//! Energy of the processors, where the machine tells it (RAPL, by Linux's powercap).

use std::path::{Path, PathBuf};

use gstavrec::bounded_file;

/// Bytes of a number.
const NUMBER: u64 = 64;

/// The counters of all packages.
#[derive(Debug)]
pub struct Meter {
    /// The file of each, and where it begins anew.
    packages: Vec<(PathBuf, u64)>,
}

/// Microjoules of each package.
pub type Reading = Option<Vec<u64>>;

impl Default for Meter {
    /// Those that this user may read, mostly none: they need the rights of root.
    fn default() -> Meter {
        let zones = std::fs::read_dir("/sys/class/powercap")
            .into_iter()
            .flatten()
            .flatten();
        let packages = zones.filter_map(|zone| {
            let name = bounded_file::read_text(&zone.path().join("name"), NUMBER).ok()?;
            let file = zone.path().join("energy_uj");
            number(&file)?;
            let most = number(&zone.path().join("max_energy_range_uj"))?;
            name.starts_with("package").then_some((file, most))
        });
        Meter {
            packages: packages.collect(),
        }
    }
}

impl Meter {
    pub fn read(&self) -> Reading {
        let readings = self
            .packages
            .iter()
            .map(|it| number(&it.0))
            .collect::<Option<Vec<_>>>()?;
        (!readings.is_empty()).then_some(readings)
    }

    /// Microjoules since then.
    pub fn since(&self, then: Reading) -> Option<u64> {
        let (then, now) = (then?, self.read()?);
        let parts = then.iter().zip(&now).zip(&self.packages);
        Some(
            parts
                .map(|((then, now), (_, most))| {
                    if then <= now {
                        now - then
                    } else {
                        now + most - then
                    }
                })
                .sum(),
        )
    }
}

fn number(path: &Path) -> Option<u64> {
    bounded_file::read_text(path, NUMBER).ok()?.trim().parse().ok()
}

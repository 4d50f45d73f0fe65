// SPDX-License-Identifier: MPL-2.0

//! What processor the machine has, and how many of them this process may use.

use std::path::Path;

use crate::bounded_file;

/// Bytes of what the kernel says of its processors, at most: thousands of them take less.
const ABOUT_PROCESSORS: u64 = 32 << 20;

/// The name of the processor, or at least of its architecture.
pub fn name() -> String {
    let about = bounded_file::read_text(Path::new("/proc/cpuinfo"), ABOUT_PROCESSORS).unwrap_or_default();
    name_in(&about).unwrap_or(std::env::consts::ARCH).to_string()
}

/// Processors that this process may use.
pub fn count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The processor's name, in the words that the architectures have for it.
fn name_in(about: &str) -> Option<&str> {
    let of = |key: &str| {
        let mut fields = about.lines().filter_map(|line| line.split_once(':'));
        fields.find_map(|(name, value)| (name.trim() == key).then_some(value.trim()))
    };
    let keys = ["model name", "Model", "Hardware", "cpu", "uarch"];
    keys.into_iter().find_map(of).filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_has_a_name_on_any_architecture() {
        let x86 = "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Some CPU @ 2 GHz\n";
        assert_eq!(name_in(x86), Some("Some CPU @ 2 GHz"));
        let arm = "processor\t: 0\nBogoMIPS\t: 108.00\n\nHardware\t: BCM2835\nModel\t\t: Raspberry Pi 4\n";
        assert_eq!(name_in(arm), Some("Raspberry Pi 4"));
        assert_eq!(name_in(""), None);
    }
}

// SPDX-License-Identifier: MPL-2.0

//! Small files for tests.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{ItemKey, Label, Object, Truth};

/// A folder that goes with the test.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        self.write_bytes(name, text.as_bytes())
    }

    pub fn write_bytes(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        crate::bounded_file::write(&path, bytes).unwrap();
        path
    }
}

/// A picture.
pub(super) fn item(file: &str, size: Option<(u32, u32)>) -> ItemKey<'_> {
    ItemKey {
        file: Path::new(file),
        time: Duration::ZERO,
        duration: Duration::ZERO,
        frame: 0,
        size,
    }
}

pub(super) fn boxes(truth: &Truth, item: &ItemKey) -> Vec<Object> {
    match truth.of(item).unwrap() {
        Some(Label::Objects(found)) => found,
        other => panic!("{other:?}"),
    }
}

pub(super) enum Png {
    Gray,
    Rgb,
    /// Of so many bits a value.
    Palette(u8),
}

pub(super) fn png(width: u32, height: u32, kind: Png, samples: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    let mut packed = samples.to_vec();
    match kind {
        Png::Gray => encoder.set_color(png::ColorType::Grayscale),
        Png::Rgb => encoder.set_color(png::ColorType::Rgb),
        Png::Palette(bits) => {
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_depth(png::BitDepth::from_u8(bits).unwrap());
            encoder.set_palette((0..3 << bits).collect::<Vec<u8>>());
            let rows = samples.chunks(width as usize);
            let each = 8 / usize::from(bits);
            packed = rows
                .flat_map(|row| {
                    row.chunks(each).map(|values| {
                        let shift = |at: usize| 8 - usize::from(bits) * (at + 1);
                        values
                            .iter()
                            .enumerate()
                            .fold(0, |byte, (at, it)| byte | it << shift(at))
                    })
                })
                .collect();
        }
    }
    encoder.write_header().unwrap().write_image_data(&packed).unwrap();
    bytes
}

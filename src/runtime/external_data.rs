// SPDX-License-Identifier: MPL-2.0

//! Keeps a model's external data inside the model's folder.
//!
//! A model names its weight files itself, so a hostile one could make an inference library read any
//! file of the user, and return it as an answer. Inference libraries guard against that since recently;
//! this check does not depend on which one is installed.

use std::path::{Component, Path};

use super::Error;
use super::onnx::ExternalData;
use crate::bounded_file;

/// Bytes that a file of weights may have: more than the machines that this is made for have memory.
const MAX_BYTES: u64 = 16 << 30;

/// Checks that each external file exists, is long enough, and lies in the folder of `model` or below it.
pub(super) fn check(model: &Path, files: &[ExternalData]) -> Result<(), Error> {
    files.iter().try_for_each(|file| check_one(model, file))
}

fn check_one(model: &Path, file: &ExternalData) -> Result<(), Error> {
    let outside = || Error::ExternalDataOutside {
        path: model.to_owned(),
        location: file.location.clone(),
    };
    let relative = Path::new(&file.location);
    let stays_inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    // Backslashes and drive letters are separators to some readers.
    let is_foreign = file.location.contains(['\\', '\0']) || file.location.get(1..2) == Some(":");
    if file.location.is_empty() || is_foreign || !relative.components().all(stays_inside) {
        return Err(outside());
    }

    let folder = match model.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let missing = || Error::ExternalDataMissing {
        path: model.to_owned(),
        location: file.location.clone(),
        folder: folder.to_owned(),
    };
    // Links are followed by `canonicalize`, so a link that leads outside is seen.
    let real_folder = folder.canonicalize().map_err(|_| missing())?;
    let real_file = folder.join(relative).canonicalize().map_err(|_| missing())?;
    if !real_file.starts_with(&real_folder) {
        return Err(outside());
    }
    let bytes = bounded_file::size(&real_file).map_err(|source| Error::Unreadable {
        path: real_file.clone(),
        source,
    })?;
    if MAX_BYTES < bytes {
        return Err(Error::ExternalDataLong {
            path: real_file,
            bytes,
            limit: MAX_BYTES,
        });
    }
    if bytes < file.end {
        return Err(Error::ExternalDataShort {
            path: model.to_owned(),
            location: file.location.clone(),
            bytes,
            needed: file.end,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(folder: &Path, location: &str) -> &'static str {
        let file = ExternalData {
            location: location.into(),
            end: 4,
        };
        match check(&folder.join("model.onnx"), &[file]) {
            Ok(()) => "ok",
            Err(Error::ExternalDataMissing { .. }) => "missing",
            Err(Error::ExternalDataOutside { .. }) => "outside",
            Err(Error::ExternalDataShort { .. }) => "short",
            Err(Error::ExternalDataLong { .. }) => "long",
            Err(_) => "other",
        }
    }

    #[test]
    fn external_data_must_lie_beside_the_model() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("models");
        std::fs::create_dir_all(folder.join("weights")).unwrap();
        std::fs::write(outer.path().join("secret.data"), b"secret").unwrap();
        std::fs::write(folder.join("here.data"), b"weights").unwrap();
        std::fs::write(folder.join("weights/deep.data"), b"weights").unwrap();
        std::fs::write(folder.join("short.data"), b"w").unwrap();
        std::os::unix::fs::symlink(outer.path().join("secret.data"), folder.join("link.data")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.join("device.data")).unwrap();
        let sparse = std::fs::File::create(folder.join("sparse.data")).unwrap();
        sparse.set_len(1 << 42).unwrap();
        let absolute = outer.path().join("secret.data");

        for (location, expected) in [
            ("here.data", "ok"),
            ("./here.data", "ok"),
            ("weights/deep.data", "ok"),
            ("absent.data", "missing"),
            ("weights", "other"),
            ("device.data", "outside"),
            ("sparse.data", "long"),
            ("short.data", "short"),
            ("", "outside"),
            ("../secret.data", "outside"),
            ("weights/../../secret.data", "outside"),
            ("link.data", "outside"),
            ("..\\secret.data", "outside"),
            (absolute.to_str().unwrap(), "outside"),
        ] {
            assert_eq!(verdict(&folder, location), expected, "{location}");
        }
    }
}

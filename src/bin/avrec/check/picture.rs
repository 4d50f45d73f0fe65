// SPDX-License-Identifier: MPL-2.0

//! Frames as PNG files.

use std::path::{Path, PathBuf};

use gstavrec::runtime::source;

/// How long an encoder may take.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(20);

/// Where the picture of a model goes: beside it, and of one on a server into the current folder.
pub fn path(model: &Path) -> PathBuf {
    let own_name = model.file_name().filter(|_| source::is_address(model));
    let mut name = own_name.unwrap_or(model.as_os_str()).to_owned();
    name.push(".png");
    PathBuf::from(name)
}

/// A raw frame as the bytes of a PNG.
pub fn png(frame: &gst::Sample) -> Result<Vec<u8>, String> {
    let caps = gst::Caps::builder("image/png").build();
    let encoded = gst_video::convert_sample(frame, &caps, Some(PATIENCE))
        .map_err(|err| format!("the picture cannot be made (it needs pngenc of gst-plugins-good): {err}"))?;
    let buffer = encoded.buffer_owned().ok_or("the encoder gave nothing")?;
    let bytes = buffer
        .map_readable()
        .map_err(|err| format!("the picture cannot be read: {err}"))?;
    Ok(bytes.to_vec())
}

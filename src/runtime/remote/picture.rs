// SPDX-License-Identifier: MPL-2.0

//! Pictures as JPEG, for models that decode by themselves.

use jpeg_encoder::{ColorType, Encoder};

use super::request::Encoded;
use crate::runtime::backend::Input;
use crate::tensor::Data;

/// Of 100: what cameras on a network usually send.
const QUALITY: u8 = 90;

/// Encodes a picture of the shape 1, height, width, channels with 8 bits a value, as a text of the protocol.
pub(super) fn encode(input: &Input, shape: &[i64], to: &mut Encoded) -> Result<(), String> {
    let (&[1, height, width, channels], Data::U8(values)) =
        (input.tensor.dims.as_slice(), &input.tensor.data)
    else {
        return Err(format!(
            "no picture of the shape {:?} can be sent as JPEG",
            input.tensor.dims
        ));
    };
    let color = match channels {
        1 => ColorType::Luma,
        3 => ColorType::Rgb,
        4 => ColorType::Rgba,
        _ => return Err(format!("no picture of {channels} channels can be sent as JPEG")),
    };
    let side = |it: usize| u16::try_from(it).map_err(|_| format!("{it} pixels are too many for JPEG"));
    to.bytes.clear();
    to.bytes.extend([0; 4]);
    let encoder = Encoder::new(&mut to.bytes, QUALITY);
    encoder
        .encode(values, side(width)?, side(height)?, color)
        .map_err(|error| error.to_string())?;
    let length = u32::try_from(to.bytes.len() - 4).unwrap_or(u32::MAX);
    to.bytes[..4].copy_from_slice(&length.to_le_bytes());
    to.shape.clear();
    to.shape
        .extend(shape.iter().map(|&it| if it < 1 { 1 } else { it }));
    Ok(())
}

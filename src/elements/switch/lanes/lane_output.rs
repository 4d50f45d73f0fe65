// SPDX-License-Identifier: MPL-2.0

//! What comes out of a lane.

/// What a lane made of a frame.
#[derive(Debug, Clone)]
pub struct LaneOutput {
    pub buffer: gst::Buffer,
    /// Caps that the lane announced before this buffer.
    pub caps: Option<gst::Caps>,
}

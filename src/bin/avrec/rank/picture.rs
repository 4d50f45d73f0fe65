// SPDX-License-Identifier: MPL-2.0

//! Frames in other sizes and forms, as elements of a stream would make them.

use gst_video::{VideoConverter, VideoFormat, VideoFrame, VideoFrameRef, VideoInfo};

use super::material::Frame;

/// The frame in another size, by the method that `videoscale` has if nobody says another.
pub fn scaled(frame: &Frame, width: u32, height: u32) -> Result<Frame, String> {
    let info = info(&frame.caps)?;
    if (info.width(), info.height()) == (width, height) {
        return Ok(frame.clone());
    }
    converted(frame, &info, info.format(), width, height)
}

/// The frame in another format.
pub fn in_format(frame: &Frame, format: VideoFormat) -> Result<Frame, String> {
    let info = info(&frame.caps)?;
    if info.format() == format {
        return Ok(frame.clone());
    }
    converted(frame, &info, format, info.width(), info.height())
}

/// Width and height, in pixels.
pub fn size(frame: &Frame) -> Result<(u32, u32), String> {
    info(&frame.caps).map(|it| (it.width(), it.height()))
}

pub fn info(caps: &gst::Caps) -> Result<VideoInfo, String> {
    VideoInfo::from_caps(caps).map_err(|_| format!("{caps} is no video"))
}

fn converted(
    frame: &Frame,
    from: &VideoInfo,
    format: VideoFormat,
    width: u32,
    height: u32,
) -> Result<Frame, String> {
    let failed = |_| format!("a frame cannot be made {width}x{height} {format}");
    let into = VideoInfo::builder(format, width, height)
        .fps(from.fps())
        .interlace_mode(from.interlace_mode());
    let into = match from.format() == format {
        true => into.colorimetry(&from.colorimetry()).build(),
        false => into.build(),
    };
    let into = into.map_err(failed)?;
    let mut config = gst_video::VideoConverterConfig::new();
    config.set_resampler_method(gst_video::VideoResamplerMethod::Linear);
    let converter = VideoConverter::new(from, &into, Some(config)).map_err(failed)?;
    let source = gst::Buffer::from_slice(frame.bytes.clone());
    let source = VideoFrameRef::from_buffer_ref_readable(&source, from).map_err(failed)?;
    let target = gst::Buffer::with_size(into.size()).map_err(failed)?;
    let mut target =
        VideoFrame::from_buffer_writable(target, &into).map_err(|_| failed(gst::glib::bool_error!("")))?;
    converter.frame_ref(&source, &mut target.as_mut_video_frame_ref());
    let bytes = target.into_buffer().map_readable().map_err(failed)?.to_vec();
    let caps = into.to_caps().map_err(failed)?;
    Ok(Frame { caps, bytes })
}

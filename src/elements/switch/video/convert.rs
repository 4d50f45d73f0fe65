// SPDX-License-Identifier: MPL-2.0

//! The frame itself, scaled and converted to what leaves: what is left where nobody answers in time, and downstream would
//! not take it as it is.

use gst_video::{VideoConverter, VideoFrameRef, VideoInfo, VideoInterlaceMode};

use crate::elements::switch::lanes::elements::LaneOutput;
use crate::elements::switch::lanes::output::with_rate;

/// Makes frames of one kind of pictures look like those of another.
#[derive(Debug)]
pub struct Conversion {
    from: gst::Caps,
    /// What was asked for.
    to: gst::Caps,
    /// What leaves: the same, at the rate of the frames.
    leaving: gst::Caps,
    /// Both kinds; `None` where it cannot be done.
    kinds: Option<(VideoInfo, VideoInfo)>,
    /// Drawn up for the first frame.
    converter: Option<VideoConverter>,
}

impl Conversion {
    /// Caps of what leaves are `to` at the rate of `from`, where `output`, which all that leaves is held to, takes that.
    pub fn new(from: &gst::Caps, to: &gst::Caps, output: Option<&gst::Caps>) -> Conversion {
        let rate = from.structure(0).and_then(|it| it.get("framerate").ok());
        let at_rate = rate.and_then(|it| with_rate(to, it));
        let leaving = at_rate.filter(|it| output.is_none_or(|output| output.can_intersect(it)));
        let leaving = leaving.unwrap_or_else(|| to.clone());
        Conversion {
            from: from.clone(),
            to: to.clone(),
            kinds: kinds(from, &leaving),
            leaving,
            converter: None,
        }
    }

    pub fn is_of(&self, from: &gst::Caps, to: &gst::Caps) -> bool {
        self.from == *from && self.to == *to
    }

    pub fn is_possible(&self) -> bool {
        self.kinds.is_some()
    }

    /// Whether pictures are scaled or converted, where that is possible; their caps may only say the same in other words.
    pub fn changes_pictures(&self) -> bool {
        self.kinds.as_ref().is_some_and(|(from, to)| from != to)
    }

    /// The frame as one of the other kind. `None` where it cannot be, or its memory cannot be read.
    pub fn convert(&mut self, frame: &gst::Buffer) -> Option<LaneOutput> {
        let (from, to) = self.kinds.as_ref()?;
        if from == to {
            // Caps say the same in other words.
            return Some(self.with(frame.clone()));
        }
        let converter = match self.converter.take() {
            Some(converter) => converter,
            None => VideoConverter::new(from, to, None).ok()?,
        };
        let read = VideoFrameRef::from_buffer_ref_readable(frame, from).ok()?;
        let mut buffer = gst::Buffer::with_size(to.size()).ok()?;
        let mut written = VideoFrameRef::from_buffer_ref_writable(buffer.get_mut()?, to).ok()?;
        converter.frame_ref(&read, &mut written);
        self.converter = Some(converter);
        drop(written);
        Some(self.with(buffer))
    }

    fn with(&self, buffer: gst::Buffer) -> LaneOutput {
        LaneOutput {
            buffer,
            caps: Some(self.leaving.clone()),
        }
    }
}

/// What frames are made of and into; `None` where they are no pictures of one kind.
fn kinds(from: &gst::Caps, to: &gst::Caps) -> Option<(VideoInfo, VideoInfo)> {
    let to = picture(to)?;
    // A converter takes one rate only, which says nothing of the pictures.
    let mut from = from.clone();
    from.make_mut().set("framerate", to.fps());
    let from = picture(&from)?;
    // What is gray where the frame has colors is a mask, a depth or the like, and no picture of it.
    (from.format_info().is_gray() == to.format_info().is_gray()).then_some((from, to))
}

/// What is known of raw, progressive pictures in system memory.
fn picture(caps: &gst::Caps) -> Option<VideoInfo> {
    let is_in_memory = caps
        .features(0)
        .is_none_or(|it| it.contains("memory:SystemMemory"));
    let is_raw = caps.structure(0).is_some_and(|it| it.has_name("video/x-raw"));
    let info = VideoInfo::from_caps(caps)
        .ok()
        .filter(|_| is_in_memory && is_raw)?;
    (info.interlace_mode() == VideoInterlaceMode::Progressive).then_some(info)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(text: &str) -> gst::Caps {
        gst::init().unwrap();
        format!("video/x-raw,framerate=25/1,{text}").parse().unwrap()
    }

    #[test]
    fn a_frame_keeps_its_light_in_another_size_and_format() {
        let [from, to] = ["format=RGB,width=8,height=8", "format=BGRx,width=16,height=12"].map(caps);
        let mut frame = gst::Buffer::with_size(8 * 8 * 3).unwrap();
        let colors = [200, 100, 50];
        for (at, byte) in frame
            .get_mut()
            .unwrap()
            .map_writable()
            .unwrap()
            .iter_mut()
            .enumerate()
        {
            *byte = colors[at % 3];
        }
        let converted = Conversion::new(&from, &to, None).convert(&frame).unwrap();
        assert_eq!(converted.caps, Some(to));
        let pixels = converted.buffer.map_readable().unwrap();
        assert_eq!(pixels.len(), 16 * 12 * 4);
        let is_same = |it: &[u8]| {
            it[..3]
                .iter()
                .zip([50u8, 100, 200])
                .all(|(is, of)| is.abs_diff(of) < 3)
        };
        assert!(pixels.chunks(4).all(is_same), "{:?}", &pixels[..8]);
    }

    #[test]
    fn where_caps_only_say_more_the_frame_itself_leaves() {
        let [from, to] = [
            "format=RGB,width=8,height=8",
            "format=RGB,width=8,height=8,pixel-aspect-ratio=1/1",
        ]
        .map(caps);
        let frame = gst::Buffer::with_size(8 * 8 * 3).unwrap();
        let converted = Conversion::new(&from, &to, None).convert(&frame).unwrap();
        assert_eq!(
            (converted.buffer.as_ptr(), converted.caps),
            (frame.as_ptr(), Some(to))
        );
    }

    #[test]
    fn a_frame_of_a_stream_that_goes_on_at_another_rate_leaves_at_that_rate() {
        let from = caps("format=RGB,width=8,height=8");
        for to in ["format=I420,width=16,height=12", "format=RGB,width=8,height=8"] {
            let before: gst::Caps = format!("video/x-raw,framerate=30000/1001,{to}").parse().unwrap();
            let frame = gst::Buffer::with_size(8 * 8 * 3).unwrap();
            let leaves = |output: Option<&gst::Caps>| {
                let converted = Conversion::new(&from, &before, output).convert(&frame);
                converted.and_then(|it| it.caps)
            };
            assert_eq!(leaves(None), Some(caps(to)));
            // Somebody insists on the other one.
            assert_eq!(leaves(Some(&before)), Some(before.clone()));
        }
    }

    #[test]
    fn what_is_no_picture_of_the_frame_is_left() {
        let frame = caps("format=I420,width=8,height=8");
        let possible = |to: &gst::Caps| Conversion::new(&frame, to, None).is_possible();
        assert!(possible(&caps("format=NV12,width=4,height=4")));
        assert!(!possible(&caps("format=GRAY8,width=8,height=8")));
        assert!(!possible(&caps(
            "format=I420,width=8,height=8,interlace-mode=interleaved"
        )));
        let elsewhere = "video/x-raw(memory:DMABuf),format=I420,width=8,height=8,framerate=25/1";
        assert!(!possible(&elsewhere.parse().unwrap()));
        assert!(!possible(&gst::Caps::new_empty_simple("image/jpeg")));
    }
}

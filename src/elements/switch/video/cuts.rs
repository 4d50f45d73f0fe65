// SPDX-License-Identifier: MPL-2.0

//! Cuts in the frames that come in: what is known of qualities holds for what was seen, and counts little behind one.

use crate::media::cut::CutDetector;

/// Looks at the frames of one stream.
#[derive(Debug)]
pub struct Cuts {
    info: gst_video::VideoInfo,
    detector: CutDetector,
}

impl Cuts {
    /// For frames with these caps. `None` where they are no pictures of a format that can be read, or lie where reading them
    /// would copy them.
    pub fn of(caps: &gst::Caps) -> Option<Cuts> {
        let features = caps.features(0)?;
        let is_near = features.is_equal(&gst::CAPS_FEATURES_MEMORY_SYSTEM_MEMORY);
        let info = gst_video::VideoInfo::from_caps(caps).ok().filter(|_| is_near)?;
        let detector = CutDetector::new(&info).ok()?;
        Some(Cuts { info, detector })
    }

    /// Whether the frame begins another scene. One that cannot be read does not.
    pub fn is_cut(&mut self, frame: &gst::Buffer) -> bool {
        // Memory of a device may be slow to read, whatever the caps say.
        if frame
            .iter_memories()
            .any(|it| it.is_type(gst::glib::gstr!("dmabuf")))
        {
            return false;
        }
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(frame, &self.info);
        frame.is_ok_and(|it| self.detector.is_cut(&it).unwrap_or(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elements::switch::test_rig::around_identity;
    use gst::prelude::*;

    /// Cuts that a switch counts in these frames, each given by the level of its left half.
    fn cuts(caps: &str, levels: impl IntoIterator<Item = u8>) -> u64 {
        let (switch, mut harness) = around_identity(caps);
        for level in levels {
            let halves = (0..64 * 64).map(|it| if it % 64 < 32 { level } else { 255 - level });
            let frame = gst::Buffer::from_slice(halves.collect::<Vec<u8>>());
            assert_eq!(harness.push(frame), Ok(gst::FlowSuccess::Ok));
            harness.pull().unwrap();
        }
        // Shown with the frame after it.
        switch.property::<gst::Structure>("stats").get("cuts").unwrap()
    }

    const GRAY: &str = "video/x-raw,format=GRAY8,width=64,height=64,framerate=25/1";

    #[test]
    fn a_cut_in_raw_frames_is_counted_once() {
        let levels = (0..40).map(|it| if it < 20 { 0 } else { 255 });
        assert_eq!(cuts(GRAY, levels), 1);
        assert_eq!(cuts(GRAY, [7; 40]), 0);
    }

    #[test]
    fn frames_in_other_memory_or_of_other_formats_have_none() {
        gst::init().unwrap();
        let of = |text: &str| Cuts::of(&text.parse().unwrap()).is_some();
        assert!(of(GRAY));
        assert!(!of(
            "video/x-raw(memory:DMABuf),format=NV12,width=64,height=64,framerate=25/1"
        ));
        assert!(!of("video/x-raw,format=UYVY,width=64,height=64,framerate=25/1"));
        assert!(!of("application/x-rtp"));
    }
}

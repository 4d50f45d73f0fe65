// SPDX-License-Identifier: MPL-2.0

//! What caps say of answers: whether two look alike, and how much a buffer has to hold.

/// Bytes that may stand behind the picture or the samples of a buffer: drivers round up to a page.
const SLACK: usize = 4096;

/// What buffers with certain caps have to hold.
#[derive(Debug, Default, Clone)]
pub enum Shape {
    /// Caps say nothing of it.
    #[default]
    Unknown,
    Frames(Box<gst_video::VideoInfo>),
    Samples {
        /// Bytes of a sample of all channels.
        width: usize,
    },
}

impl Shape {
    pub fn of(caps: &gst::CapsRef) -> Shape {
        match raw(caps) {
            Some("video/x-raw") => {
                let info = gst_video::VideoInfo::from_caps(caps);
                info.map_or(Shape::Unknown, |it| Shape::Frames(Box::new(it)))
            }
            Some("audio/x-raw") => {
                let info = gst_audio::AudioInfo::from_caps(caps);
                info.map_or(Shape::Unknown, |it| Shape::Samples {
                    width: it.bpf() as usize,
                })
            }
            _ => Shape::Unknown,
        }
    }

    /// How a buffer contradicts its caps; `None` where it does not.
    pub fn contradiction(&self, buffer: &gst::BufferRef) -> Option<String> {
        let size = buffer.size();
        match self {
            Shape::Unknown => None,
            Shape::Samples { width } => (*width != 0 && !size.is_multiple_of(*width))
                .then(|| format!("{size} bytes, which are no whole number of samples of {width} bytes")),
            Shape::Frames(info) => {
                let says = format!("{} x {} in {}", info.width(), info.height(), info.format());
                if let Some(meta) = buffer.meta::<gst_video::VideoMeta>() {
                    let is = (meta.format(), meta.width(), meta.height());
                    return (is != (info.format(), info.width(), info.height())).then(|| {
                        format!(
                            "a frame of {} x {} in {} where its caps say {says}",
                            is.1, is.2, is.0
                        )
                    });
                }
                let most = info.size() + SLACK.max(info.size() / 8);
                let fits = info.size() <= size && size <= most;
                (!fits).then(|| format!("{size} bytes where its caps say {says}, which is {}", info.size()))
            }
        }
    }
}

/// Whether answers with these caps look alike to what is behind the switch, whatever the caps leave unsaid.
pub fn are_alike(one: &gst::CapsRef, other: &gst::CapsRef) -> bool {
    match (Shape::of(one), Shape::of(other)) {
        (Shape::Frames(one), Shape::Frames(other)) => one == other,
        (Shape::Samples { .. }, Shape::Samples { .. }) => {
            let info = |caps: &gst::CapsRef| gst_audio::AudioInfo::from_caps(caps).ok();
            info(one) == info(other)
        }
        _ => one == other,
    }
}

/// The name of caps of raw frames or samples in ordinary memory.
fn raw(caps: &gst::CapsRef) -> Option<&str> {
    let (structure, features) = caps.iter_with_features().next()?;
    let ordinary = gst::CapsFeatures::new([gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY]);
    features.is_equal(&ordinary).then(|| structure.name().as_str())
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn caps(text: &str) -> gst::Caps {
        gst::init().unwrap();
        gst::Caps::from_str(text).unwrap()
    }

    #[test]
    fn what_caps_leave_unsaid_is_what_is_usual() {
        let plain = caps("video/x-raw,format=I420,width=64,height=36,framerate=25/1");
        for (added, alike) in [
            ("pixel-aspect-ratio=1/1", true),
            ("interlace-mode=progressive", true),
            ("pixel-aspect-ratio=4/3", false),
            ("interlace-mode=interleaved", false),
            ("colorimetry=bt2020", false),
        ] {
            let other = caps(&format!("{plain},{added}"));
            assert_eq!(are_alike(&plain, &other), alike, "{added}");
        }
        let other = caps("video/x-raw(memory:DMABuf),format=I420,width=64,height=36,framerate=25/1");
        assert!(!are_alike(&plain, &other));
        let sound = |more: &str| {
            caps(&format!(
                "audio/x-raw,format=F32LE,rate=48000,layout=interleaved{more}"
            ))
        };
        assert!(are_alike(&sound(",channels=1"), &sound(",channels=1")));
        let stereo = sound(",channels=2,channel-mask=(bitmask)0x3");
        let rear = sound(",channels=2,channel-mask=(bitmask)0x30");
        assert!(!are_alike(&stereo, &rear));
    }

    #[test]
    fn a_buffer_holds_what_its_caps_say_or_contradicts_them() {
        let shape = Shape::of(&caps("video/x-raw,format=GRAY8,width=64,height=36"));
        let with = |bytes: usize| gst::Buffer::with_size(bytes).unwrap();
        assert!(shape.contradiction(&with(64 * 36)).is_none());
        assert!(
            shape.contradiction(&with(64 * 36 + 4096)).is_none(),
            "a page of slack"
        );
        assert!(shape.contradiction(&with(64 * 36 - 1)).is_some());
        assert!(shape.contradiction(&with(128 * 72)).is_some());
        let mut buffer = with(64 * 36);
        let format = gst_video::VideoFormat::Gray8;
        let flags = gst_video::VideoFrameFlags::empty();
        gst_video::VideoMeta::add(buffer.get_mut().unwrap(), flags, format, 32, 36).unwrap();
        let told = shape.contradiction(&buffer).unwrap();
        assert!(told.contains("32 x 36") && told.contains("64 x 36"), "{told}");
        let sound = Shape::of(&caps(
            "audio/x-raw,format=S16LE,rate=8000,channels=2,layout=interleaved",
        ));
        assert!(sound.contradiction(&with(8)).is_none() && sound.contradiction(&with(6)).is_some());
    }
}

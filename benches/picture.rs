// SPDX-License-Identifier: MPL-2.0

//! What the element pays around a model: frame to tensor and answer to frame, labels, and what a score costs.
//!
//! Prints the median and the best of many runs, in microseconds, on the thread that runs them.

use std::hint::black_box;
use std::time::Instant;

use gst_video::{VideoFormat, VideoFrameRef, VideoInfo};
use gstavrec::answer::{Answer, Detection, Region, Text};
use gstavrec::media::cut::CutDetector;
use gstavrec::media::draw::{Painter, Style};
use gstavrec::media::luma::LumaReader;
use gstavrec::media::picture::{Fit, FrameToTensor, TensorToFrame};
use gstavrec::score::{Agreement, Plane, psnr, ssim};
use gstavrec::tensor::{Channels, Data, ElementType, ImageSpec, Layout, Tensor};

fn main() {
    gst::init().expect("GStreamer starts");
    for format in [
        VideoFormat::I420,
        VideoFormat::Nv12,
        VideoFormat::Rgb,
        VideoFormat::Bgrx,
    ] {
        for channels in [Channels::Luma, Channels::Rgb] {
            upscale(format, channels, ElementType::F32);
        }
    }
    upscale(VideoFormat::I420, Channels::Luma, ElementType::F16);
    upscale(VideoFormat::I420, Channels::Luma, ElementType::U8);
    fixed_input(VideoFormat::I420);
    fixed_input(VideoFormat::Rgb);
    for format in [VideoFormat::Nv12, VideoFormat::I420, VideoFormat::Bgrx] {
        letterbox(format);
    }
    for (format, width, height) in [
        (VideoFormat::I420, 640, 360),
        (VideoFormat::Nv12, 1920, 1080),
        (VideoFormat::Bgrx, 3840, 2160),
    ] {
        labels(format, width, height);
    }
    scores();
    for (format, width, height) in [
        (VideoFormat::Nv12, 1920, 1080),
        (VideoFormat::Bgrx, 1920, 1080),
        (VideoFormat::I420, 640, 360),
    ] {
        cuts(format, width, height);
    }
}

/// Looking for a cut; over more memory than the caches hold, as frames of a stream are.
fn cuts(format: VideoFormat, width: u32, height: u32) {
    let info = info(format, width, height);
    let frames: Vec<gst::Buffer> = (0..32)
        .map(|_| picture(&info).copy_deep().expect("memory"))
        .collect();
    let mut detector = CutDetector::new(&info).expect("a format that is read");
    let mut turn = frames.iter().cycle();
    measure(&format!("{format} {width}x{height}: a look for a cut"), || {
        let frame = turn.next().expect("endless");
        let frame = VideoFrameRef::from_buffer_ref_readable(frame, &info).expect("a frame");
        black_box(detector.is_cut(&frame).expect("a plane"));
    });
}

/// Ten boxes with labels on a frame, whose figures change; and texts that were never drawn before.
fn labels(format: VideoFormat, width: u32, height: u32) {
    let info = info(format, width, height);
    let mut buffer = picture(&info).copy_deep().expect("memory");
    let buffer = buffer.get_mut().expect("only here");
    let mut frame = VideoFrameRef::from_buffer_ref_writable(buffer, &info).expect("a frame");
    let mut painter = Painter::new(&info).expect("a format that is written");
    let names = ["person", "bicycle", "自行车", "шлем", "شخص"].map(str::to_owned);
    let (across, down) = (width as f32 / 12.0, height as f32 / 12.0);
    let mut count = 0u32;
    let place = format!("{format} {width}x{height}");
    measure(&format!("{place}: ten boxes with labels"), || {
        count += 1;
        let object = |it: u32| Detection {
            region: Region {
                left: it as f32 * across,
                top: it as f32 * down + down,
                width: across,
                height: down,
            },
            class: it % 5,
            confidence: (count + 7 * it) as f32 % 100.0 / 100.0,
            ..Detection::default()
        };
        let answer = Answer::Detections((0..10).map(object).collect());
        painter
            .overlay(&mut frame, &answer, &names, Style::default())
            .expect("draws");
    });
    for text in ["number", "数字", "عدد"] {
        measure(&format!("{place}: a new text, {text}"), || {
            count += 1;
            let answer = Answer::Text(Text {
                text: format!("{text} {count}"),
                confidence: 0.5,
            });
            painter
                .overlay(&mut frame, &answer, &[], Style::default())
                .expect("draws");
        });
    }
}

/// The job of a ×2 upscaler on 320×180.
fn upscale(format: VideoFormat, channels: Channels, element_type: ElementType) {
    let (input, output) = (info(format, 320, 180), info(format, 640, 360));
    let spec = spec(channels, element_type, None);
    let source = picture(&input);
    let mut target = gst::Buffer::with_size(output.size()).expect("memory");
    let mut tensor = Tensor {
        dims: Vec::new(),
        data: Data::F32(Vec::new()),
    };
    let mut fill = FrameToTensor::new(&input, &spec).expect("a format that is read");
    let mut write = TensorToFrame::new(&input, &output, &spec).expect("a format that is written");
    // The answer is a picture of the output's size, as the model would give it.
    let mut answer = tensor.clone();
    let large = picture(&output);
    let frame = VideoFrameRef::from_buffer_ref_readable(&large, &output).expect("a frame");
    FrameToTensor::new(&output, &spec)
        .expect("the same")
        .fill(&frame, &mut answer)
        .expect("a tensor");

    let source = VideoFrameRef::from_buffer_ref_readable(&source, &input).expect("a frame");
    let name = format!("{format} {channels:?} {element_type:?}");
    let into = measure(&format!("{name}: 320x180 to tensor"), || {
        fill.fill(&source, &mut tensor).expect("fills")
    });
    let target = target.get_mut().expect("only here");
    let mut target = VideoFrameRef::from_buffer_ref_writable(target, &output).expect("a frame");
    let back = measure(&format!("{name}: answer to 640x360"), || {
        write.write(&answer, &source, &mut target).expect("writes")
    });
    println!("{:>10.1} us  {name}: both", into + back);
}

/// The job of a classifier: a large frame to 224×224 RGB.
fn fixed_input(format: VideoFormat) {
    let input = info(format, 640, 480);
    let source = picture(&input);
    let source = VideoFrameRef::from_buffer_ref_readable(&source, &input).expect("a frame");
    let mut tensor = Tensor {
        dims: Vec::new(),
        data: Data::F32(Vec::new()),
    };
    let spec = spec(Channels::Rgb, ElementType::F32, Some((224, 224)));
    let mut fill = FrameToTensor::new(&input, &spec).expect("a format that is read");
    let name = format!("{format}: 640x480 to RGB tensor 224x224");
    measure(&name, || fill.fill(&source, &mut tensor).expect("fills"));
}

/// The job of a YOLO model: 1280×720 to 640×640 on gray, beside a chain of stock elements and a loop that do the
/// same in three steps. The stock elements pad with black, which costs as much as gray.
fn letterbox(format: VideoFormat) {
    let input = info(format, 1280, 720);
    let buffer = picture(&input);
    let source = VideoFrameRef::from_buffer_ref_readable(&buffer, &input).expect("a frame");
    let mut tensor = Tensor {
        dims: Vec::new(),
        data: Data::F32(Vec::new()),
    };
    let spec = spec(Channels::Rgb, ElementType::F32, Some((640, 640)));
    let mut fill = FrameToTensor::fitted(&input, &spec, Fit::Centered).expect("a format that is read");
    let name = format!("{format}: 1280x720 letterboxed to a tensor of 640x640");
    let ours = measure(&name, || fill.fill(&source, &mut tensor).expect("fills"));

    let chain = "videoconvert ! videoscale ! capsfilter caps=video/x-raw,format=RGB,width=640,height=640,pixel-aspect-ratio=1/1";
    let mut harness = gst_check::Harness::new_parse(chain);
    harness.set_src_caps(input.to_caps().expect("caps"));
    let mut values = vec![0f32; 3 * 640 * 640];
    let stock = measure(
        &format!("{format}: the same by videoconvert ! videoscale and a loop"),
        || {
            let picture = harness.push_and_pull(buffer.clone()).expect("a picture");
            normalize(&picture.map_readable().expect("memory"), black_box(&mut values));
        },
    );
    println!("{:>10.2}     {format}: ours over stock", ours / stock);
}

/// RGB to planes of 0 to 1, as a user's own loop would do it.
fn normalize(rgb: &[u8], values: &mut [f32]) {
    let (red, rest) = values.split_at_mut(rgb.len() / 3);
    let (green, blue) = rest.split_at_mut(rgb.len() / 3);
    let planes = red.iter_mut().zip(green).zip(blue);
    for (((red, green), blue), pixel) in planes.zip(rgb.as_chunks::<3>().0) {
        *red = f32::from(pixel[0]) / 255.0;
        *green = f32::from(pixel[1]) / 255.0;
        *blue = f32::from(pixel[2]) / 255.0;
    }
}

fn scores() {
    let info = info(VideoFormat::I420, 640, 360);
    let buffer = picture(&info);
    let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info).expect("a frame");
    let (mut reader, mut plane) = (LumaReader::default(), Plane::default());
    measure("luma plane of I420 640x360", || {
        reader.read(&frame, &mut plane).expect("reads")
    });
    let other = Plane {
        samples: plane.samples.iter().map(|it| it & 0xf8).collect(),
        ..plane.clone()
    };
    let mut half = Plane::new(320, 180);
    half.samples
        .iter_mut()
        .enumerate()
        .for_each(|(at, it)| *it = other.samples[(at / 320) * 1280 + at % 320 * 2]);
    measure("psnr 640x360", || {
        black_box(psnr(&other, &plane)).map(|_| ()).expect("compares")
    });
    measure("ssim 640x360", || {
        black_box(ssim(&other, &plane)).map(|_| ()).expect("compares")
    });
    let mut scorer = Agreement::default();
    measure("agreement 320x180 with 640x360", || {
        black_box(scorer.of(&half, &plane));
    });
}

fn info(format: VideoFormat, width: u32, height: u32) -> VideoInfo {
    VideoInfo::builder(format, width, height)
        .build()
        .expect("a valid format")
}

fn spec(channels: Channels, element_type: ElementType, size: Option<(usize, usize)>) -> ImageSpec {
    let count = if channels == Channels::Luma { 1 } else { 3 };
    ImageSpec {
        layout: Layout::Nchw,
        channels,
        element_type,
        size,
        ranges: vec![(0.0, 1.0); count],
    }
}

/// Slopes and grain; the content does not change what is measured.
fn picture(info: &VideoInfo) -> gst::Buffer {
    let mut state = 1u32;
    let bytes: Vec<u8> = (0..info.size())
        .map(|at| {
            state = state.wrapping_mul(1664525).wrapping_add(1013904223);
            (40 + at % 640 / 5) as u8 + (state >> 28) as u8
        })
        .collect();
    gst::Buffer::from_slice(bytes)
}

/// Prints and returns the median in microseconds.
fn measure(name: &str, mut job: impl FnMut()) -> f64 {
    (0..20).for_each(|_| job());
    let mut times: Vec<f64> = (0..300)
        .map(|_| {
            let start = Instant::now();
            job();
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let (median, best) = (times[times.len() / 2], times[0]);
    println!("{median:>10.1} us  {name} (best {best:.1})");
    median
}

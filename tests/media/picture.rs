// SPDX-License-Identifier: MPL-2.0

//! Frames to picture tensors and back, against naive arithmetic in double precision.

use gst_video::VideoFormat;
use gstavrec::media::picture::{FrameToTensor, TensorToFrame};
use gstavrec::media::{Error, luma::luma_plane};
use gstavrec::tensor::{Channels, ElementType, ImageSpec, Layout};
use half::f16;

use crate::support::frames::*;

const PACKED: [VideoFormat; 10] = [
    VideoFormat::Rgb,
    VideoFormat::Bgr,
    VideoFormat::Rgba,
    VideoFormat::Bgra,
    VideoFormat::Argb,
    VideoFormat::Abgr,
    VideoFormat::Rgbx,
    VideoFormat::Bgrx,
    VideoFormat::Xrgb,
    VideoFormat::Xbgr,
];

const PLANAR: [VideoFormat; 3] = [VideoFormat::Gray8, VideoFormat::I420, VideoFormat::Nv12];

/// Even and odd, with rows that need padding and rows that do not.
const SIZES: [(u32, u32); 5] = [(64, 48), (65, 47), (33, 1), (1, 9), (20, 5)];

const LIMITED: &str = "bt601";
const FULL: &str = "1:4:0:0";

#[test]
fn luma_planes_are_expanded_by_the_range_and_keep_their_headroom() {
    for format in PLANAR {
        for (colorimetry, black, white) in [(LIMITED, 16.0, 235.0), (FULL, 0.0, 255.0)] {
            for (width, height) in SIZES {
                let frame = Frame::new(format, width, height, colorimetry, noise);
                let tensor =
                    frame.to_tensor(&spec(Channels::Luma, Layout::Nchw, ElementType::F32, (0.0, 1.0)));
                assert_eq!(tensor.dims, [1, 1, height as usize, width as usize]);
                let expect = frame
                    .pixels()
                    .map(|(x, y)| (frame.sample(0, x, y) - black) / (white - black));
                check(
                    &values(&tensor),
                    &expect.collect::<Vec<_>>(),
                    1e-6,
                    &format!("{format} {colorimetry}"),
                );
            }
        }
    }
}

#[test]
fn luma_of_rgb_has_the_weights_of_the_matrix() {
    // GStreamer spells "range:matrix:transfer:primaries"; 0 is unknown, 4 BT.601, 6 BT.2020.
    let matrices = [
        ("1:0:0:0", 0.2126, 0.0722),
        ("1:4:0:0", 0.299, 0.114),
        ("1:6:0:0", 0.2627, 0.0593),
    ];
    for format in PACKED {
        for (colorimetry, kr, kb) in matrices {
            let frame = Frame::new(format, 37, 11, colorimetry, noise);
            let tensor = frame.to_tensor(&spec(Channels::Luma, Layout::Nhwc, ElementType::F32, (0.0, 1.0)));
            assert_eq!(tensor.dims, [1, 11, 37, 1]);
            let expect = frame.pixels().map(|(x, y)| {
                let [red, green, blue, _] = frame.rgba(x, y);
                (kr * red + (1.0 - kr - kb) * green + kb * blue) / 255.0
            });
            check(
                &values(&tensor),
                &expect.collect::<Vec<_>>(),
                1e-5,
                &format!("{format} {colorimetry}"),
            );
        }
    }
}

#[test]
fn rgb_tensors_have_the_layout_type_and_ranges_of_the_model() {
    let ranges = vec![(-2.118, 2.249), (-2.036, 2.429), (0.0, 1.0)];
    for format in PACKED {
        let frame = Frame::new(format, 33, 7, "sRGB", noise);
        for layout in [Layout::Nchw, Layout::Nhwc] {
            for (element_type, tolerance) in [(ElementType::F32, 1e-5), (ElementType::F16, 2e-3)] {
                let spec = ImageSpec {
                    ranges: ranges.clone(),
                    ..spec(Channels::Rgb, layout, element_type, (0.0, 1.0))
                };
                let tensor = frame.to_tensor(&spec);
                let expect = in_layout(layout, 33, 7, |x, y, channel| {
                    let (min, max) = (f64::from(ranges[channel].0), f64::from(ranges[channel].1));
                    min + frame.rgba(x, y)[channel] / 255.0 * (max - min)
                });
                check(
                    &values(&tensor),
                    &expect,
                    tolerance,
                    &format!("{format} {layout:?} {element_type:?}"),
                );
            }
            let tensor = frame.to_tensor(&spec(Channels::Rgb, layout, ElementType::U8, (0.0, 255.0)));
            let expect = in_layout(layout, 33, 7, |x, y, channel| frame.rgba(x, y)[channel]);
            check(
                &values(&tensor),
                &expect,
                0.0,
                &format!("{format} {layout:?} bytes"),
            );
        }
    }
}

#[test]
fn rgb_of_yuv_frames_follows_matrix_and_range() {
    // BT.601 and BT.709 in both ranges, BT.2020 in the limited one: "range:matrix:transfer:primaries".
    let colors = [
        ("2:4:0:0", 0.299, 0.114),
        ("1:4:0:0", 0.299, 0.114),
        ("2:3:0:0", 0.2126, 0.0722),
        ("1:3:0:0", 0.2126, 0.0722),
        ("2:6:0:0", 0.2627, 0.0593),
    ];
    for format in PLANAR {
        for (colorimetry, kr, kb) in colors {
            for (width, height) in [(64, 48), (65, 47), (3, 5)] {
                let frame = Frame::new(format, width, height, colorimetry, slope);
                let tensor =
                    frame.to_tensor(&spec(Channels::Rgb, Layout::Nhwc, ElementType::F32, (0.0, 255.0)));
                let expect = in_layout(Layout::Nhwc, width as usize, height as usize, |x, y, channel| {
                    frame.yuv_to_rgb(x, y, kr, kb, colorimetry.starts_with('2'))[channel]
                });
                check(
                    &values(&tensor),
                    &expect,
                    1.5,
                    &format!("{format} {colorimetry} {width}x{height}"),
                );
            }
        }
    }
}

#[test]
fn an_untouched_luma_answer_gives_the_same_frame_back() {
    for element_type in [ElementType::F32, ElementType::F16, ElementType::U8] {
        let white = if element_type == ElementType::U8 {
            255.0
        } else {
            1.0
        };
        let spec = spec(Channels::Luma, Layout::Nchw, element_type, (0.0, white));
        for format in PLANAR.into_iter().chain(PACKED) {
            for (width, height) in SIZES {
                // Bytes have no room for the headroom of the limited range nor for its steps.
                let colorimetry = if element_type == ElementType::U8 {
                    FULL
                } else {
                    LIMITED
                };
                let colorimetry = if PACKED.contains(&format) {
                    "sRGB"
                } else {
                    colorimetry
                };
                let source = Frame::new(format, width, height, colorimetry, noise);
                let back = source.through(&spec, &source.info);
                // A byte of luma is rounded, and so moves each color by up to half a level.
                let tolerance = if element_type == ElementType::F32 {
                    0.0
                } else {
                    1.0
                };
                back.check_against(
                    &source,
                    tolerance,
                    &format!("{format} {element_type:?} {width}x{height}"),
                );
            }
        }
    }
}

#[test]
fn an_untouched_rgb_answer_gives_the_same_frame_back() {
    for layout in [Layout::Nchw, Layout::Nhwc] {
        for range in [(0.0, 1.0), (1.0, -1.0)] {
            let spec = spec(Channels::Rgb, layout, ElementType::F32, range);
            for format in PACKED {
                for (width, height) in SIZES {
                    let source = Frame::new(format, width, height, "sRGB", noise);
                    source.through(&spec, &source.info).check_against(
                        &source,
                        0.0,
                        &format!("{format} {layout:?}"),
                    );
                }
            }
            for format in PLANAR {
                for (width, height) in [(64, 48), (65, 47)] {
                    let source = Frame::new(format, width, height, LIMITED, flat_chroma);
                    let what = format!("{format} {layout:?} {width}x{height}");
                    source
                        .through(&spec, &source.info)
                        .check_against(&source, 1.0, &what);
                }
            }
        }
    }
}

#[test]
fn padding_and_alpha_of_packed_frames_are_what_the_format_says() {
    let spec = spec(Channels::Rgb, Layout::Nchw, ElementType::F32, (0.0, 1.0));
    for (from, to, alpha) in [
        (VideoFormat::Argb, VideoFormat::Bgra, true),
        (VideoFormat::Rgbx, VideoFormat::Rgba, false),
        (VideoFormat::Rgba, VideoFormat::Xbgr, false),
    ] {
        let source = Frame::new(from, 21, 9, "sRGB", noise);
        let back = source.through(&spec, &info(to, 21, 9, "sRGB"));
        for (x, y) in source.pixels() {
            let mut expect = source.rgba(x, y);
            expect[3] = if alpha { expect[3] } else { 255.0 };
            assert_eq!(back.rgba(x, y), expect, "{from} to {to} at {x},{y}");
        }
    }
}

#[test]
fn a_fixed_size_model_sees_the_whole_frame_scaled() {
    for format in [
        VideoFormat::I420,
        VideoFormat::Gray8,
        VideoFormat::Bgr,
        VideoFormat::Argb,
    ] {
        for (frame_size, model) in [((97, 55), (32, 24)), ((40, 30), (64, 64)), ((33, 21), (33, 10))] {
            // Chroma of one color: the slow way repeats samples of an edge and the element interpolates.
            let frame = Frame::new(format, frame_size.0, frame_size.1, FULL, flat_chroma);
            for channels in [Channels::Luma, Channels::Rgb] {
                let full = spec(channels, Layout::Nchw, ElementType::F32, (0.0, 255.0));
                let whole = values(&frame.to_tensor(&full));
                let tensor = frame.to_tensor(&ImageSpec {
                    size: Some(model),
                    ..full
                });
                let count = if channels == Channels::Luma { 1 } else { 3 };
                assert_eq!(tensor.dims, [1, count, model.1, model.0]);
                let size = (frame_size.0 as usize, frame_size.1 as usize);
                let expect: Vec<f64> = whole
                    .chunks(size.0 * size.1)
                    .flat_map(|plane| bilinear(plane, size, model))
                    .collect();
                check(
                    &values(&tensor),
                    &expect,
                    2.0,
                    &format!("{format} {channels:?} {frame_size:?} to {model:?}"),
                );
            }
        }
    }
}

#[test]
fn a_luma_upscaler_writes_its_answer_and_the_chroma_is_scaled_along() {
    let spec = spec(Channels::Luma, Layout::Nchw, ElementType::F32, (0.0, 1.0));
    for (from, to) in [
        (VideoFormat::I420, VideoFormat::I420),
        (VideoFormat::Nv12, VideoFormat::Nv12),
        (VideoFormat::I420, VideoFormat::Nv12),
        (VideoFormat::Nv12, VideoFormat::I420),
    ] {
        for (width, height) in [(32, 18), (31, 17)] {
            let source = Frame::new(from, width, height, LIMITED, slope);
            let output = info(to, 2 * width, 2 * height, LIMITED);
            let answer = Frame::new(VideoFormat::Gray8, 2 * width, 2 * height, LIMITED, noise);
            let back = source.answered_by(&answer.to_tensor(&spec), &spec, &output);
            let chroma = |frame: &Frame, plane| -> Vec<f64> {
                let (width, height) = frame.chroma_size();
                (0..height)
                    .flat_map(|y| (0..width).map(move |x| (x, y)))
                    .map(|(x, y)| frame.chroma(plane, x, y))
                    .collect()
            };
            let luma: Vec<f64> = back.pixels().map(|(x, y)| back.sample(0, x, y)).collect();
            let expect: Vec<f64> = back.pixels().map(|(x, y)| answer.sample(0, x, y)).collect();
            check(&luma, &expect, 0.0, &format!("luma {from} to {to}"));
            for plane in [0, 1] {
                let expect = bilinear(&chroma(&source, plane), source.chroma_size(), back.chroma_size());
                check(
                    &chroma(&back, plane),
                    &expect,
                    1.0,
                    &format!("chroma {plane}, {from} to {to}, {width}x{height}"),
                );
            }
        }
    }
}

#[test]
fn a_luma_answer_on_rgb_keeps_the_color_differences() {
    let spec = spec(Channels::Luma, Layout::Nchw, ElementType::F32, (0.0, 255.0));
    let source = Frame::new(VideoFormat::Bgra, 32, 20, "sRGB", slope);
    let mut tensor = source.to_tensor(&spec);
    // A model that darkens: no color leaves the gamut of this picture by it.
    each_f32(&mut tensor, |value| value - 20.0);
    let back = source.answered_by(&tensor, &spec, &source.info);
    for (x, y) in source.pixels() {
        let [red, green, blue, alpha] = source.rgba(x, y);
        assert_eq!(
            back.rgba(x, y),
            [red - 20.0, green - 20.0, blue - 20.0, alpha],
            "at {x},{y}"
        );
    }
}

#[test]
fn an_answer_of_another_size_is_scaled_to_the_output() {
    for (format, channels) in [
        (VideoFormat::I420, Channels::Luma),
        (VideoFormat::Rgb, Channels::Luma),
        (VideoFormat::Rgb, Channels::Rgb),
    ] {
        let spec = ImageSpec {
            size: Some((24, 16)),
            ..spec(channels, Layout::Nchw, ElementType::F32, (0.0, 1.0))
        };
        let source = Frame::new(format, 48, 32, FULL, gentle);
        let back = source.through(&spec, &source.info);
        // The detour over half the size keeps a gentle slope.
        back.check_against(&source, 4.0, &format!("{format} {channels:?}"));
    }
}

#[test]
fn a_luma_answer_crosses_from_yuv_to_rgb_and_back() {
    let spec = spec(Channels::Luma, Layout::Nchw, ElementType::F32, (0.0, 1.0));
    let source = Frame::new(VideoFormat::I420, 64, 48, LIMITED, flat_chroma);
    let rgba = source.through(&spec, &info(VideoFormat::Rgba, 64, 48, "1:4:7:1"));
    for (x, y) in rgba.pixels() {
        let expect = source.yuv_to_rgb(x, y, 0.299, 0.114, true);
        for (got, expect) in rgba.rgba(x, y).into_iter().zip(expect) {
            assert!(
                (got - expect).abs() <= 2.0,
                "{got} instead of {expect} at {x},{y}"
            );
        }
    }
    let back = rgba.through(&spec, &source.info);
    back.check_against(&source, 2.0, "there and back");
}

#[test]
fn luma_planes_for_scoring_are_of_full_range() {
    for format in PLANAR {
        let frame = Frame::new(format, 35, 13, LIMITED, noise);
        let plane = luma_plane(&frame.readable()).unwrap();
        let got: Vec<f64> = plane.samples.iter().map(|&it| f64::from(it)).collect();
        let expect = frame
            .pixels()
            .map(|(x, y)| ((frame.sample(0, x, y) - 16.0) * 255.0 / 219.0).clamp(0.0, 255.0));
        check(&got, &expect.collect::<Vec<_>>(), 0.51, &format!("{format}"));
    }
    let frame = Frame::new(VideoFormat::Xbgr, 35, 13, "sRGB", noise);
    let plane = luma_plane(&frame.readable()).unwrap();
    let got: Vec<f64> = plane.samples.iter().map(|&it| f64::from(it)).collect();
    let expect = frame.pixels().map(|(x, y)| {
        let [red, green, blue, _] = frame.rgba(x, y);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    });
    check(&got, &expect.collect::<Vec<_>>(), 0.51, "xBGR");
}

#[test]
fn values_out_of_range_and_nan_stay_inside_of_the_frame() {
    let spec = spec(Channels::Luma, Layout::Nchw, ElementType::F32, (0.0, 1.0));
    let source = Frame::new(VideoFormat::Gray8, 4, 1, FULL, noise);
    let mut tensor = source.to_tensor(&spec);
    let mut values = [f32::NAN, -7.0, 3e9, 0.5].into_iter();
    each_f32(&mut tensor, |_| values.next().unwrap());
    let back = source.answered_by(&tensor, &spec, &source.info);
    let got: Vec<f64> = back.pixels().map(|(x, y)| back.sample(0, x, y)).collect();
    assert_eq!(got, [0.0, 0.0, 255.0, 128.0]);
}

#[test]
fn what_does_not_fit_is_an_error_that_says_so() {
    let good = spec(Channels::Luma, Layout::Nchw, ElementType::F32, (0.0, 1.0));
    let i420 = info(VideoFormat::I420, 16, 8, LIMITED);
    let new = |spec: &ImageSpec| FrameToTensor::new(&i420, spec).map(|_| ());

    let odd = info(VideoFormat::Yuy2, 16, 8, LIMITED);
    assert!(matches!(
        FrameToTensor::new(&odd, &good),
        Err(Error::Format("YUY2"))
    ));
    assert!(matches!(
        new(&ImageSpec {
            element_type: ElementType::I64,
            ..good.clone()
        }),
        Err(Error::ElementType(_))
    ));
    assert!(matches!(
        new(&ImageSpec {
            ranges: vec![(1.0, 1.0)],
            ..good.clone()
        }),
        Err(Error::Ranges { .. })
    ));
    assert!(matches!(
        new(&ImageSpec {
            ranges: vec![],
            ..good.clone()
        }),
        Err(Error::Ranges { .. })
    ));
    assert!(matches!(
        new(&ImageSpec {
            size: Some((0, 4)),
            ..good.clone()
        }),
        Err(Error::EmptyModel(0, 4))
    ));

    let frame = Frame::new(VideoFormat::I420, 16, 8, LIMITED, noise);
    let other = Frame::new(VideoFormat::I420, 18, 8, LIMITED, noise);
    let mut tensor = frame.to_tensor(&good);
    let mut fill = FrameToTensor::new(&i420, &good).unwrap();
    assert!(matches!(
        fill.fill(&other.readable(), &mut tensor),
        Err(Error::Frame { .. })
    ));

    let mut write = TensorToFrame::new(&i420, &i420, &good).unwrap();
    let mut target = frame.empty();
    let mut answer = |tensor: &gstavrec::tensor::Tensor| {
        write
            .write(tensor, &frame.readable(), &mut target.writable())
            .unwrap_err()
    };
    tensor.dims = vec![1, 3, 8, 16];
    assert!(matches!(answer(&tensor), Error::Answer { .. }));
    tensor.dims = vec![1, 1, 8, 17];
    assert!(matches!(answer(&tensor), Error::Elements { .. }));
    tensor.dims = vec![1, 1, 8, 16];
    tensor.data = gstavrec::tensor::Data::F16(vec![f16::ONE; 128]);
    assert!(matches!(answer(&tensor), Error::Elements { .. }));
}

#[test]
fn the_tensor_of_the_first_frame_serves_all_frames() {
    let spec = spec(Channels::Rgb, Layout::Nchw, ElementType::F16, (0.0, 1.0));
    let frame = Frame::new(VideoFormat::Nv12, 64, 48, LIMITED, noise);
    let mut fill = FrameToTensor::new(&frame.info, &spec).unwrap();
    assert_eq!(fill.dims(), [1, 3, 48, 64]);
    let mut tensor = frame.to_tensor(&spec);
    let before = address(&tensor);
    each_f16(&mut tensor, |_| f16::ZERO);
    fill.fill(&frame.readable(), &mut tensor).unwrap();
    assert_eq!(address(&tensor), before);
    assert_eq!(tensor, frame.to_tensor(&spec));
}

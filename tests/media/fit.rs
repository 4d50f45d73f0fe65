// SPDX-License-Identifier: MPL-2.0

//! Frames fitted into a model's input, against the slow way: colors first, then scaling, then padding.

use gst_video::VideoFormat;
use gstavrec::letterbox::{Letterbox, Size};
use gstavrec::media::picture::{Fit, FrameToTensor};
use gstavrec::tensor::{Channels, Data, ElementType, ImageSpec, Layout, Tensor};

use crate::support::frames::*;

fn empty() -> Tensor {
    Tensor {
        dims: Vec::new(),
        data: Data::F32(Vec::new()),
    }
}

fn fitted(frame: &Frame, spec: &ImageSpec, fit: Fit) -> (Tensor, Option<Letterbox>) {
    let mut fill = FrameToTensor::fitted(&frame.info, spec, fit).unwrap();
    let mut tensor = empty();
    fill.fill(&frame.readable(), &mut tensor).unwrap();
    (tensor, fill.letterbox())
}

/// Planes of the input made the slow way from the frame's own tensor, levels of full range.
fn slowly(frame: &Frame, full: &ImageSpec, model: (usize, usize), fit: Fit) -> Vec<f64> {
    let size = (frame.info.width() as usize, frame.info.height() as usize);
    let whole = values(&frame.to_tensor(full));
    let place = match fit {
        Fit::Cornered => Letterbox::cornered(to_size(size), to_size(model)),
        Fit::Centered => Letterbox::centered(to_size(size), to_size(model)),
        _ => Letterbox::stretched(to_size(size), to_size(model)),
    };
    let inner = (place.picture.width, place.picture.height);
    let planes = whole.chunks(size.0 * size.1).map(|plane| {
        let scaled = bilinear(plane, size, inner);
        let mut out = vec![114.0; model.0 * model.1];
        for y in 0..inner.1 {
            let at = (place.pad_top + y) * model.0 + place.pad_left;
            out[at..at + inner.0].copy_from_slice(&scaled[y * inner.0..][..inner.0]);
        }
        out
    });
    planes.flatten().collect()
}

/// Chroma of one color: at an edge of it the ways differ, since one interpolates and the other repeats samples.
fn content(format: VideoFormat) -> Content {
    match format {
        VideoFormat::I420 | VideoFormat::Nv12 => flat_chroma,
        _ => slope,
    }
}

fn to_size((width, height): (usize, usize)) -> Size {
    Size { width, height }
}

#[test]
fn a_letterboxed_frame_is_what_the_slow_way_gives_on_gray() {
    for format in FORMATS {
        for fit in [Fit::Stretch, Fit::Centered, Fit::Cornered] {
            for (size, model) in [
                ((128, 72), (64, 64)),
                ((97, 55), (32, 48)),
                ((40, 31), (64, 64)),
                ((33, 120), (64, 48)),
                ((64, 36), (64, 64)),
            ] {
                let frame = Frame::new(format, size.0, size.1, "1:3:0:0", content(format));
                for channels in [Channels::Luma, Channels::Rgb] {
                    let full = spec(channels, Layout::Nchw, ElementType::F32, (0.0, 255.0));
                    let expect = slowly(&frame, &full, model, fit);
                    let model_spec = ImageSpec {
                        size: Some(model),
                        ..full
                    };
                    let (tensor, _) = fitted(&frame, &model_spec, fit);
                    // Two levels of 255: the slow way rounds once more.
                    let what = format!("{format} {channels:?} {fit:?} {size:?} to {model:?}");
                    check(&values(&tensor), &expect, 2.0, &what);
                }
            }
        }
    }
}

#[test]
fn edges_of_chroma_stay_near_the_slow_way() {
    for format in [VideoFormat::I420, VideoFormat::Nv12] {
        for model in [(64, 64), (40, 48), (100, 90)] {
            let frame = Frame::new(format, 128, 72, "2:3:0:0", slope);
            let full = spec(Channels::Rgb, Layout::Nchw, ElementType::F32, (0.0, 255.0));
            let expect = slowly(&frame, &full, model, Fit::Centered);
            let (tensor, _) = fitted(
                &frame,
                &ImageSpec {
                    size: Some(model),
                    ..full
                },
                Fit::Centered,
            );
            let got = values(&tensor);
            let error: f64 = got
                .iter()
                .zip(&expect)
                .map(|(got, expect)| (got - expect).abs())
                .sum();
            let mean = error / got.len() as f64;
            assert!(mean < 2.0, "{format} {model:?}: {mean}");
            check(&got, &expect, 20.0, &format!("{format} {model:?}"));
        }
    }
}

#[test]
fn colors_far_from_gray_are_clipped_where_the_slow_way_clips_them() {
    let strong = |plane, x: usize, y: usize| {
        if plane == 0 {
            20 + (x + y) as u8
        } else {
            250 - 235 * (plane as u8 - 1)
        }
    };
    for format in [VideoFormat::I420, VideoFormat::Nv12] {
        for colorimetry in ["2:4:0:0", "1:4:0:0", "2:3:0:0", "1:3:0:0", "2:6:0:0"] {
            let frame = Frame::new(format, 96, 64, colorimetry, strong);
            let full = spec(Channels::Rgb, Layout::Nchw, ElementType::F32, (0.0, 255.0));
            let expect = slowly(&frame, &full, (32, 32), Fit::Centered);
            let (tensor, _) = fitted(
                &frame,
                &ImageSpec {
                    size: Some((32, 32)),
                    ..full
                },
                Fit::Centered,
            );
            check(&values(&tensor), &expect, 2.0, &format!("{format} {colorimetry}"));
        }
    }
}

#[test]
fn layouts_types_and_ranges_hold_the_same_picture() {
    let ranges = vec![(-2.118f32, 2.249f32), (-2.036, 2.429), (1.0, 0.0)];
    for format in [VideoFormat::Nv12, VideoFormat::Bgrx, VideoFormat::Gray8] {
        let frame = Frame::new(format, 80, 40, "1:3:0:0", slope);
        let full = ImageSpec {
            size: Some((48, 32)),
            ..spec(Channels::Rgb, Layout::Nchw, ElementType::F32, (0.0, 255.0))
        };
        let levels = values(&fitted(&frame, &full, Fit::Centered).0);
        for layout in [Layout::Nchw, Layout::Nhwc] {
            let model = ImageSpec {
                ranges: ranges.clone(),
                layout,
                ..full.clone()
            };
            let expect = in_layout(layout, 48, 32, |x, y, channel| {
                let (black, white) = (f64::from(ranges[channel].0), f64::from(ranges[channel].1));
                black + levels[(channel * 32 + y) * 48 + x] / 255.0 * (white - black)
            });
            check(
                &values(&fitted(&frame, &model, Fit::Centered).0),
                &expect,
                1e-5,
                &format!("{format} {layout:?}"),
            );
            let half = ImageSpec {
                element_type: ElementType::F16,
                ..model
            };
            check(
                &values(&fitted(&frame, &half, Fit::Centered).0),
                &expect,
                2e-3,
                &format!("{format} {layout:?} halves"),
            );
            let bytes = ImageSpec {
                element_type: ElementType::U8,
                ranges: vec![(0.0, 255.0); 3],
                ..half
            };
            let expect = in_layout(layout, 48, 32, |x, y, channel| {
                levels[(channel * 32 + y) * 48 + x]
            });
            check(
                &values(&fitted(&frame, &bytes, Fit::Centered).0),
                &expect,
                0.51,
                &format!("{format} {layout:?} bytes"),
            );
        }
    }
}

#[test]
fn a_crop_is_the_middle_of_the_frame() {
    for format in FORMATS {
        let frame = Frame::new(format, 120, 64, "1:3:0:0", content(format));
        let full = spec(Channels::Rgb, Layout::Nchw, ElementType::F32, (0.0, 255.0));
        let whole = values(&frame.to_tensor(&full));
        let expect: Vec<f64> = whole
            .chunks(120 * 64)
            .flat_map(|plane| {
                let middle: Vec<f64> = (0..64)
                    .flat_map(|y| plane[y * 120 + 28..][..64].to_vec())
                    .collect();
                bilinear(&middle, (64, 64), (32, 32))
            })
            .collect();
        let (tensor, letterbox) = fitted(
            &frame,
            &ImageSpec {
                size: Some((32, 32)),
                ..full
            },
            Fit::Crop,
        );
        assert_eq!(letterbox, None);
        // The outermost pixels see what the reference has cut away.
        check(
            &inside(&values(&tensor)),
            &inside(&expect),
            2.0,
            &format!("{format}"),
        );
    }
}

/// Planes of 32×32 without their edge.
fn inside(planes: &[f64]) -> Vec<f64> {
    let at = |index: &usize| (1..31).contains(&(index % 32)) && (1..31).contains(&(index / 32 % 32));
    (0..planes.len()).filter(at).map(|index| planes[index]).collect()
}

#[test]
fn a_mark_in_the_frame_is_found_where_the_letterbox_says() {
    let dark = |_, _, _| 20;
    let mut frame = Frame::new(VideoFormat::Gray8, 320, 180, "1:3:0:0", dark);
    {
        use gst_video::prelude::*;
        let mut writable = frame.writable();
        let stride = writable.plane_stride()[0] as usize;
        let data = writable.plane_data_mut(0).unwrap();
        // A block of 40×20 at (200, 60).
        (60..80).for_each(|y| data[y * stride + 200..][..40].fill(250));
    }
    for fit in [Fit::Stretch, Fit::Centered, Fit::Cornered] {
        let model = ImageSpec {
            size: Some((160, 160)),
            ..spec(Channels::Luma, Layout::Nchw, ElementType::F32, (0.0, 255.0))
        };
        let (tensor, letterbox) = fitted(&frame, &model, fit);
        let bright: Vec<usize> = values(&tensor)
            .iter()
            .enumerate()
            .filter(|(_, value)| 135.0 < **value)
            .map(|(at, _)| at)
            .collect();
        let edges = |of: fn(&usize) -> usize| {
            let places = bright.iter().map(of);
            (
                places.clone().min().unwrap() as f32,
                places.max().unwrap() as f32 + 1.0,
            )
        };
        let ((left, right), (top, bottom)) = (edges(|at| at % 160), edges(|at| at / 160));
        let region = letterbox.unwrap().to_frame(left, top, right, bottom).unwrap();
        let expect = [200.0, 60.0, 240.0, 80.0];
        let (right, bottom) = (region.left + region.width, region.top + region.height);
        for (got, expect) in [region.left, region.top, right, bottom].into_iter().zip(expect) {
            assert!((got - expect).abs() <= 1.0, "{fit:?}: {region:?}");
        }
    }
}

#[test]
fn a_model_of_any_size_is_given_the_frame_as_it_is() {
    let frame = Frame::new(VideoFormat::Rgb, 50, 30, "sRGB", noise);
    let any = spec(Channels::Rgb, Layout::Nchw, ElementType::F32, (0.0, 1.0));
    for fit in [Fit::Centered, Fit::Crop] {
        let (tensor, letterbox) = fitted(&frame, &any, fit);
        assert_eq!(tensor, frame.to_tensor(&any));
        assert_eq!(letterbox.unwrap().picture, to_size((50, 30)));
    }
}

/// The same picture with the channels turned: planes or triples.
fn turned(values: &[f64], layout: Layout) -> Vec<f64> {
    match layout {
        Layout::Nchw => values.chunks(values.len() / 3).rev().flatten().copied().collect(),
        Layout::Nhwc => values.chunks(3).flat_map(|it| [it[2], it[1], it[0]]).collect(),
    }
}

#[test]
fn blue_comes_first_where_the_model_wants_it() {
    let ranges = vec![(-2.0, 2.0), (0.0, 255.0), (0.5, 1.0)];
    for format in FORMATS {
        let frame = Frame::new(format, 36, 20, "1:3:0:0", content(format));
        for layout in [Layout::Nchw, Layout::Nhwc] {
            for element_type in [ElementType::F32, ElementType::F16] {
                for (size, fit) in [
                    ((36, 20), Fit::Stretch),
                    ((32, 32), Fit::Centered),
                    ((16, 16), Fit::Crop),
                ] {
                    let rgb = ImageSpec {
                        size: Some(size),
                        ranges: ranges.clone(),
                        ..spec(Channels::Rgb, layout, element_type, (0.0, 1.0))
                    };
                    // Ranges stand in the order of the tensor.
                    let bgr = ImageSpec {
                        channels: Channels::Bgr,
                        ranges: ranges.iter().rev().copied().collect(),
                        ..rgb.clone()
                    };
                    let expect = turned(&values(&fitted(&frame, &rgb, fit).0), layout);
                    let got = values(&fitted(&frame, &bgr, fit).0);
                    check(
                        &got,
                        &expect,
                        1e-6,
                        &format!("{format} {layout:?} {element_type:?} {fit:?}"),
                    );
                }
            }
        }
    }
}

#[test]
fn padding_has_the_level_that_is_asked_for() {
    let frame = Frame::new(VideoFormat::Rgb, 32, 16, "sRGB", content(VideoFormat::Rgb));
    let square = ImageSpec {
        size: Some((32, 32)),
        ranges: vec![(0.0, 51.0), (0.0, 102.0), (0.0, 255.0)],
        ..spec(Channels::Bgr, Layout::Nchw, ElementType::F32, (0.0, 255.0))
    };
    let to_tensor = FrameToTensor::fitted(&frame.info, &square, Fit::Cornered).unwrap();
    let mut tensor = empty();
    let mut to_tensor = to_tensor.padded_with(5);
    to_tensor.fill(&frame.readable(), &mut tensor).unwrap();
    let last = |plane: usize| values(&tensor)[plane * 1024 + 1023];
    check(&[last(0), last(1), last(2)], &[1.0, 2.0, 5.0], 1e-6, "the corner");
}

#[test]
fn an_extended_frame_is_itself_and_then_its_edge() {
    for format in FORMATS {
        for layout in [Layout::Nchw, Layout::Nhwc] {
            for channels in [Channels::Luma, Channels::Bgr] {
                let frame = Frame::new(format, 13, 9, "1:3:0:0", content(format));
                let own = spec(channels, layout, ElementType::F32, (0.0, 255.0));
                let large = ImageSpec {
                    size: Some((16, 16)),
                    ..own.clone()
                };
                let mut to_tensor = FrameToTensor::extended(&frame.info, &large).unwrap();
                let mut tensor = empty();
                to_tensor.fill(&frame.readable(), &mut tensor).unwrap();
                let place = to_tensor.letterbox().unwrap();
                assert_eq!(
                    (place.picture.width, place.picture.height, place.pad_left),
                    (13, 9, 0)
                );
                let plain = values(&fitted(&frame, &own, Fit::Stretch).0);
                let (count, got) = (channels.count(), values(&tensor));
                let at = |values: &[f64], (width, height), channel, x, y| match layout {
                    Layout::Nchw => values[(channel * height + y) * width + x],
                    Layout::Nhwc => values[(y * width + x) * count + channel],
                };
                for (channel, y, x) in (0..count).flat_map(|c| (0..256).map(move |it| (c, it / 16, it % 16)))
                {
                    let expect: f64 = at(&plain, (13, 9), channel, x.min(12), y.min(8));
                    let got: f64 = at(&got, (16, 16), channel, x, y);
                    // Chroma of an odd size is scaled otherwise than it is converted whole.
                    let tolerance = if matches!(format, VideoFormat::I420 | VideoFormat::Nv12) {
                        2.0
                    } else {
                        1e-4
                    };
                    assert!(
                        (got - expect).abs() <= tolerance,
                        "{format} {layout:?} {channels:?} {x},{y}: {got} {expect}"
                    );
                }
            }
        }
    }
}

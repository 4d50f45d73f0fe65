// SPDX-License-Identifier: MPL-2.0

//! Labels in any script: what stands on a plate, that nothing of it is left out, and what it costs.
//!
//! With `AVREC_PICTURES=FOLDER` the test of all scripts writes what it draws there, as PPM files to look at.

use std::sync::Arc;

use gst::prelude::*;
use gst_video::VideoFormat;
use gstavrec::answer::{Answer, Detection, Region, Text};
use gstavrec::media::draw::{Painter, Style, Typeface};

use crate::support::frames::{FORMATS, Frame};
use crate::support::infer::Bench;

/// Labels of ten scripts, accents, signs and emoji, as files of labels have them.
const SCRIPTS: [&str; 16] = [
    "person",
    "Fußgänger, piéton, œuvre, Řeka",
    "Пешеход на дороге",
    "Πεζός",
    "行人与自行车",
    "歩行者とバス",
    "보행자 신호등",
    "شخص يمشي",
    "הולך רגל",
    "पैदल यात्री",
    "คนเดินเท้า",
    "Հետիոտն",
    "ფეხით მოსიარულე",
    "🐕 dog 🚗 car 🙂",
    "→ 50 km/h ✓ ½ €",
    "tab\tline\nend \u{10ffff}\u{e000}",
];

fn frame(format: VideoFormat, width: usize, height: usize) -> Frame {
    let colorimetry = match format {
        VideoFormat::I420 | VideoFormat::Nv12 | VideoFormat::Gray8 => "1:3:0:0",
        _ => "sRGB",
    };
    // A soft slope, dark on the left, as a picture may have it.
    let content = |plane: usize, x: usize, y: usize| match plane {
        0 => (40 + (x / 24 + y / 12) % 120) as u8,
        3 => 255,
        _ => 128,
    };
    Frame::new(format, width as u32, height as u32, colorimetry, content)
}

fn object(left: f32, top: f32, width: f32, height: f32, class: u32) -> Detection {
    Detection {
        region: Region {
            left,
            top,
            width,
            height,
        },
        class,
        confidence: 0.87,
        ..Detection::default()
    }
}

fn write(name: &str, frame: &Frame) {
    let Some(folder) = std::env::var_os("AVREC_PICTURES") else {
        return;
    };
    let (width, height) = (frame.info.width() as usize, frame.info.height() as usize);
    let mut bytes = format!("P6 {width} {height} 255\n").into_bytes();
    for y in 0..height {
        for x in 0..width {
            let rgb = match frame.info.format() {
                VideoFormat::I420 | VideoFormat::Nv12 | VideoFormat::Gray8 => {
                    frame.yuv_to_rgb(x, y, 0.2126, 0.0722, false)
                }
                _ => {
                    let [red, green, blue, _] = frame.rgba(x, y);
                    [red, green, blue]
                }
            };
            bytes.extend(rgb.map(|it| it.clamp(0.0, 255.0) as u8));
        }
    }
    std::fs::write(std::path::Path::new(&folder).join(name), bytes).unwrap();
}

#[test]
fn labels_of_each_script_are_drawn_at_each_size() {
    let labels: Vec<String> = SCRIPTS.iter().map(|it| (*it).to_owned()).collect();
    for (format, width, height) in [
        (VideoFormat::I420, 160, 90),
        (VideoFormat::I420, 640, 360),
        (VideoFormat::Rgb, 640, 360),
        (VideoFormat::Gray8, 640, 360),
        (VideoFormat::Nv12, 1920, 1080),
        (VideoFormat::Bgrx, 3840, 2160),
    ] {
        let mut frame = frame(format, width, height);
        let unit = height as f32 / 360.0;
        let found = (0..16).map(|class| {
            let (column, row) = ((class % 2) as f32, (class / 2) as f32);
            let place = ((8.0 + 316.0 * column) * unit, (22.0 + 42.0 * row) * unit);
            object(place.0, place.1, 300.0 * unit, 18.0 * unit, class)
        });
        let mut painter = Painter::new(&frame.info).unwrap();
        let answer = Answer::Detections(found.collect());
        painter
            .overlay(&mut frame.writable(), &answer, &labels, Style::default())
            .unwrap();
        write(&format!("{format:?}-{height}.ppm"), &frame);
    }
}

/// A text in the corner of a gray frame: black on a white plate, in luma.
fn said_in(typeface: &Arc<Typeface>, text: &str, style: Style) -> Plate {
    let mut frame = Frame::new(VideoFormat::Gray8, 640, 360, "1:1:0:0", |_, _, _| 128);
    let mut painter = Painter::new(&frame.info).unwrap().with_typeface(typeface.clone());
    let answer = Answer::Text(Text {
        text: text.into(),
        confidence: 0.5,
    });
    painter
        .overlay(&mut frame.writable(), &answer, &[], style)
        .unwrap();
    Plate::of(&frame)
}

fn said(text: &str) -> Plate {
    said_in(&Typeface::usual(), text, Style::default())
}

/// What is on the plate in the corner.
#[derive(Clone, PartialEq)]
struct Plate {
    width: usize,
    height: usize,
    /// Column by column.
    columns: Vec<Vec<u8>>,
}

impl Plate {
    fn of(frame: &Frame) -> Plate {
        let is_plate = |x: usize, y: usize| frame.sample(0, x, y) == 255.0;
        // It begins some pixels from the corner, and is white there.
        let begin = (0..40).find(|&it| is_plate(it, it)).unwrap();
        let width = (begin..640).take_while(|&x| is_plate(x, begin)).count();
        let height = (begin..360).take_while(|&y| is_plate(begin, y)).count();
        let column = |x: usize| {
            (begin..begin + height)
                .map(|y| frame.sample(0, x, y) as u8)
                .collect()
        };
        Plate {
            width,
            height,
            columns: (begin..begin + width).map(column).collect(),
        }
    }

    fn ink(&self) -> usize {
        self.columns.iter().flatten().filter(|it| **it < 128).count()
    }
}

#[test]
fn no_letter_is_left_out_whoever_has_it() {
    let without = said("aa");
    let letters = "éЖω中あ한क்กעش🐕🙂→\u{e000}\u{10ffff}\u{1}\n\u{2029}\u{fffd}𐍈𓀀ᚠ";
    for letter in letters.chars().filter(|it| *it != '\u{bcd}') {
        let with = said(&format!("a{letter}a"));
        assert!(
            without.width + 2 < with.width && without.ink() + 5 < with.ink(),
            "{letter:?} ({:x}): {} wide, {} dark",
            letter as u32,
            with.width,
            with.ink()
        );
    }
    // A mark takes no room, but ink.
    let (without, with) = (said("xx"), said("x\u{301}x"));
    assert!(without.width == with.width && without.ink() < with.ink());
}

#[test]
fn hebrew_is_read_from_the_right_and_arabic_letters_are_joined() {
    let (first, both) = (said("\u{5d0}"), said("\u{5d0}\u{5e9}"));
    // What is at the right of both is what the first letter is alone, with the figure behind it.
    let tail = first.width * 3 / 4;
    assert!(first.columns[first.width - tail..] == both.columns[both.width - tail..]);
    assert!(first.columns[..tail] != both.columns[..tail]);
    let (one, three) = (said("\u{628}"), said("\u{628}\u{628}\u{628}"));
    let figure = said("\u{628} \u{628}").width - one.width;
    assert!(
        three.width < one.width + 2 * figure * 2 / 3,
        "{} {}",
        one.width,
        three.width
    );
}

#[test]
fn what_is_too_long_ends_in_dots_and_keeps_its_figure() {
    let (short, long) = (said("word"), said(&"word ".repeat(100)));
    assert!(600 < long.width && long.width < 639, "{}", long.width);
    let figure = 20;
    assert!(short.columns[short.width - figure..] == long.columns[long.width - figure..]);
    assert_eq!(short.height, long.height);
}

#[test]
fn size_and_colors_are_those_that_are_asked_for() {
    let style = |font_size, color, labels_color| Style {
        font_size,
        color,
        labels_color,
    };
    let heights = [8u32, 24, 96].map(|it| said_in(&Typeface::usual(), "x", style(it, 0, 0)).height);
    assert_eq!(heights, [12, 33, 132]);
    for format in FORMATS.into_iter().filter(|it| *it != VideoFormat::Gray8) {
        let mut frame = frame(format, 320, 180);
        let mut painter = Painter::new(&frame.info).unwrap();
        let answer = Answer::Detections(vec![object(40.0, 60.0, 200.0, 80.0, 0)]);
        let style = style(40, 0xff20_40c0, 0xfff0_e010);
        painter
            .overlay(&mut frame.writable(), &answer, &["\u{25a0}".into()], style)
            .unwrap();
        let color = |x: usize, y: usize| match format {
            VideoFormat::I420 | VideoFormat::Nv12 => frame.yuv_to_rgb(x, y, 0.2126, 0.0722, false),
            _ => {
                let [red, green, blue, _] = frame.rgba(x, y);
                [red, green, blue]
            }
        };
        let is_near =
            |one: [f64; 3], other: [f64; 3]| one.iter().zip(other).all(|(a, b)| (a - b).abs() < 6.0);
        let edge = color(41, 100);
        assert!(is_near(edge, [32.0, 64.0, 192.0]), "{format}: {edge:?}");
        let plate = color(42, 58);
        assert!(is_near(plate, edge), "{format}: {plate:?}");
        // The square is in the middle of its line.
        let letter = color(64, 36);
        assert!(is_near(letter, [240.0, 224.0, 16.0]), "{format}: {letter:?}");
    }
}

#[test]
fn a_font_may_be_named_by_family_or_file_and_one_that_is_none_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let serif = dejavu::serif::bold();
    let named = Typeface::named(&file("serif.ttf", serif)).unwrap();
    let style = Style::default();
    assert!(said_in(&named, "Hamburg", style).ink() != said("Hamburg").ink());
    // What it has not is there, too.
    let (without, with) = (
        said_in(&named, "a", style),
        said_in(&named, "a\u{4e2d}\u{1f415}", style),
    );
    assert!(without.width + 20 < with.width);
    let family = Typeface::named("dejavu sans").unwrap();
    assert!(said_in(&family, "Hamburg", style) == said("Hamburg"));
    for (font, words) in [
        ("No Such Family", "No Such Family"),
        ("/nowhere/font.ttf", "/nowhere/font.ttf"),
        ("/dev/zero", "cannot read"),
        (&file("text.ttf", b"This is no font."), "no font"),
        (&file("empty.ttf", b""), "no font"),
        (folder.path().to_str().unwrap(), "cannot read"),
    ] {
        let error = Typeface::named(font).unwrap_err().to_string();
        assert!(
            error.starts_with("overlay-font") && error.contains(words),
            "{font}: {error}"
        );
    }
    // Half a font is refused or draws what it can.
    for part in [2, 3, 10] {
        let half = file("half.ttf", &serif[..serif.len() * (part - 1) / part]);
        if let Ok(typeface) = Typeface::named(&half) {
            said_in(&typeface, "Hamburg 中", style);
        }
    }
}

#[test]
fn the_element_draws_in_the_style_of_its_properties_while_it_plays() {
    let error = Bench::new("detect_bright", "output=overlay overlay-font=/nowhere/none.ttf")
        .complaint(gst::MessageType::Error);
    assert!(
        error.contains("overlay-font") && error.contains("/nowhere/none.ttf"),
        "{error}"
    );

    let frame = Frame::new(VideoFormat::Rgb, 128, 128, "sRGB", |_, x, y| match (x, y) {
        (64..80, 64..80) => 250,
        _ => 20,
    });
    let mut bench = Bench::new("detect_bright", "output=overlay overlay-color=0xff0000ff");
    let mut caps = frame.info.to_caps().unwrap();
    caps.make_mut().set("framerate", gst::Fraction::new(25, 1));
    bench.harness.set_src_caps(caps);
    for (color, edge) in [
        (None, [0.0, 0.0, 255.0]),
        (Some(0xff00_ff00u32), [0.0, 255.0, 0.0]),
    ] {
        if let Some(color) = color {
            bench.element.set_property("overlay-color", color);
        }
        let drawn = Frame {
            info: frame.info.clone(),
            buffer: bench
                .harness
                .push_and_pull(frame.buffer.clone())
                .unwrap()
                .copy_deep()
                .unwrap(),
        };
        assert_eq!(drawn.rgba(64, 72)[..3], edge);
    }
}

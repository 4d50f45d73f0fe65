// SPDX-License-Identifier: MPL-2.0

//! A number over time as a picture.

use std::convert::Infallible;

use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::ascii::FONT_9X15;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{Line, PrimitiveStyle};
use embedded_graphics::text::{Alignment, Text};
use gstavrec::messages::ModelAnswer;

use super::answers;

const SIZE: (usize, usize) = (960, 320);
/// Left, top, right and bottom of what is plotted.
const AREA: (i32, i32, i32, i32) = (60, 20, 940, 280);

const INK: Rgb888 = Rgb888::new(40, 40, 40);
const GRID: Rgb888 = Rgb888::new(215, 215, 215);
const CURVE: Rgb888 = Rgb888::new(20, 90, 200);

/// RGB pixels, row by row.
struct Canvas(Vec<u8>);

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(SIZE.0 as u32, SIZE.1 as u32)
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        for Pixel(at, color) in pixels {
            let (Ok(x), Ok(y)) = (usize::try_from(at.x), usize::try_from(at.y)) else {
                continue;
            };
            if x < SIZE.0
                && let Some(pixel) = self.0.get_mut(3 * (y * SIZE.0 + x)..)
                && let Some(pixel) = pixel.first_chunk_mut::<3>()
            {
                *pixel = [color.r(), color.g(), color.b()];
            }
        }
        Ok(())
    }
}

/// The certainty of answers over time; `None` where there are none.
///
/// The vertical axis goes from 0 to 1, or to the largest score if that is more.
pub fn over_time(said: &[ModelAnswer]) -> Option<gst::Sample> {
    let points = said.iter().filter_map(|it| {
        let time = it.pts?.nseconds() as f64 * 1e-9;
        Some((time, answers::certainty(&it.said)))
    });
    let points: Vec<(f64, f64)> = points.collect();
    let (end, _) = *points.last()?;
    let most = points.iter().map(|it| it.1).fold(1.0, f64::max);
    let mut canvas = Canvas(vec![255; 3 * SIZE.0 * SIZE.1]);
    axes(&mut canvas, end, most);
    let place = |(time, value): (f64, f64)| {
        let (left, top, right, bottom) = AREA;
        let across = time / end.max(1e-9) * f64::from(right - left);
        let up = value.max(0.0) / most * f64::from(bottom - top);
        Point::new(left + across as i32, bottom - up as i32)
    };
    for pair in points.windows(2) {
        let [one, other] = pair else { continue };
        let style = PrimitiveStyle::with_stroke(CURVE, 2);
        let Ok(()) = Line::new(place(*one), place(*other))
            .into_styled(style)
            .draw(&mut canvas);
    }
    sample(canvas)
}

fn axes(canvas: &mut Canvas, end: f64, most: f64) {
    let (left, top, right, bottom) = AREA;
    let letters = MonoTextStyle::new(&FONT_9X15, INK);
    let line = PrimitiveStyle::with_stroke(GRID, 1);
    for quarter in 0..=4 {
        let y = bottom - (bottom - top) * quarter / 4;
        let value = most * f64::from(quarter) / 4.0;
        let Ok(()) = Line::new(Point::new(left, y), Point::new(right, y))
            .into_styled(line)
            .draw(canvas);
        let label = format!("{value:.2}");
        let Ok(_) =
            Text::with_alignment(&label, Point::new(left - 8, y + 4), letters, Alignment::Right).draw(canvas);
        let x = left + (right - left) * quarter / 4;
        let label = format!("{:.1} s", end * f64::from(quarter) / 4.0);
        let alignment = if quarter == 4 {
            Alignment::Right
        } else {
            Alignment::Center
        };
        let Ok(_) = Text::with_alignment(&label, Point::new(x, bottom + 22), letters, alignment).draw(canvas);
    }
}

fn sample(canvas: Canvas) -> Option<gst::Sample> {
    let (width, height) = SIZE;
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgb, width as u32, height as u32)
        .fps(gst::Fraction::new(25, 1))
        .build()
        .ok()?;
    let buffer = gst::Buffer::from_mut_slice(canvas.0);
    let caps = info.to_caps().ok()?;
    Some(gst::Sample::builder().buffer(&buffer).caps(&caps).build())
}

// SPDX-License-Identifier: MPL-2.0

//! Pictures against scikit-image, sound against fast_bss_eval and pystoi.

use gstavrec::score::evaluation::{Terms, observe};
use gstavrec::score::{Content, Plane};

use super::{Draw, check, no_further};

#[test]
fn pictures_are_measured_as_by_scikit_image() {
    let made = |case| {
        let draw = Draw::new(5, case);
        let (width, height) = match case {
            10 => (640, 480),
            11 => (800, 720),
            _ => (64 + 8 * case, 48),
        };
        let one = |item: u32| {
            let truth = |at: u32| {
                let (x, y) = (at % width, at / width);
                let edge = if (x / 17 + y / 11) % 2 == 0 { 70 } else { 0 };
                40 + x * 90 / width + y * 30 / height + edge + draw.one(10 * item, at, 8)
            };
            let answer = |at: u32| {
                let noise = draw.signed(10 * item + 1, at, 1 + 6 * case);
                (truth(at) as i32 + noise).clamp(0, 255) as u32
            };
            let picture = |sample: &dyn Fn(u32) -> u32| {
                Content::Picture(Plane {
                    samples: (0..width * height).map(|it| sample(it) as u8).collect(),
                    width: width as usize,
                    height: height as usize,
                })
            };
            observe(Some(&picture(&answer)), &picture(&truth), &Terms::default()).unwrap()
        };
        (0..if case < 10 { 3 } else { 1 }).map(one).collect()
    };
    check("pictures", |_| 1e-6, made, no_further);
}

#[test]
fn sound_is_measured_as_by_fast_bss_eval_and_pystoi() {
    let made = |case| {
        let draw = Draw::new(6, case);
        let rate = [10_000, 16_000, 48_000, 44_100, 8_000, 22_050][case as usize % 6];
        let one = |item: u32| {
            let sample = |stream: u32, at: u32| draw.one(stream, at, 1 << 16) as i32 - (1 << 15);
            let speech = |at: u32| {
                let period = rate / 8;
                let rise = ((at % period) * 256 / period).abs_diff(128) as i32;
                sample(10 * item, at) * if rise < 24 { 0 } else { rise }
            };
            let noise = |at: u32| sample(10 * item + 1, at) * (1 + 9 * case as i32);
            let sound = |it: &dyn Fn(u32) -> i32| {
                Content::Sound(vec![
                    (0..rate).map(|at| it(at) as f32 / (1 << 23) as f32).collect(),
                ])
            };
            let terms = Terms {
                rate: Some(rate),
                ..Terms::default()
            };
            let answer = sound(&|at| speech(at) + noise(at));
            observe(Some(&answer), &sound(&speech), &terms).unwrap()
        };
        (0..3).map(one).collect()
    };
    let tolerance = |name: &str| if name == "stoi" { 1e-4 } else { 1e-6 };
    check("sounds", tolerance, made, no_further);
}

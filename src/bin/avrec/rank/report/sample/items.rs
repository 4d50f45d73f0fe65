// SPDX-License-Identifier: MPL-2.0

//! Items side by side, of each kind.

use jpeg_encoder::{ColorType, Encoder};

use super::super::super::examples::{Answered, Clip, Example, Examples, Jpeg, Mark, Shown};
use super::noise;

/// Items of each kind, with names that come from outside.
pub fn examples(name: &str) -> Examples {
    let boxes = |shift: f64| Shown {
        is_on_input: true,
        marks: vec![
            mark(&format!("{name} 0.91"), 0, 0.1 + shift, 0.2),
            mark("car 0.55", 1, 0.55, 0.0 + shift),
        ],
        ..Shown::default()
    };
    let picture = |seed| Shown {
        picture: Some(jpeg(seed)),
        ..Shown::default()
    };
    let said = |text: &str| Shown {
        words: vec![text.into(), "cat 3 %".into()],
        ..Shown::default()
    };
    let sound = |level: f32| Shown {
        sound: Some(clip(level)),
        ..Shown::default()
    };
    let example =
        |why: &str, input: Shown, truth: Shown, answers: [Shown; 2], difference: Option<Jpeg>| Example {
            why: why.into(),
            path: format!("media/{name}.mkv"),
            index: 107,
            seconds: 4.28,
            input,
            truth: Some(truth),
            truth_is: "what is right".into(),
            answers: answers
                .into_iter()
                .enumerate()
                .map(|(at, shown)| Answered {
                    model: if at == 0 { name.into() } else { "small".into() },
                    agreement: (at == 0).then_some(0.932),
                    shown,
                    difference: difference.clone(),
                })
                .collect(),
            told: "Differences are magnified by 8 around mid gray.".into(),
        };
    Examples {
        items: vec![
            example(
                "Where the models differ most",
                picture(1),
                boxes(0.0),
                [boxes(0.05), boxes(0.2)],
                None,
            ),
            example(
                "Where the winner was worst",
                picture(2),
                picture(3),
                [picture(4), picture(5)],
                Some(jpeg(6)),
            ),
            example(
                "A usual one",
                picture(2),
                said("dog"),
                [said(&format!("{name} 91 %")), said("wolf 60 %")],
                None,
            ),
            example(
                "A usual one",
                sound(0.9),
                sound(0.5),
                [sound(0.6), sound(0.3)],
                None,
            ),
        ],
        notes: vec![format!("{name} gave no answer to 3 of them.")],
    }
}

fn mark(label: &str, class: u32, x: f64, y: f64) -> Mark {
    Mark {
        label: label.into(),
        class,
        x,
        y,
        width: 0.3,
        height: 0.5,
    }
}

fn jpeg(seed: usize) -> Jpeg {
    let (width, height) = (320u16, 180u16);
    let at = |it: usize| {
        (64.0 * noise(seed) + (it % 320) as f64 * 0.4 + (it / 320) as f64 * 0.3 * noise(seed + 1)) as u8
    };
    let pixels: Vec<u8> = (0..320 * 180).map(at).collect();
    let mut bytes = Vec::new();
    Encoder::new(&mut bytes, 80)
        .encode(&pixels, width, height, ColorType::Luma)
        .unwrap();
    Jpeg {
        bytes,
        width: width.into(),
        height: height.into(),
    }
}

fn clip(level: f32) -> Clip {
    let column = |at: usize| {
        let loud = level * noise(at / 9) as f32;
        (-loud, loud * 0.9)
    };
    Clip {
        wave: (0..300).map(column).collect(),
        wav: b"RIFF".to_vec(),
        rate: 16_000,
    }
}

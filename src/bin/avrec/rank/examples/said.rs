// SPDX-License-Identifier: MPL-2.0

//! What models say of an item, drawn and written.

use gstavrec::answer::{Answer, Detection};
use gstavrec::truth::Classes;

use super::item::{Mark, Shown};
use super::picture::{Pixels, color};

/// Boxes on one picture, and lines of text beside it.
const BOXES: usize = 30;
const LINES: usize = 5;

/// Boxes below this confidence are not drawn where others are above it.
const SURE: f32 = 0.25;

/// The answer over the picture of its item, if that has one.
pub fn shown(answer: &Answer, on: Option<&Pixels>, classes: &Classes) -> Shown {
    let lies_on = |marks: Vec<Mark>| Shown {
        is_on_input: on.is_some(),
        words: words_of(&marks, on.is_none()),
        marks,
        ..Shown::default()
    };
    match answer {
        Answer::Detections(found) => lies_on(marks(found.iter(), classes)),
        Answer::Instances(found) => {
            let mut drawn = on.cloned();
            for it in found
                .iter()
                .filter(|it| SURE <= it.detection.confidence)
                .take(BOXES)
            {
                let region = it.detection.region;
                let region = [region.left, region.top, region.width, region.height].map(f64::from);
                if let Some(drawn) = &mut drawn {
                    drawn.blend_mask(region, &it.mask, color(it.detection.class));
                }
            }
            Shown {
                picture: drawn.and_then(|it| it.jpeg()),
                marks: marks(found.iter().map(|it| &it.detection), classes),
                ..Shown::default()
            }
        }
        Answer::ClassMap(map) => {
            let mut drawn = on.cloned();
            drawn.iter_mut().for_each(|it| it.blend_map(map));
            let mut shares = map.shares();
            shares.sort_by(|one, other| other.1.total_cmp(&one.1));
            let told = shares.iter().map(|(class, share)| named(*class, *share, classes));
            pictured(drawn, told.take(LINES).collect())
        }
        Answer::Matte(mask) => {
            let mut drawn = on.cloned();
            drawn.iter_mut().for_each(|it| it.blend_matte(mask));
            pictured(drawn, vec![format!("{:.1} % foreground", 100.0 * mask.share())])
        }
        Answer::Classes(scores) => {
            let mut sorted = scores.clone();
            sorted.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
            let told = sorted.iter().filter(|it| 0.0 < it.confidence);
            written(
                told.map(|it| named(it.class, it.confidence, classes))
                    .take(LINES)
                    .collect(),
            )
        }
        Answer::Score(score) => written(vec![format!("{score:.3}")]),
        Answer::Text(text) => written(vec![match text.text.is_empty() {
            true => "(no text)".into(),
            false => text.text.clone(),
        }]),
    }
}

fn pictured(drawn: Option<Pixels>, words: Vec<String>) -> Shown {
    Shown {
        picture: drawn.and_then(|it| it.jpeg()),
        words,
        ..Shown::default()
    }
}

fn written(mut words: Vec<String>) -> Shown {
    if words.is_empty() {
        words.push("(nothing)".into());
    }
    Shown {
        words,
        ..Shown::default()
    }
}

fn named(class: u32, share: f32, classes: &Classes) -> String {
    format!("{} {:.0} %", classes.name(class), 100.0 * share)
}

/// The boxes that it is surest of, the surest last, so that it lies on top.
fn marks<'a>(found: impl Iterator<Item = &'a Detection>, classes: &Classes) -> Vec<Mark> {
    let mut found: Vec<&Detection> = found.collect();
    found.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
    if found.first().is_some_and(|it| SURE <= it.confidence) {
        found.retain(|it| SURE <= it.confidence);
    }
    found.truncate(BOXES);
    let mark = |it: &&Detection| {
        let confidence = match it.confidence {
            all if 1.0 <= all => String::new(),
            part => format!(" {:.0} %", 100.0 * part),
        };
        Mark {
            label: format!("{}{confidence}", classes.name(it.class)),
            class: it.class,
            x: f64::from(it.region.left),
            y: f64::from(it.region.top),
            width: f64::from(it.region.width),
            height: f64::from(it.region.height),
        }
    };
    found.iter().rev().map(mark).collect()
}

/// Where boxes cannot be drawn, or there are none.
fn words_of(marks: &[Mark], is_written: bool) -> Vec<String> {
    match marks {
        [] => vec!["(no box)".into()],
        some if is_written => some.iter().rev().take(LINES).map(|it| it.label.clone()).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gstavrec::answer::{ClassScore, Mask, Region};

    fn detection(class: u32, confidence: f32) -> Detection {
        Detection {
            region: Region {
                left: 0.1,
                top: 0.2,
                width: 0.3,
                height: 0.4,
            },
            class,
            confidence,
            ..Detection::default()
        }
    }

    #[test]
    fn unsure_boxes_do_not_hide_the_sure_ones() {
        let mut classes = Classes::new();
        let cat = classes.number("cat");
        let answer = Answer::Detections(vec![
            detection(cat, 0.05),
            detection(cat, 0.91),
            detection(cat, 0.5),
        ]);
        let pixels = Pixels {
            samples: vec![0; 12],
            width: 2,
            height: 2,
        };
        let shown = shown(&answer, Some(&pixels), &classes);
        let labels: Vec<&str> = shown.marks.iter().map(|it| it.label.as_str()).collect();
        assert_eq!((labels, shown.is_on_input), (vec!["cat 50 %", "cat 91 %"], true));
        let none = super::shown(&Answer::Detections(Vec::new()), None, &classes);
        assert_eq!(none.words, ["(no box)"]);
    }

    #[test]
    fn classes_and_mattes_are_told_in_words() {
        let mut classes = Classes::new();
        let (cat, dog) = (classes.number("cat"), classes.number("dog"));
        let score = |class, confidence| ClassScore { class, confidence };
        let answer = Answer::Classes(vec![score(cat, 0.2), score(dog, 0.8)]);
        assert_eq!(shown(&answer, None, &classes).words, ["dog 80 %", "cat 20 %"]);
        let matte = Answer::Matte(Mask {
            width: 2,
            height: 1,
            coverage: vec![255, 0],
        });
        assert_eq!(shown(&matte, None, &classes).words, ["50.0 % foreground"]);
    }
}

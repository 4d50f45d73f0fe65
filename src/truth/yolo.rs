// SPDX-License-Identifier: MPL-2.0

//! Boxes as YOLO's tools write them: for each picture a text of the same name, with a line
//! `class x y width height` for each object; the class is a number, x and y are those of the middle, and all are shares of
//! the picture. A line of more numbers is an outline, x and y of each corner in turn.

use std::path::{Path, PathBuf};

use super::class_names::Names;
use super::classes::Classes;
use super::error::TruthError;
use super::folder::Files;
use super::label::{Kind, Object};
use super::store::{Content, Store, Unit};
use crate::answer::{Detection, Region};
use crate::bounded_file;

/// Bytes that the text of one picture may have.
pub(super) const MOST_BYTES: u64 = 8 << 20;

/// Whether a line can be one of YOLO's: a class and at least four numbers.
pub(super) fn is_line(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let is_class = words.next().is_some_and(|it| it.parse::<u32>().is_ok());
    let rest: Vec<&str> = words.collect();
    is_class && 4 <= rest.len() && rest.iter().all(|it| it.parse::<f32>().is_ok())
}

pub(super) fn read(path: &Path, classes: &mut Classes) -> Result<Store, TruthError> {
    let is_yaml = path.extension().is_some_and(|it| it == "yaml" || it == "yml");
    let folder = if path.is_dir() {
        path
    } else {
        path.parent().unwrap_or(path)
    };
    let names = if is_yaml {
        Names::read(path)?
    } else {
        Names::beside(folder)?
    };
    let texts: Vec<PathBuf> = if path.is_file() && !is_yaml {
        vec![path.to_owned()]
    } else {
        let files = Files::below(folder)?;
        let texts = files.ending(&["txt"]).filter(|it| !files.names_classes(it));
        texts.cloned().collect()
    };
    if texts.is_empty() {
        return Err(TruthError::unknown(
            path,
            "there is no text in it; YOLO has a .txt for each picture",
        ));
    }
    let mut reader = Reader {
        numbers: Vec::new(),
        names: &names,
        classes,
        outlines: 0,
        confidences: 0,
    };
    // Names are numbered in their own order, whichever class comes first.
    for number in 0..names.names.len() {
        reader.class(number);
    }
    let mut store = Store::new(Kind::Boxes, 0);
    for text in &texts {
        let objects = reader.picture(text)?;
        let labels = store.by_file.entry(text, Default::default);
        labels.whole = Some(Content::Objects(objects, Unit::Shares));
    }
    let notes = [
        (
            reader.outlines,
            "lines are outlines; only the boxes around them count",
        ),
        (
            reader.confidences,
            "lines end with a confidence, as answers of a model do; if they are answers, agreement with them is no accuracy",
        ),
    ];
    let notes = notes.into_iter().filter(|it| 0 < it.0);
    store.notes = notes.map(|(count, text)| format!("{count} {text}.")).collect();
    store.unnamed = names.names.is_empty();
    if store.unnamed {
        store.notes.push(UNNAMED.to_owned());
    }
    Ok(store)
}

pub(super) const UNNAMED: &str =
    "Classes have no names, only numbers; put a file classes.txt with a name a line beside the labels.";

struct Reader<'a> {
    /// The number among `classes` by the number in the texts.
    numbers: Vec<Option<u32>>,
    names: &'a Names,
    classes: &'a mut Classes,
    outlines: usize,
    confidences: usize,
}

impl Reader<'_> {
    fn picture(&mut self, path: &Path) -> Result<Vec<Object>, TruthError> {
        let text = bounded_file::read_text(path, MOST_BYTES).map_err(TruthError::unreadable(path))?;
        let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
        lines
            .map(|(line, number)| {
                self.object(line)
                    .map_err(|cause| TruthError::line(path, number, cause))
            })
            .collect()
    }

    fn object(&mut self, line: &str) -> Result<Object, String> {
        let wrong = || format!("'{}' is not CLASS X Y WIDTH HEIGHT", line.trim());
        let mut words = line.split_whitespace();
        let class = words
            .next()
            .and_then(|it| it.parse::<usize>().ok())
            .ok_or_else(wrong)?;
        let values: Option<Vec<f32>> = words
            .map(|it| it.parse().ok().filter(|it: &f32| it.is_finite()))
            .collect();
        let values = values.ok_or_else(wrong)?;
        let region = match values[..] {
            [x, y, width, height] => around(x, y, width, height),
            [x, y, width, height, _] => {
                self.confidences += 1;
                around(x, y, width, height)
            }
            [x, y, width, height, ..] if self.names.has_key_points => around(x, y, width, height),
            _ if 6 <= values.len() && values.len() % 2 == 0 => {
                self.outlines += 1;
                surrounding(&values)
            }
            _ => return Err(wrong()),
        };
        let ends = [
            region.left,
            region.top,
            region.left + region.width,
            region.top + region.height,
        ];
        if 1.5 < ends.iter().fold(0.0f32, |most, it| most.max(it.abs())) {
            return Err(format!(
                "'{}' is not in shares of the picture, 0 to 1; divide x and width by its width, y and height by its height",
                line.trim()
            ));
        }
        if region.width < 0.0 || region.height < 0.0 {
            return Err(wrong());
        }
        let class = self
            .class(class)
            .ok_or_else(|| format!("class {class} has no name: there are {}", self.names.names.len()))?;
        Ok(Object {
            detection: Detection {
                region,
                class,
                confidence: 1.0,
                ..Detection::default()
            },
            ..Object::default()
        })
    }

    /// The class of a number; `None` where others have names and it has none.
    fn class(&mut self, number: usize) -> Option<u32> {
        if let Some(&Some(class)) = self.numbers.get(number) {
            return Some(class);
        }
        let name = match (self.names.get(number), self.names.names.is_empty()) {
            (Some(name), _) => name.to_owned(),
            (None, true) => number.to_string(),
            (None, false) => return None,
        };
        let class = self.classes.number(&name);
        if number < self.names.names.len().max(1000) {
            self.numbers.resize(self.numbers.len().max(number + 1), None);
            self.numbers[number] = Some(class);
        }
        Some(class)
    }
}

fn around(x: f32, y: f32, width: f32, height: f32) -> Region {
    Region {
        left: x - width / 2.0,
        top: y - height / 2.0,
        width,
        height,
    }
}

/// The box around points, x and y in turn.
fn surrounding(points: &[f32]) -> Region {
    let ends = |values: &mut dyn Iterator<Item = f32>| {
        values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), it| {
            (low.min(it), high.max(it))
        })
    };
    let (left, right) = ends(&mut points.iter().copied().step_by(2));
    let (top, bottom) = ends(&mut points.iter().copied().skip(1).step_by(2));
    Region {
        left,
        top,
        width: right - left,
        height: bottom - top,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::{Folder, boxes, item};
    use super::super::{Format, Truth};
    use super::*;

    #[test]
    fn a_data_set_as_ultralytics_lays_it_out() {
        let folder = Folder::new();
        folder.write(
            "data.yaml",
            "path: ../datasets/coco8 # root\ntrain: images/train\nval: images/val\n\nnames:\n  0: person\n  1: bicycle\n  2: car\n",
        );
        // The first line of coco8's labels/train/000000000009.txt with other classes.
        folder.write(
            "labels/val/9.txt",
            "2 0.479492 0.688771 0.955609 0.5955\n\n0 0.5 0.5 0.25 0.5\n",
        );
        folder.write("labels/val/10.txt", "");
        folder.write("labels/train/9.txt", "1 0.1 0.1 0.1 0.1\n");
        folder.write("images/val/9.jpg", "");
        let mut classes = Classes::new();
        let truth = Truth::open(folder.path(), &mut classes).unwrap();
        assert_eq!((truth.format(), truth.len()), (Format::Yolo, 3));
        assert_eq!(classes.names(), ["person", "bicycle", "car"]);
        let found = boxes(&truth, &item("/data/images/val/9.jpg", None));
        assert_eq!(found[0].detection.class, 2);
        let region = found[1].detection.region;
        assert_eq!(
            (region.left, region.top, region.width, region.height),
            (0.375, 0.25, 0.25, 0.5)
        );
        assert_eq!(boxes(&truth, &item("images/val/10.jpg", None)), []);
        assert!(truth.of(&item("images/val/11.jpg", None)).unwrap().is_none());
        let by_yaml = Truth::open(&folder.path().join("data.yaml"), &mut Classes::new()).unwrap();
        assert_eq!((by_yaml.format(), by_yaml.len()), (Format::Yolo, 3));
    }

    #[test]
    fn names_may_lie_above_and_may_be_missing() {
        let folder = Folder::new();
        folder.write("obj_train_data/1.txt", "1 0.5 0.5 1 1\n");
        let inner = folder.path().join("obj_train_data");
        let mut classes = Classes::new();
        let truth = Truth::open(&inner, &mut classes).unwrap();
        assert!(truth.classes_are_numbers() && classes.names() == ["1"]);
        assert!(
            truth.notes().iter().any(|it| it.contains("classes.txt")),
            "{:?}",
            truth.notes()
        );
        folder.write("obj.names", "cat\ndog\n");
        let mut classes = Classes::new();
        Truth::open(&inner, &mut classes).unwrap();
        assert_eq!(classes.names(), ["cat", "dog"]);
    }

    #[test]
    fn outlines_and_key_points_count_by_their_boxes() {
        let folder = Folder::new();
        folder.write("1.txt", "0 0.25 0.5 0.75 0.5 0.5 0.125\n");
        let truth = Truth::open(folder.path(), &mut Classes::new()).unwrap();
        let region = boxes(&truth, &item("1.png", None))[0].detection.region;
        assert_eq!(
            (region.left, region.top, region.width, region.height),
            (0.25, 0.125, 0.5, 0.375)
        );
        assert!(truth.notes()[0].contains("outlines"));
        folder.write("data.yaml", "kpt_shape: [1, 2]\nnames: [a]\n");
        let truth = Truth::open_as(folder.path(), Format::Yolo, &mut Classes::new()).unwrap();
        assert_eq!(
            boxes(&truth, &item("1.png", None))[0].detection.region.width,
            0.75
        );
    }

    #[test]
    fn a_wrong_line_is_told_with_its_file() {
        let folder = Folder::new();
        folder.write("classes.txt", "cat\n");
        for (text, words) in [
            (
                "0 0.5 0.5 1 1\n0 0.5 0.5 1\n",
                "line 2: '0 0.5 0.5 1' is not CLASS X Y WIDTH HEIGHT",
            ),
            ("0 320 240 64 48\n", "divide x and width"),
            ("3 0.5 0.5 1 1\n", "class 3 has no name: there are 1"),
            ("0 0.5 nan 1 1\n", "line 1"),
            ("0 0.5 0.5 -1 1\n", "line 1"),
        ] {
            folder.write("a.txt", text);
            let error = Truth::open_as(folder.path(), Format::Yolo, &mut Classes::new());
            let error = error.unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("a.txt"), "{error}");
        }
    }
}

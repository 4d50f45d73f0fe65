// SPDX-License-Identifier: MPL-2.0

//! Boxes as in the COCO data set (cocodataset.org/#format-data): one JSON object with `images`, `categories` and
//! `annotations`, whose `bbox` is left, top, width and height in pixels.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::classes::Classes;
use super::error::TruthError;
use super::label::{Kind, Object};
use super::store::{Content, MOST_BYTES, Store, Unit};
use crate::answer::{Detection, Region};
use crate::bounded_file;

#[derive(Deserialize)]
struct File {
    images: Option<Vec<Image>>,
    #[serde(default)]
    categories: Vec<Category>,
    annotations: Option<Vec<Annotation>>,
}

#[derive(Deserialize)]
struct Image {
    id: Id,
    file_name: String,
    width: Option<f32>,
    height: Option<f32>,
}

#[derive(Deserialize)]
struct Category {
    id: Id,
    name: String,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: Id,
    category_id: Option<Id>,
    bbox: Option<Vec<f32>>,
    area: Option<f32>,
    #[serde(default)]
    iscrowd: Flag,
    #[serde(default)]
    ignore: Flag,
    #[serde(default)]
    difficult: Flag,
    segmentation: Option<IgnoredAny>,
    keypoints: Option<IgnoredAny>,
}

/// Numbers in COCO itself; some tools write texts.
#[derive(Deserialize, Debug, Clone, PartialEq, Eq, Hash)]
#[serde(untagged)]
enum Id {
    Number(i64),
    Text(String),
}

/// 0 and 1 in COCO itself; some tools write words.
#[derive(Deserialize)]
#[serde(untagged)]
enum Flag {
    Number(f64),
    Word(bool),
}

impl Default for Flag {
    fn default() -> Flag {
        Flag::Word(false)
    }
}

impl Flag {
    fn is_set(&self) -> bool {
        match self {
            Flag::Number(number) => *number != 0.0,
            Flag::Word(word) => *word,
        }
    }
}

pub(super) fn read(path: &Path, classes: &mut Classes) -> Result<Store, TruthError> {
    let text = bounded_file::read_text(path, MOST_BYTES).map_err(TruthError::unreadable(path))?;
    if text.trim_start().starts_with('[') {
        return Err(TruthError::unknown(
            path,
            "it is a list, as answers of a model are written; labels are an object with images, categories and annotations",
        ));
    }
    let file: File = serde_json::from_str(&text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        let cause = error.to_string();
        let cause = cause.split(" at line ").next().unwrap_or_default();
        TruthError::at(path, place, format!("it is no COCO JSON: {cause}"))
    })?;
    let (Some(images), Some(annotations)) = (file.images, file.annotations) else {
        return Err(TruthError::unknown(
            path,
            "COCO JSON has a list 'images' and a list 'annotations'; one of them is missing",
        ));
    };
    let numbers: HashMap<Id, u32> = file
        .categories
        .into_iter()
        .map(|it| (it.id, classes.number(&it.name)))
        .collect();
    let mut store = Store::new(Kind::Boxes, 0);
    let mut found: HashMap<Id, Vec<Object>> = HashMap::with_capacity(images.len());
    let mut left_out = LeftOut::default();
    for image in &images {
        if found.insert(image.id.clone(), Vec::new()).is_some() {
            let cause = format!("the image id {} stands twice", image.id);
            return Err(TruthError::at(
                path,
                format!("image '{}'", image.file_name),
                cause,
            ));
        }
    }
    for (index, annotation) in annotations.into_iter().enumerate() {
        let wrong = |cause: String| TruthError::at(path, format!("annotation {}", index + 1), cause);
        left_out.note(&annotation);
        let list = found
            .get_mut(&annotation.image_id)
            .ok_or_else(|| wrong(format!("its image_id {} is no image's", annotation.image_id)))?;
        let category = annotation
            .category_id
            .as_ref()
            .ok_or_else(|| wrong("it has no category_id".to_owned()))?;
        let class = numbers
            .get(category)
            .ok_or_else(|| wrong(format!("its category_id {category} is no category's")))?;
        let Some(bbox) = &annotation.bbox else { continue };
        let &[left, top, width, height] = &bbox[..] else {
            return Err(wrong(format!("its bbox has {} numbers, not 4", bbox.len())));
        };
        if ![left, top, width, height].iter().all(|it| it.is_finite()) || width < 0.0 || height < 0.0 {
            return Err(wrong(format!(
                "its bbox {bbox:?} is not left, top, width, height"
            )));
        }
        list.push(Object {
            detection: Detection {
                region: Region {
                    left,
                    top,
                    width,
                    height,
                },
                class: *class,
                confidence: 1.0,
                ..Detection::default()
            },
            area: annotation.area,
            crowd: annotation.iscrowd.is_set(),
            difficult: annotation.ignore.is_set() || annotation.difficult.is_set(),
        });
    }
    for image in images {
        let objects = found.remove(&image.id).unwrap_or_default();
        let unit = match (image.width, image.height) {
            (Some(width), Some(height)) if 0.0 < width && 0.0 < height => Unit::PixelsOf(width, height),
            _ => Unit::Pixels,
        };
        let name = image.file_name.replace('\\', "/");
        let labels = store.by_file.entry(Path::new(&name), Default::default);
        labels.whole = Some(Content::Objects(objects, unit));
    }
    store.notes = left_out.notes();
    Ok(store)
}

impl std::fmt::Display for Id {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Id::Number(number) => write!(to, "{number}"),
            Id::Text(text) => write!(to, "'{text}'"),
        }
    }
}

/// Counts of what is not read.
#[derive(Default)]
struct LeftOut {
    outlines: usize,
    key_points: usize,
    without_box: usize,
}

impl LeftOut {
    fn note(&mut self, annotation: &Annotation) {
        self.outlines += usize::from(annotation.segmentation.is_some());
        self.key_points += usize::from(annotation.keypoints.is_some());
        self.without_box += usize::from(annotation.bbox.is_none());
    }

    fn notes(&self) -> Vec<String> {
        let counts = [
            (
                self.outlines,
                "annotations have outlines (segmentation), which are left out: only their boxes count",
            ),
            (
                self.key_points,
                "annotations have key points, which are left out: only their boxes count",
            ),
            (self.without_box, "annotations have no bbox and are left out"),
        ];
        let counts = counts.into_iter().filter(|it| 0 < it.0);
        counts.map(|(count, text)| format!("{count} {text}.")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::{Folder, boxes, item};
    use super::*;

    /// Written by hand as pycocotools reads it; the annotation is the first of `instances_val2017.json`.
    const TWO: &str = r#"{
        "info": {"year": 2017}, "licenses": [],
        "images": [
            {"license": 4, "file_name": "000000289343.jpg", "height": 640, "width": 529, "id": 289343},
            {"file_name": "val2017/000000000139.jpg", "height": 426, "width": 640, "id": 139}],
        "categories": [
            {"supercategory": "animal", "id": 18, "name": "dog"},
            {"supercategory": "outdoor", "id": 10, "name": "traffic light"}],
        "annotations": [
            {"segmentation": [[510.66, 423.01, 511.72, 420.03, 510.45, 423.01]], "area": 702.1057499999998,
             "iscrowd": 0, "image_id": 289343, "bbox": [473.07, 395.93, 38.65, 28.67], "category_id": 18, "id": 1768},
            {"segmentation": {"counts": [272, 2, 4], "size": [640, 529]}, "area": 18419, "iscrowd": 1,
             "image_id": 289343, "bbox": [1, 2, 3, 4], "category_id": 10, "id": 2}]}"#;

    #[test]
    fn boxes_are_shares_of_the_picture_that_the_file_tells_of() {
        let folder = Folder::new();
        let path = folder.write("labels.json", TWO);
        let mut classes = Classes::new();
        let truth = super::super::Truth::open(&path, &mut classes).unwrap();
        assert_eq!(classes.names(), ["dog", "traffic light"]);
        let found = boxes(&truth, &item("/x/000000289343.jpg", Some((53, 64))));
        let region = found[0].detection.region;
        assert_eq!((region.left, region.height), (473.07 / 529.0, 28.67 / 640.0));
        assert_eq!(
            (found[0].area, found[0].crowd, found[1].crowd),
            (Some(702.105_8), false, true)
        );
        assert_eq!(found[1].detection.class, 1);
        assert_eq!(
            boxes(&truth, &item("000000000139.jpg", None)),
            [],
            "nothing there"
        );
        assert!(truth.of(&item("other.jpg", None)).unwrap().is_none(), "not known");
        assert!(
            truth.notes()[0].starts_with("2 annotations have outlines"),
            "{:?}",
            truth.notes()
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let folder = Folder::new();
        for (from, to, words) in [
            (
                "\"image_id\": 289343, \"bbox\": [1,",
                "\"image_id\": 5, \"bbox\": [1,",
                "annotation 2: its image_id 5",
            ),
            (
                "\"category_id\": 10,",
                "\"category_id\": 11,",
                "annotation 2: its category_id 11",
            ),
            (
                "[1, 2, 3, 4]",
                "[1, 2, 3]",
                "annotation 2: its bbox has 3 numbers",
            ),
            ("[1, 2, 3, 4]", "[1, 2, -3, 4]", "annotation 2: its bbox"),
            ("\"id\": 139", "\"id\": 289343", "stands twice"),
            ("\"annotations\"", "\"results\"", "'annotations'"),
            ("\"iscrowd\": 1,", "\"iscrowd\": 1", "line 13, column"),
        ] {
            assert!(TWO.contains(from), "{from}");
            let path = folder.write("labels.json", &TWO.replace(from, to));
            let error = read(&path, &mut Classes::new()).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("labels.json"), "{error}");
        }
        let answers = folder.write("answers.json", "[{\"image_id\": 1, \"score\": 0.5}]");
        let error = read(&answers, &mut Classes::new()).unwrap_err().to_string();
        assert!(error.contains("answers of a model"), "{error}");
    }
}

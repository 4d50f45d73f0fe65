// SPDX-License-Identifier: MPL-2.0

//! Labels that are files themselves: pictures in the folder of their class, masks, and pictures or sounds as they should
//! be.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::class_names::Names;
use super::classes::Classes;
use super::error::TruthError;
use super::folder::{Files, is_media};
use super::label::Kind;
use super::mask;
use super::store::{Content, Labels, Store};
use super::yolo::UNNAMED;

/// Pictures or sounds whose folder is called as their class.
pub(super) fn read_folders(path: &Path, classes: &mut Classes) -> Result<Store, TruthError> {
    let files = Files::below(path)?;
    // What has another name for its folder is of another class.
    let mut store = Store::new(Kind::Classes, 1);
    let mut outside = 0;
    for file in files.all().filter(|it| is_media(it)) {
        let folder = file.parent().filter(|it| *it != path).and_then(Path::file_name);
        let Some(name) = folder else {
            outside += 1;
            continue;
        };
        let class = classes.number(&name.to_string_lossy());
        let labels = store.by_file.entry(file, Labels::default);
        labels.whole = Some(Content::Classes(vec![class]));
    }
    if store.by_file.len() == 0 {
        let cause = "there are no folders with pictures or sounds in it, each called as its class";
        return Err(TruthError::unknown(path, cause));
    }
    if 0 < outside {
        store.notes.push(format!(
            "{outside} files lie in no folder of a class and are left out."
        ));
    }
    Ok(store)
}

/// PNG of the pictures' names.
pub(super) fn read_masks(path: &Path, classes: &mut Classes) -> Result<Store, TruthError> {
    let paths = files_of(path, mask::is_png)?;
    if paths.is_empty() {
        return Err(TruthError::unknown(
            path,
            "there is no PNG in it; masks are PNG whose values are classes",
        ));
    }
    let folder = if path.is_dir() {
        path
    } else {
        path.parent().unwrap_or(path)
    };
    let names = Names::beside(folder)?.names;
    let (mut occurring, mut most) = ([false; 256], 0);
    let all: Vec<&PathBuf> = paths.iter().collect();
    for path in mask::spread(&all) {
        let values = mask::read(path)?.occurring();
        most = most.max(values.iter().filter(|it| **it).count());
        occurring.iter_mut().zip(values).for_each(|(all, it)| *all |= it);
    }
    let is_black_and_white = occurring[255] && !occurring[1..255].contains(&true);
    let is_matte = names.len() <= 2 && (is_black_and_white || 64 < most);
    let mut store = Store::new(if is_matte { Kind::Matte } else { Kind::ClassMap }, 0);
    if is_matte {
        store.notes.push(
            "The masks are taken for those of a foreground: black is outside, white is inside.".to_owned(),
        );
    } else {
        store.values = mask::table(&names, &occurring, |it| classes.number(it))
            .map_err(|cause| TruthError::unknown(path, cause))?;
        store.unnamed = names.is_empty();
        if store.unnamed {
            store
                .notes
                .push(UNNAMED.replace("a name a line", "a name a line, from value 0 on,"));
        }
    }
    put(&mut store, path, paths, Content::Mask);
    Ok(store)
}

/// Pictures, clips or sounds of the material's names; or one for all of the material.
pub(super) fn read_references(path: &Path) -> Result<Store, TruthError> {
    let paths = files_of(path, is_media)?;
    if paths.is_empty() {
        return Err(TruthError::unknown(
            path,
            "there is no picture, clip or sound in it",
        ));
    }
    let mut store = Store::new(Kind::Reference, 0);
    put(&mut store, path, paths, Content::Reference);
    Ok(store)
}

/// The file, or those of a folder of which something holds.
fn files_of(path: &Path, holds: impl Fn(&Path) -> bool) -> Result<BTreeSet<PathBuf>, TruthError> {
    if !path.is_dir() {
        return Ok(BTreeSet::from([path.to_owned()]));
    }
    let files = Files::below(path)?;
    Ok(files.all().filter(|it| holds(it)).cloned().collect())
}

/// Files by their names, or one for all.
fn put(store: &mut Store, path: &Path, paths: BTreeSet<PathBuf>, content: impl Fn(PathBuf) -> Content) {
    let whole = |path: PathBuf| Labels::whole(content(path));
    if !path.is_dir() {
        store.everywhere = paths.into_iter().next().map(whole);
        return;
    }
    for path in paths {
        *store.by_file.entry(&path, Labels::default) = whole(path.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::{Folder, Png, item, png};
    use super::super::{Format, Label, Truth};
    use super::*;
    use crate::answer::Answer;

    fn map(truth: &Truth, file: &str) -> Vec<u8> {
        match truth.of(&item(file, None)).unwrap().unwrap() {
            Label::Said(Answer::ClassMap(map)) => map.classes,
            Label::Said(Answer::Matte(mask)) => mask.coverage,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_folder_of_a_picture_is_its_class() {
        let folder = Folder::new();
        for name in [
            "train/cat/1.jpg",
            "train/cat/2.jpg",
            "train/hot dog/1.jpg",
            "stray.jpg",
        ] {
            folder.write(name, "");
        }
        let mut classes = Classes::new();
        let truth = Truth::open_as(folder.path(), Format::Folders, &mut classes).unwrap();
        assert_eq!(classes.names(), ["cat", "hot dog"]);
        let class = |file| match truth.of(&item(file, None)).unwrap()?.answer()? {
            Answer::Classes(list) => Some(list[0].class),
            _ => None,
        };
        assert_eq!(
            (class("/x/hot dog/1.jpg"), class("/x/cat/2.jpg")),
            (Some(1), Some(0))
        );
        assert_eq!(class("/x/dog/2.jpg"), None);
        assert_eq!(truth.notes().len(), 1);
        let sorted = Truth::open(&folder.path().join("train"), &mut Classes::new()).unwrap();
        assert_eq!(sorted.format(), Format::Folders);
    }

    #[test]
    fn masks_have_the_classes_of_their_list() {
        let folder = Folder::new();
        folder.write_bytes("masks/a.png", &png(4, 1, Png::Palette(2), &[0, 1, 2, 2]));
        folder.write_bytes("masks/b.png", &png(3, 1, Png::Gray, &[255, 2, 3]));
        folder.write("classes.txt", "background\nvoid\nroad\n");
        let mut classes = Classes::new();
        classes.number("road");
        let truth = Truth::open_as(&folder.path().join("masks"), Format::Masks, &mut classes).unwrap();
        assert_eq!(classes.names(), ["road", "background"]);
        assert_eq!(map(&truth, "x/a.jpg"), [1, 255, 0, 0]);
        let error = truth.of(&item("b.jpg", None)).unwrap_err().to_string();
        assert!(
            error.contains("b.png', value 3") && error.contains("classes.txt"),
            "{error}"
        );
    }

    #[test]
    fn masks_and_pictures_are_told_apart() {
        let folder = Folder::new();
        let even: Vec<u8> = (0..64 * 8).map(|it| u8::from(32 <= it % 64)).collect();
        folder.write_bytes("m/a.png", &png(64, 8, Png::Gray, &even));
        let mut classes = Classes::new();
        let truth = Truth::open(&folder.path().join("m"), &mut classes).unwrap();
        assert_eq!(
            (truth.format(), truth.kind(), classes.names()),
            (
                Format::Masks,
                Kind::ClassMap,
                &["0".to_owned(), "1".to_owned()][..]
            )
        );
        assert!(truth.classes_are_numbers());

        let white: Vec<u8> = even.iter().map(|it| it * 255).collect();
        folder.write_bytes("w/a.png", &png(64, 8, Png::Gray, &white));
        let truth = Truth::open(&folder.path().join("w"), &mut Classes::new()).unwrap();
        assert_eq!(truth.kind(), Kind::Matte);
        assert_eq!(map(&truth, "a.jpg")[31..33], [0, 255]);

        let uneven: Vec<u8> = (0..64 * 8 * 3).map(|it| (it * 37 % 251) as u8).collect();
        folder.write_bytes("r/a.png", &png(64, 8, Png::Rgb, &uneven));
        let truth = Truth::open(&folder.path().join("r"), &mut Classes::new()).unwrap();
        assert_eq!(truth.format(), Format::References);
        let reference = truth.of(&item("x/a.jpg", None)).unwrap();
        assert_eq!(reference, Some(Label::Reference(folder.path().join("r/a.png"))));
        let one = Truth::open(&folder.path().join("r/a.png"), &mut Classes::new()).unwrap();
        assert!(one.of(&item("b.mp4", None)).unwrap().is_some());

        let colors: Vec<u8> = even.iter().flat_map(|it| [*it, 7, 200]).collect();
        folder.write_bytes("c/a.png", &png(64, 8, Png::Rgb, &colors));
        let error = Truth::open(&folder.path().join("c"), &mut Classes::new())
            .unwrap_err()
            .to_string();
        assert!(error.contains("mask in colors"), "{error}");
        folder.write("broken/a.png", "no picture");
        let error = Truth::open(&folder.path().join("broken"), &mut Classes::new())
            .unwrap_err()
            .to_string();
        assert!(error.contains("a.png', as PNG"), "{error}");
    }
}

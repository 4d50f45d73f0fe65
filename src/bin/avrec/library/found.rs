// SPDX-License-Identifier: MPL-2.0

//! Models in folders, and what they are called.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders within folders that are looked into, and models that are taken: more is a mistake of the path.
const DEEPEST: usize = 8;
const MOST: usize = 2000;

/// Finds the models in what was named: files as they are, and the `.onnx` files of folders and of those below, sorted.
///
/// # Errors
///
/// When a path leads nowhere, or to a folder without models; the text says so.
pub fn models(named: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut models: Vec<PathBuf> = Vec::new();
    for path in named {
        let is_folder = fs::metadata(path)
            .map_err(|err| format!("{}: {err}", path.display()))?
            .is_dir();
        let mut found = Vec::new();
        match is_folder {
            true => look_into(path, 0, &mut found),
            false => found.push(path.clone()),
        }
        if found.is_empty() {
            return Err(format!("{}: the folder has no .onnx files", path.display()));
        }
        found.sort();
        found.retain(|it| !models.contains(it));
        models.extend(found);
    }
    match models.len() {
        0..=MOST => Ok(models),
        many => Err(format!(
            "these are {many} models; name a folder with {MOST} at most"
        )),
    }
}

fn look_into(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for path in entries.map(|it| it.path()) {
        let is_hidden = path
            .file_name()
            .is_some_and(|it| it.as_encoded_bytes().starts_with(b"."));
        if is_hidden || MOST < found.len() {
            continue;
        }
        if path.is_dir() {
            // A link to a folder may lead in a circle.
            if depth < DEEPEST && !path.is_symlink() {
                look_into(&path, depth + 1, found);
            }
        } else if path.extension().is_some_and(|it| it == "onnx") {
            found.push(path);
        }
    }
}

/// Words that files have in their names for want of one, as in exports of Hugging Face: the folder says more.
const PLAIN: [&str; 4] = ["model", "onnx", "network", "inference"];

/// What a model is called: as its file without extension, with as many folders before it as tell it apart from `others`.
pub fn name(model: &Path, others: &[PathBuf]) -> String {
    let told = |model: &Path| -> Vec<String> {
        let path = model.with_extension("");
        let mut words: Vec<String> = path.iter().map(|it| it.to_string_lossy().into_owned()).collect();
        // The root is no name.
        while 2 < words.len() && words.last().is_some_and(|it| PLAIN.contains(&it.as_str())) {
            words.pop();
        }
        words
    };
    let own = told(model);
    let others: Vec<_> = others
        .iter()
        .filter(|it| *it != model)
        .map(|it| told(it))
        .collect();
    let ending = |words: &[String], parts: usize| {
        let start = words.len().saturating_sub(parts);
        words.iter().skip(start).cloned().collect::<Vec<_>>()
    };
    let is_told = |parts: &usize| {
        let own = ending(&own, *parts);
        others.iter().all(|it| ending(it, *parts) != own)
    };
    match (1..=own.len()).find(is_told) {
        Some(parts) => ending(&own, parts).join("/"),
        // Two files of one folder, such as `a/model.onnx` and `a/onnx/model.onnx`.
        None => model.with_extension("").to_string_lossy().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_called_as_their_files() {
        let files = [
            "/m/a/x.onnx",
            "/m/b/x.onnx",
            "/m/y.v2.onnx",
            "/m/detr/onnx/model.onnx",
        ];
        let models = files.map(PathBuf::from);
        let names = models.each_ref().map(|it| name(it, &models));
        assert_eq!(names, ["a/x", "b/x", "y.v2", "detr"]);
        let twice = ["/m/a/model.onnx", "/m/a/onnx/model.onnx"].map(PathBuf::from);
        let names = twice.each_ref().map(|it| name(it, &twice));
        assert_eq!(names, ["/m/a/model", "/m/a/onnx/model"]);
    }

    #[test]
    fn folders_are_searched_and_empty_ones_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("b/c")).unwrap();
        fs::create_dir(at("empty")).unwrap();
        for file in ["z.onnx", "b/c/a.onnx", "b/text.txt", "b/.hidden.onnx"] {
            fs::write(at(file), "").unwrap();
        }
        std::os::unix::fs::symlink("..", at("b/up")).unwrap();
        let found = models(&[folder.path().to_owned(), at("z.onnx")]).unwrap();
        assert_eq!(found, [at("b/c/a.onnx"), at("z.onnx")]);
        assert!(models(&[at("empty")]).unwrap_err().contains("no .onnx files"));
        assert!(models(&[at("absent")]).is_err());
    }
}

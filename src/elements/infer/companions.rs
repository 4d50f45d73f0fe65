// SPDX-License-Identifier: MPL-2.0

//! Labels in files beside a model: a list, or the configuration that is kept with models for transformers.

use std::io::ErrorKind;
use std::path::Path;

use crate::bounded_file;
use crate::decode::labels;
use crate::runtime::source;

/// Bytes that such a file may have: far more than the largest vocabularies in use.
const MAX_BYTES: u64 = 8 << 20;

/// Names of lists that are beside a model, whatever it is called.
const LISTS: [&str; 2] = ["labels.txt", "classes.txt"];

/// Where transformers keep `id2label`.
const CONFIGURATION: &str = "config.json";

/// What is beside a model.
#[derive(Default)]
pub struct Companions {
    /// The lists of labels, each with the name of its file.
    pub labels: Vec<(String, Vec<String>)>,
    /// Files that are there and are not read, a sentence each.
    pub warnings: Vec<String>,
}

impl Companions {
    /// Reads what is beside a model that is a file. Text that is no list is none.
    pub fn of(model: &Path) -> Companions {
        let mut found = Companions::default();
        if source::is_address(model) {
            return found;
        }
        let lists = [model.with_extension("labels.txt"), model.with_extension("txt")].into_iter();
        let lists = lists.chain(LISTS.iter().map(|it| model.with_file_name(it)));
        for path in lists {
            let labels = found
                .read(model, &path)
                .and_then(|it| labels::from_file(&it).ok());
            found.labels.extend(labels.map(|it| (name(&path), it)));
        }
        let path = model.with_file_name(CONFIGURATION);
        let labels = found
            .read(model, &path)
            .and_then(|it| labels::from_configuration(&it));
        let name = format!("{}: id2label", name(&path));
        found.labels.extend(labels.map(|it| (name, it)));
        found
    }

    fn read(&mut self, model: &Path, path: &Path) -> Option<String> {
        let read = bounded_file::read_text(path, MAX_BYTES);
        let cause = match read {
            Ok(_) if bounded_file::leads_out_of(path, model) => {
                "it is a link that leads out of the model's folder".to_owned()
            }
            Ok(text) => return Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => error.to_string(),
        };
        let path = path.display();
        self.warnings.push(format!(
            "{path} may hold labels and is not read, because {cause}; mend it, take it away, or set labels-file."
        ));
        None
    }
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

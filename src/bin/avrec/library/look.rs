// SPDX-License-Identifier: MPL-2.0

//! What there is to know of a model file: by its bytes, by what lies beside it, and by what becomes of it when it runs.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use gstavrec::bounded_file;
use gstavrec::library::card::{self, Card};
use gstavrec::library::license;
use gstavrec::runtime::catalog::{Entry, Source};
use gstavrec::runtime::{describe, modelinfo};
use sha2::{Digest, Sha256};

use super::args::AddArgs;
use super::examine::{Examined, examine};

/// Letters of what a file says that are kept.
const MOST_LETTERS: usize = 300;

/// What was found of a model, and what the user may want to hear of it.
pub struct Looked {
    pub entry: Entry,
    pub notes: Vec<String>,
}

/// What the user says of all models that are looked at; goes before what is found.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    pub task: Option<String>,
    pub licence: Option<String>,
    pub origin: Option<String>,
    pub trained_on: Option<String>,
}

impl From<&AddArgs> for Typed {
    fn from(typed: &AddArgs) -> Typed {
        Typed {
            task: typed.task.clone(),
            licence: typed.licence.clone(),
            origin: typed.origin.clone(),
            trained_on: typed.trained_on.clone(),
        }
    }
}

/// Looks at a model, and runs it in a process of its own.
///
/// # Errors
///
/// When it cannot be read or loaded, with the cause.
pub fn look(model: &Path, name: String, typed: &Typed) -> Result<Looked, String> {
    let graph = describe(model).map_err(|error| error.to_string())?;
    let sum = sum(model).map_err(|error| format!("{}: {error}", model.display()))?;
    let info = modelinfo::load(model).map_err(|error| error.to_string())?;
    let settings: Vec<_> = typed
        .task
        .iter()
        .map(|it| ("task".to_owned(), it.clone()))
        .collect();
    let examined = examine(model, &settings)?;
    let mut notes = Vec::new();
    let card = card(model);
    let beside = card.as_ref().map(|it| &it.1);
    let metadata = Metadata(&graph.metadata);
    let licence = typed.licence.clone().or_else(|| {
        let by_file = metadata.licence(&mut notes);
        let by_card = licence_of_card(card.as_ref(), &mut notes);
        if let (Some(file), Some(card)) = (&by_file, &by_card)
            && file != card
        {
            notes.push(format!(
                "licence: the file says {file} and its card {card}; the file's is taken, state another by --licence"
            ));
        }
        by_file.or(by_card)
    });
    let text = licence_file(model).filter(|_| licence.is_none());
    notes.extend(text.map(|it| format!("licence: {it} lies beside it; read which one it is")));
    let trained_on = typed.trained_on.clone().or_else(|| {
        let datasets = beside.map(|it| plain(&it.datasets.join(", ")));
        datasets.filter(|it| !it.is_empty())
    });
    let origin = typed.origin.clone().or_else(|| metadata.origin());
    let unsaid = [
        ("licence", licence.is_none()),
        ("origin", origin.is_none()),
        ("trained-on", trained_on.is_none()),
    ];
    let unsaid: Vec<&str> = unsaid.iter().filter(|it| it.1).map(|it| it.0).collect();
    if !unsaid.is_empty() {
        let options: Vec<String> = unsaid.iter().map(|it| format!("--{it}")).collect();
        notes.push(format!(
            "not said: {}; state it by {}",
            unsaid.join(", "),
            options.join(", ")
        ));
    }
    let is_said = typed.task.is_some()
        || metadata.0.contains_key("task")
        || info.as_ref().is_some_and(|it| it.hints.contains_key("task"));
    notes.extend(of_examined(&examined, beside, is_said));
    Ok(Looked {
        entry: Entry {
            name,
            source: Some(Source::Model(model.to_owned())),
            task: Some(examined.task),
            license: licence,
            sha256: Some(sum),
            origin,
            trained_on,
            memory: Some(examined.memory).filter(|it| 0 < *it),
            ..Entry::default()
        },
        notes,
    })
}

/// What a run has shown, and where the card says otherwise.
fn of_examined(examined: &Examined, card: Option<&Card>, is_said: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let told = card.and_then(Card::task);
    match told.filter(|it| *it != examined.task) {
        Some(told) => notes.push(format!(
            "task: it is taken for {}, and its card says {told}; state it by --task, or see `avrec check`",
            examined.task
        )),
        None if !is_said && told.is_none() => {
            notes.push(format!("task: taken for {}, which nobody said", examined.task));
        }
        None => {}
    }
    if !examined.fault.is_empty() {
        notes.push(format!(
            "it loads, but does not run on what GStreamer makes: {}",
            examined.fault
        ));
    }
    if examined.memory == 0 {
        notes.push("memory: could not be measured; write 'memory = BYTES'".to_owned());
    }
    notes
}

/// What an ONNX file says of itself in words.
struct Metadata<'a>(&'a BTreeMap<String, String>);

impl Metadata<'_> {
    fn value(&self, names: &[&str]) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| {
            let key = key.to_ascii_lowercase();
            names.contains(&key.rsplit(['.', ':']).next().unwrap_or(&key))
        });
        found.map(|it| it.1.trim()).filter(|it| !it.is_empty())
    }

    fn licence(&self, notes: &mut Vec<String>) -> Option<String> {
        understood(self.value(&["license", "licence"])?, "the file", notes)
    }

    fn origin(&self) -> Option<String> {
        let said = self.value(&["origin", "url", "homepage", "repository"])?;
        Some(plain(said))
    }
}

fn licence_of_card(card: Option<&(String, Card)>, notes: &mut Vec<String>) -> Option<String> {
    let (file, card) = card?;
    understood(card.license.as_deref()?, file, notes)
}

/// The expression that is meant by words; what was not one is told.
fn understood(said: &str, by: &str, notes: &mut Vec<String>) -> Option<String> {
    let meant = license::meant(said);
    let shown = plain(said);
    match &meant {
        Some(meant) if *meant == said => {}
        Some(meant) => notes.push(format!("licence: {by} says '{shown}', taken for {meant}")),
        None => notes.push(format!("licence: {by} says '{shown}', which names none")),
    }
    meant
}

/// What a file says as a line for a terminal, which it could otherwise steer.
fn plain(said: &str) -> String {
    let letters = said.chars().map(|it| if it.is_control() { ' ' } else { it });
    letters.take(MOST_LETTERS).collect::<String>().trim().to_owned()
}

/// The card beside a model, or beside its folder as exports of Hugging Face have it, with what it is called.
fn card(model: &Path) -> Option<(String, Card)> {
    let own = model.with_extension("md");
    let folder = model.parent().unwrap_or(Path::new(""));
    let mut places = vec![own, folder.join("MODEL.md"), folder.join("README.md")];
    if folder.file_name().is_some_and(|it| it == "onnx") {
        places.extend(folder.parent().map(|it| it.join("README.md")));
    }
    places.into_iter().find_map(|path| {
        let text = bounded_file::read_text(&path, card::MAX_BYTES).ok()?;
        let name = path.file_name()?.to_string_lossy().into_owned();
        Some((name, Card::parse(&text)?))
    })
}

/// A file that has the text of a licence, which nobody guesses from.
fn licence_file(model: &Path) -> Option<&'static str> {
    let folder = model.parent().unwrap_or(Path::new(""));
    let files = ["LICENSE", "LICENCE", "LICENSE.txt", "LICENSE.md", "COPYING"];
    files.into_iter().find(|it| folder.join(it).is_file())
}

/// The SHA-256 of a file, in hexadecimal digits.
pub fn sum(path: &Path) -> io::Result<String> {
    let mut file = bounded_file::open(path)?.take(u64::MAX);
    let mut sum = Sha256::new();
    io::copy(&mut file, &mut sum)?;
    Ok(format!("{:x}", sum.finalize()))
}

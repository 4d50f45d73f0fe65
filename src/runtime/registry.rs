// SPDX-License-Identifier: MPL-2.0

//! The models in memory: who asks for one that is there gets the same, as long as somebody uses it.
//!
//! Equal are models of the same content in the same backend with the same options, wherever their files lie. Files
//! that are unchanged since they were read are not read again to know that. Of several threads that ask for the same
//! at the same time one loads and the others wait for it; where it fails each tries by itself, so that each has an
//! error about its own file.

use std::collections::HashMap;
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use super::backend::{Backend, Content, Opened};
use super::files_read::FilesRead;
use super::left_behind;
use super::loaded_model::LoadedModel;
use super::{
    Error, ExecutionProvider, ImageOptions, OptimizationLevel, Options, RemoteOptions, SoundOptions, Stop,
    TaskChoice,
};

/// What a model is loaded with, besides what it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Manner {
    backend: &'static str,
    threads: usize,
    optimization_level: OptimizationLevel,
    execution_provider: ExecutionProvider,
    task: TaskChoice,
    image: ImageOptions,
    sound: SoundOptions,
    remote: RemoteOptions,
    modelinfo_file: Option<PathBuf>,
    input_values: String,
    output_range: Option<String>,
    memory_limit: u64,
}

/// A model that is, or was, in memory. Locked while it is loaded.
#[derive(Default)]
struct Entry {
    model: Weak<LoadedModel>,
    /// What it was read from; kept by source only.
    files: FilesRead,
}

type Entries<K> = HashMap<(K, Manner), Arc<Mutex<Entry>>>;

#[derive(Default)]
struct Registry {
    sources: Entries<PathBuf>,
    contents: Entries<Content>,
}

/// Held for a look-up, never while a model is read or loaded.
static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

/// Returns the model at `source`, loading it if it is not in memory.
///
/// May take as long as a load, also where another thread loads, so it has no place on a streaming thread.
pub(super) fn open(
    backend: &'static dyn Backend,
    source: &Path,
    options: &Options,
    stop: &Stop,
) -> Result<Arc<LoadedModel>, Error> {
    let threads = backend.threads(options)?;
    let manner = Manner {
        backend: backend.name(),
        threads,
        optimization_level: options.optimization_level,
        execution_provider: options.execution_provider,
        task: options.task,
        image: options.image.clone(),
        sound: options.sound,
        remote: options.remote.clone(),
        modelinfo_file: options.modelinfo_file.clone(),
        input_values: options.input_values.clone(),
        output_range: options.output_range.clone(),
        memory_limit: options.memory_limit,
    };
    let of_source = entry(&mut REGISTRY.lock().sources, (source.to_owned(), manner.clone()));
    let mut of_source = lock(&of_source, source, stop)?;
    if let Some(model) = of_source
        .model
        .upgrade()
        .filter(|_| of_source.files.are_unchanged())
    {
        options.check_digest(source, &model.digest)?;
        return Ok(model);
    }
    let mut opened = read(backend, source, options, stop)?;
    let files = std::mem::take(&mut opened.files);
    let of_content = entry(&mut REGISTRY.lock().contents, (opened.content, manner));
    let mut of_content = lock(&of_content, source, stop)?;
    let model = match of_content.model.upgrade() {
        Some(model) => model,
        None => Arc::new(LoadedModel::load(backend, opened, source, options, stop)?),
    };
    // A library may read files by itself; what they held meanwhile is not known to be this content.
    if files.look_the_same() {
        of_content.model = Arc::downgrade(&model);
        *of_source = Entry {
            model: Arc::downgrade(&model),
            files,
        };
    }
    Ok(model)
}

/// Waits for those who load the same, which may take for ever, unless it is given up.
fn lock<'a>(entry: &'a Mutex<Entry>, source: &Path, stop: &Stop) -> Result<MutexGuard<'a, Entry>, Error> {
    loop {
        if let Some(entry) = entry.try_lock_for(LOOK) {
            return Ok(entry);
        }
        if stop.is_given_up() {
            let path = source.to_owned();
            return Err(Error::GivenUp { path });
        }
    }
}

/// Opens a source on a thread that can be left behind: a small file may describe what takes much memory.
fn read(
    backend: &'static dyn Backend,
    source: &Path,
    options: &Options,
    stop: &Stop,
) -> Result<Opened, Error> {
    let (path, of_thread) = (source.to_owned(), options.clone());
    let open = move || backend.open(&path, &of_thread);
    left_behind::work(options.memory_bytes(), stop, open).map_err(|failure| {
        let of_cause = |cause| Error::unsuitable(source, cause, "check the model with onnx.checker");
        failure.error(source, options, of_cause)
    })?
}

/// How often who waits for another load looks whether to go on waiting.
const LOOK: Duration = Duration::from_millis(50);

/// Returns the entry for a key, and forgets those that nobody needs any more.
fn entry<K: Hash + Eq>(entries: &mut Entries<K>, key: (K, Manner)) -> Arc<Mutex<Entry>> {
    // One that somebody holds is being loaded, or about to be.
    entries.retain(|_, entry| {
        1 < Arc::strong_count(entry) || entry.try_lock().is_none_or(|it| 0 < it.model.strong_count())
    });
    entries.entry(key).or_default().clone()
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::runtime::test_backend::TestBackend;

    fn ask(
        backend: &'static TestBackend,
        source: &Path,
        options: &Options,
    ) -> Result<Arc<LoadedModel>, Error> {
        open(backend, source, options, &Stop::default())
    }

    /// Asks for an address from sixteen threads at the same time.
    fn sixteen(backend: &'static TestBackend, address: &str) -> Vec<Result<Arc<LoadedModel>, Error>> {
        let together = Barrier::new(16);
        std::thread::scope(|scope| {
            let one = || {
                together.wait();
                ask(backend, Path::new(address), &Options::default())
            };
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        })
    }

    #[test]
    fn a_source_without_a_file_is_loaded_once_for_all_who_ask_and_again_when_all_are_gone() {
        let backend = TestBackend::backend();
        for round in 1..=2 {
            let models = sixteen(backend, "a://host/model");
            let models: Vec<_> = models.into_iter().map(Result::unwrap).collect();
            assert!(models.iter().all(|it| Arc::ptr_eq(it, &models[0])));
            assert_eq!(backend.loads.load(Ordering::SeqCst), round);
            let elsewhere = ask(backend, Path::new("a://mirror/model"), &Options::default());
            assert!(Arc::ptr_eq(&elsewhere.unwrap(), &models[0]));
        }
    }

    #[test]
    fn other_contents_and_other_options_are_other_models() {
        let backend = TestBackend::backend();
        let open = |address: &str, threads| {
            let options = Options {
                threads,
                ..Options::default()
            };
            ask(backend, Path::new(address), &options).unwrap()
        };
        let models = [open("b://host", 1), open("c://host", 1), open("b://host", 2)];
        assert!(!Arc::ptr_eq(&models[0], &models[1]) && !Arc::ptr_eq(&models[0], &models[2]));
        assert_eq!(backend.loads.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn a_load_that_fails_fails_for_each_and_is_not_remembered() {
        let backend = TestBackend::backend();
        let results = sixteen(backend, "d://refused");
        assert!(results.iter().all(Result::is_err));
        assert_eq!(backend.loads.load(Ordering::SeqCst), 16);
        assert!(ask(backend, Path::new("d://host"), &Options::default()).is_ok());
    }

    #[test]
    fn what_nobody_uses_is_forgotten() {
        let backend = TestBackend::backend();
        for host in 0..100 {
            drop(ask(backend, Path::new(&format!("e://{host}")), &Options::default()).unwrap());
        }
        let sources = &REGISTRY.lock().sources;
        let ours = sources.keys().filter(|(path, _)| path.starts_with("e:"));
        assert!(ours.count() <= 2);
    }
}

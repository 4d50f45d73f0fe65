// SPDX-License-Identifier: MPL-2.0

//! A backend for tests: it runs models that are nowhere on this machine, and that do what a test says.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::backend::{Backend, Binding, Executable, Input, Opened, Weights};
use super::failure::Failure;
use super::files_read::FilesRead;
use super::onnx::{Graph, Port};
use super::signature::{Beside, Signature};
use super::turns::{AtOnce, Turns};
use super::{Error, LoadedModel, Options, Stop};
use crate::tensor::{Dim, ElementType, Tensor};

/// What runs do; nothing until it is set.
type Inside = Arc<OnceLock<Box<dyn Fn() + Send + Sync>>>;

/// The first byte of an address is all the content of what is there; where it contains `refused`, loads fail.
pub(super) struct TestBackend {
    pub loads: Arc<AtomicUsize>,
    runs: AtOnce,
    inside: Inside,
}

impl TestBackend {
    pub(super) fn backend() -> &'static TestBackend {
        TestBackend::leaked(AtOnce::Any)
    }

    /// A model that hands through what it gets after `inside`; the run at load does without.
    pub(super) fn that_runs(runs: AtOnce, inside: impl Fn() + Send + Sync + 'static) -> Arc<LoadedModel> {
        let (path, options, stop) = (Path::new("a"), Options::default(), Stop::default());
        let backend = TestBackend::leaked(runs);
        let opened = backend.open(path, &options).unwrap();
        let model = LoadedModel::load(backend, opened, path, &options, &stop).unwrap();
        assert!(backend.inside.set(Box::new(inside)).is_ok());
        Arc::new(model)
    }

    fn leaked(runs: AtOnce) -> &'static TestBackend {
        let (loads, inside) = (Arc::default(), Arc::default());
        Box::leak(Box::new(TestBackend { loads, runs, inside }))
    }
}

impl Backend for TestBackend {
    fn name(&self) -> &'static str {
        "test"
    }

    fn open(&self, source: &Path, options: &Options) -> Result<Opened, Error> {
        let address = source.to_string_lossy();
        let port = |name: &str| Port {
            name: name.into(),
            element_type: Ok(ElementType::F32),
            dims: Some([1, 3, 4, 4].map(Dim::Fixed).to_vec()),
        };
        let graph = Graph {
            inputs: vec![port("x")],
            outputs: vec![port("y")],
            external_data: Vec::new(),
            metadata: Default::default(),
            producer: String::new(),
            opset: 17,
            making: Default::default(),
            bounds: Default::default(),
        };
        let loads = self.loads.clone();
        let refused = address.contains("refused").then(|| source.to_owned());
        let (runs, inside) = (self.runs, self.inside.clone());
        Ok(Opened {
            content: [address.as_bytes()[0]; 32],
            written: [address.as_bytes()[0]; 32],
            digest: [0; 32],
            files: FilesRead::default(),
            signature: Signature::of(source, graph, Beside::default(), options)?,
            weights: Weights::Beside,
            load: Arc::new(move |_, _| {
                loads.fetch_add(1, Ordering::SeqCst);
                let inside = inside.clone();
                match &refused {
                    Some(path) => Err(Error::unsuitable(path, "no", "yes")),
                    None => Ok(Arc::new(Elsewhere { runs, inside }) as Arc<dyn Executable>),
                }
            }),
        })
    }
}

struct Elsewhere {
    runs: AtOnce,
    inside: Inside,
}

impl Executable for Elsewhere {
    fn runs(&self) -> AtOnce {
        self.runs
    }

    fn bind(self: Arc<Self>, _: usize, stop: &Stop, turns: Turns) -> Box<dyn Binding> {
        let (inside, stop) = (self.inside.clone(), stop.clone());
        Box::new(User { inside, stop, turns })
    }
}

struct User {
    inside: Inside,
    stop: Stop,
    turns: Turns,
}

impl Binding for User {
    fn run(&mut self, inputs: &mut [Input], outputs: &mut [Tensor]) -> Result<(), Failure> {
        let _turn = self.turns.take(&self.stop)?;
        if let Some(inside) = self.inside.get() {
            inside();
        }
        outputs[0] = inputs[0].tensor.clone();
        Ok(())
    }
}

// SPDX-License-Identifier: MPL-2.0

//! The servers that `scripts/remote.sh` started, and those who answer beside avrec: `scripts/remote/oracle.py`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A server of the Open Inference Protocol.
#[derive(Debug, Clone)]
pub struct Server {
    /// What it is: `mlserver`, `triton`, `furnace` or `nginx`.
    pub name: String,
    /// `address:port` for gRPC.
    pub grpc: String,
    /// `address:port` for REST.
    pub http: String,
    /// Its process, which leads a group of all that it started.
    pub process: i32,
}

impl Server {
    /// Addresses of a model of it, in each protocol.
    pub fn addresses(&self, model: &str) -> [String; 2] {
        [self.by_grpc(model), format!("http://{}/{model}", self.http)]
    }

    pub fn by_grpc(&self, model: &str) -> String {
        format!("grpc://{}/{model}", self.grpc)
    }
}

fn words(variable: &str) -> Vec<String> {
    let value = env::var(variable).unwrap_or_default();
    value.split_whitespace().map(str::to_owned).collect()
}

/// The servers that run; none, with a line about it, where the tests are not run by `make test-remote`.
pub fn servers() -> Vec<Server> {
    let (names, http, processes) = (
        words("AVREC_REMOTE_SERVERS"),
        words("AVREC_REMOTE_HTTP"),
        words("AVREC_REMOTE_PIDS"),
    );
    let grpc = words("AVREC_REMOTE_GRPC");
    if grpc.is_empty() {
        eprintln!("skipped: AVREC_REMOTE_GRPC is not set; make test-remote starts servers");
    }
    let all = names.into_iter().zip(grpc).zip(http).zip(processes);
    all.map(|(((name, grpc), http), process)| Server {
        name,
        grpc,
        http,
        process: process.parse().unwrap(),
    })
    .collect()
}

/// The file of a model, if the servers have it.
pub fn served(model: &str) -> Option<PathBuf> {
    let files = words("AVREC_REMOTE_MODELS").into_iter().map(PathBuf::from);
    files
        .into_iter()
        .find(|it| it.file_stem().is_some_and(|it| it == model) && it.is_absolute())
}

/// What tritonclient gets from `address`, or ONNX Runtime answers if that is `local`, to `FOLDER/INPUT.npy`: SHA-256 sums
/// of the bytes of the outputs, by their names.
pub fn oracle(address: &str, model: &Path, folder: &Path) -> Vec<(String, String)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/remote/oracle.py");
    let output = Command::new(env::var("AVREC_REMOTE_PYTHON").unwrap())
        .args([script, "answers", address])
        .args([model, folder])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said.lines()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            (words[0].to_owned(), words[3].to_owned())
        })
        .collect()
}

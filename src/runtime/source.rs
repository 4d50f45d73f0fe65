// SPDX-License-Identifier: MPL-2.0

//! Where a model comes from: a file, or a server.

use std::path::Path;

/// How addresses of models on servers begin.
const SCHEMES: [&str; 4] = ["grpc", "grpcs", "http", "https"];

/// Returns the server of a model as `host:port`; `None` where the source is a file.
pub fn server(source: &Path) -> Option<&str> {
    let (scheme, rest) = source.to_str()?.split_once("://")?;
    let is_known = SCHEMES.contains(&scheme);
    is_known.then(|| rest.split('/').next().unwrap_or(rest))
}

/// Whether a source of models is on a server, and no file.
pub fn is_address(source: &Path) -> bool {
    server(source).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_files() {
        assert_eq!(server(Path::new("grpc://gpu:8001/a")), Some("gpu:8001"));
        assert_eq!(server(Path::new("https://gpu:443")), Some("gpu:443"));
        assert_eq!(server(Path::new("models/grpc.onnx")), None);
        assert_eq!(server(Path::new("ftp://gpu:8001/a")), None);
    }
}

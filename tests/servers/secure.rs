// SPDX-License-Identifier: MPL-2.0

//! Servers behind nginx, with TLS and a token.

use std::path::{Path, PathBuf};
use std::{env, fs};

use gstavrec::runtime::{Options, RemoteOptions, Runner};

/// What nginx wants of clients.
struct Secure {
    grpcs: String,
    https: String,
    secrets: PathBuf,
}

impl Secure {
    fn find() -> Option<Secure> {
        let addresses = env::var("AVREC_REMOTE_TLS").ok()?;
        let (grpcs, https) = addresses.split_once(' ')?;
        Some(Secure {
            grpcs: format!("grpcs://{grpcs}/corner_224"),
            https: format!("https://{https}/corner_224"),
            secrets: env::var("AVREC_REMOTE_SECRETS").ok()?.into(),
        })
    }

    fn file(&self, name: &str) -> String {
        self.secrets.join(name).to_string_lossy().into_owned()
    }

    fn known(&self) -> RemoteOptions {
        RemoteOptions {
            tls_ca: self.file("ca.pem"),
            token_file: self.file("token"),
            ..RemoteOptions::default()
        }
    }
}

fn load(address: &str, remote: RemoteOptions) -> Result<Runner, String> {
    let options = Options {
        remote,
        ..Options::default()
    };
    Runner::load(Path::new(address), &options).map_err(|error| error.to_string())
}

#[test]
fn who_trusts_the_authority_and_has_the_token_is_answered() {
    let Some(secure) = Secure::find() else { return };
    for address in [&secure.grpcs, &secure.https] {
        let mut runner = load(address, secure.known()).unwrap();
        runner.prepare(&[1, 3, 224, 224]).unwrap();
        assert_eq!(runner.run().unwrap()[0].dims, [1, 3], "{address}");
    }
}

#[test]
fn who_does_not_is_told_what_to_set() {
    let Some(secure) = Secure::find() else { return };
    let token = tempfile::NamedTempFile::new().unwrap();
    fs::write(token.path(), "another").unwrap();
    for address in [&secure.grpcs, &secure.https] {
        let stranger = RemoteOptions {
            tls_ca: String::new(),
            ..secure.known()
        };
        let said = load(address, stranger).err().unwrap();
        assert!(said.contains("tls-ca"), "{said}");
        for token_file in [String::new(), token.path().to_string_lossy().into_owned()] {
            let unknown = RemoteOptions {
                token_file,
                ..secure.known()
            };
            let said = load(address, unknown).err().unwrap();
            assert!(said.contains("token-file") && !said.contains("another"), "{said}");
        }
    }
}

// SPDX-License-Identifier: MPL-2.0

//! Encryption and access: nothing goes in the clear where it should not, and only to whom it is for.

use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, date_time_ymd};

use crate::support::infer::{Bench, texture};
use crate::support::server::Server;

/// An authority, and a server's certificate by it.
struct Authority {
    folder: tempfile::TempDir,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Authority {
    fn new(host: &str, end: i32) -> Authority {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(end, 1, 1);
        let certificate = params.signed_by(&key, &authority).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        Authority {
            folder,
            certificate: certificate.der().to_vec(),
            key: key.serialize_der(),
        }
    }

    fn server(&self) -> Server {
        Server::encrypted(self.certificate.clone(), self.key.clone())
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

fn passes(server: &Server, scheme: &str, properties: &str) {
    let mut bench = Bench::at(server.model(scheme).as_ref(), properties);
    let info = bench.caps("RGB", 32, 18);
    bench.push(&info).unwrap();
    let answer = bench.harness.pull().unwrap();
    let wanted: Vec<u8> = texture(info.size(), 0).iter().map(|it| 255 - it).collect();
    assert_eq!(answer.map_readable().unwrap().as_slice(), wanted);
}

fn refused(server: &Server, scheme: &str, properties: &str) -> String {
    let bench = Bench::at(server.model(scheme).as_ref(), properties);
    bench.complaint(gst::MessageType::Error)
}

fn ca(path: &Path) -> String {
    format!("tls-ca={}", path.display())
}

#[test]
fn encrypted_servers_are_those_that_the_authority_signed_for_this_host_and_this_day() {
    let good = Authority::new("127.0.0.1", 2200);
    let server = good.server();
    passes(&server, "grpcs", &ca(&good.ca()));
    passes(&server, "https", &ca(&good.ca()));
    let text = refused(&server, "grpcs", "");
    assert!(text.contains("certificate") && text.contains("tls-ca"), "{text}");
    let other = Authority::new("127.0.0.1", 2200);
    assert!(refused(&server, "grpcs", &ca(&other.ca())).contains("certificate"));
    let expired = Authority::new("127.0.0.1", 2021);
    let text = refused(&expired.server(), "grpcs", &ca(&expired.ca()));
    assert!(text.to_lowercase().contains("expired"), "{text}");
    let elsewhere = Authority::new("gpu.example", 2200);
    let text = refused(&elsewhere.server(), "grpcs", &ca(&elsewhere.ca()));
    assert!(text.contains("not valid for name"), "{text}");
}

#[test]
fn nothing_falls_back_to_plain_text() {
    let good = Authority::new("127.0.0.1", 2200);
    let plain = Server::start();
    let text = refused(&plain, "grpcs", &ca(&good.ca()));
    assert!(text.contains("cannot be reached"), "{text}");
    assert_eq!(plain.answers(), 0);
    let text = refused(&good.server(), "grpc", "");
    assert!(text.contains("cannot be reached"), "{text}");
}

#[test]
fn a_token_is_read_from_a_file_and_nowhere_else() {
    let server = Server::start();
    server.set(|it| it.token = Some("open sesame".into()));
    for scheme in ["grpc", "http"] {
        let text = refused(&server, scheme, "");
        assert!(
            text.contains("refuses access") && text.contains("token-file"),
            "{text}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "open sesame\n").unwrap();
    for scheme in ["grpc", "http"] {
        passes(&server, scheme, &format!("token-file={}", path.display()));
    }
    let text = refused(&server, "grpc", "token-file=/nowhere/token");
    assert!(
        text.contains("token-file=/nowhere/token cannot be read"),
        "{text}"
    );
}

// SPDX-License-Identifier: MPL-2.0

//! Connections and access to servers, encrypted where the address says so and never otherwise: names of hosts and certificates are
//! checked, by the authorities of the system or by those of a file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::address::{Address, Protocol};
use crate::bounded_file;
use crate::runtime::{Error, RemoteOptions};

/// How long a server may take to accept a connection.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Bytes that a file of certificates, a key or a token may have.
const MAX_BYTES: u64 = 4 << 20;

/// How connections to this address are made.
pub(super) fn connector(
    address: &Address,
    options: &RemoteOptions,
) -> Result<HttpsConnector<HttpConnector>, Error> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let builder = HttpsConnectorBuilder::new().with_tls_config(configuration(address, options)?);
    let builder = match address.is_encrypted {
        true => builder.https_only(),
        false => builder.https_or_http(),
    };
    Ok(match address.protocol {
        Protocol::Grpc => builder.enable_http2().wrap_connector(http),
        Protocol::Rest => builder.enable_http1().wrap_connector(http),
    })
}

fn configuration(address: &Address, options: &RemoteOptions) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| setting("tls-ca", &options.tls_ca, error.to_string(), "report this"))?;
    let roots = match address.is_encrypted {
        true => roots(options)?,
        // Nothing is encrypted, and nothing is read for it.
        false => RootCertStore::empty(),
    };
    let builder = builder.with_root_certificates(roots);
    let (certificate, key) = (&options.tls_certificate, &options.tls_key);
    if certificate.is_empty() && key.is_empty() {
        return Ok(builder.with_no_client_auth());
    }
    const BOTH: &str = "set tls-certificate and tls-key to the PEM files of one certificate and its key";
    if certificate.is_empty() || key.is_empty() {
        let cause = "is one half of a client's certificate";
        return Err(match certificate.is_empty() {
            true => setting("tls-key", key, cause, BOTH),
            false => setting("tls-certificate", certificate, cause, BOTH),
        });
    }
    let chain = certificates("tls-certificate", certificate)?;
    let bytes = read("tls-key", key)?;
    let secret = PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|error| setting("tls-key", key, format!("is no key in PEM: {error}"), BOTH))?;
    builder.with_client_auth_cert(chain, secret).map_err(|error| {
        setting(
            "tls-certificate",
            certificate,
            format!("does not go with its key: {error}"),
            BOTH,
        )
    })
}

fn roots(options: &RemoteOptions) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    const CA: &str =
        "set tls-ca to a PEM file with the certificate of the authority that signed the server's";
    if options.tls_ca.is_empty() {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        return match roots.is_empty() {
            true => Err(setting(
                "tls-ca",
                "",
                "is unset, and the system trusts no authority",
                CA,
            )),
            false => Ok(roots),
        };
    }
    for certificate in certificates("tls-ca", &options.tls_ca)? {
        roots.add(certificate).map_err(|error| {
            setting(
                "tls-ca",
                &options.tls_ca,
                format!("has a certificate that is none: {error}"),
                CA,
            )
        })?;
    }
    Ok(roots)
}

fn certificates(key: &'static str, path: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    const PEM: &str = "set it to a PEM file, which begins with -----BEGIN CERTIFICATE-----";
    let bytes = read(key, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(setting(key, path, "has no certificate", PEM)),
        Err(error) => Err(setting(
            key,
            path,
            format!("has no certificates in PEM: {error}"),
            PEM,
        )),
    }
}

/// The value of the header `authorization`, which logs leave out; `None` where no token is set.
pub(super) fn token(options: &RemoteOptions) -> Result<Option<HeaderValue>, Error> {
    if options.token_file.is_empty() {
        return Ok(None);
    }
    let bytes = read("token-file", &options.token_file)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut value = HeaderValue::from_str(&format!("Bearer {}", text.trim())).map_err(|_| {
        let cause = "holds characters that no token has";
        setting(
            "token-file",
            &options.token_file,
            cause,
            "write one line of ASCII into it",
        )
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// Reads a small file that a property names.
fn read(key: &'static str, path: &str) -> Result<Vec<u8>, Error> {
    bounded_file::read(Path::new(path), MAX_BYTES).map_err(|error| {
        let remedy = "set it to a file that this user may read";
        setting(key, path, format!("cannot be read: {error}"), remedy)
    })
}

pub(super) fn setting(key: &'static str, value: &str, cause: impl Into<String>, remedy: &str) -> Error {
    Error::Setting {
        key,
        value: value.to_owned(),
        cause: cause.into(),
        remedy: remedy.to_owned(),
    }
}

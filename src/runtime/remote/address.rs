// SPDX-License-Identifier: MPL-2.0

//! Addresses of models on servers: `grpc://host:port/model` or `grpc://host:port/model/version`, also `grpcs`, `http` and
//! `https`.

use std::path::Path;

use http::Uri;

use crate::runtime::Error;

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Grpc,
    Rest,
}

/// Where a model is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub protocol: Protocol,
    pub is_encrypted: bool,
    /// `host:port`.
    pub authority: String,
    pub model: String,
    /// Empty where the server chooses.
    pub version: String,
}

/// Schemes with what they stand for, and whether they are encrypted.
const SCHEMES: [(&str, Protocol, bool); 4] = [
    ("grpc", Protocol::Grpc, false),
    ("grpcs", Protocol::Grpc, true),
    ("http", Protocol::Rest, false),
    ("https", Protocol::Rest, true),
];

/// What an address looks like.
const FORM: &str =
    "write grpc://host:port/model or grpc://host:port/model/version (grpcs, http and https work too)";

impl Address {
    pub(super) fn parse(source: &Path) -> Result<Address, Error> {
        let text = source.to_string_lossy();
        let fault = |cause: &str| Error::server(source, format!("is no address of a model: {cause}"), FORM);
        let uri: Uri = text.parse().map_err(|error| fault(&format!("{error}")))?;
        let scheme = uri.scheme_str().unwrap_or_default();
        let Some((_, protocol, is_encrypted)) = SCHEMES.into_iter().find(|it| it.0 == scheme) else {
            return Err(fault(&format!("'{scheme}' is no scheme that is spoken")));
        };
        let authority = uri.authority().ok_or_else(|| fault("it has no host"))?;
        if authority.as_str().contains('@') {
            let remedy = "write the token into a file and set token-file to it";
            return Err(Error::server(
                source,
                "has a user or a password in it, which everybody would see",
                remedy,
            ));
        }
        if authority.port_u16().is_none() {
            return Err(fault("it has no port"));
        }
        if uri.query().is_some() {
            return Err(fault("it has a query"));
        }
        let parts: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
        let (model, version) = match parts[..] {
            [""] => return Err(fault("it names no model")),
            [model] => (model, ""),
            [model, version] => (model, version),
            // As servers' own addresses are: http://host/v2/models/NAME/versions/N
            ["v2", "models", model] => (model, ""),
            ["v2", "models", model, "versions", version] => (model, version),
            _ => return Err(fault("after the host stand a model and perhaps a version")),
        };
        Ok(Address {
            protocol,
            is_encrypted,
            authority: authority.to_string(),
            model: model.to_owned(),
            version: version.to_owned(),
        })
    }

    /// The address of the server as HTTP has it.
    pub(super) fn origin(&self) -> String {
        let scheme = if self.is_encrypted { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_a_server_a_model_and_perhaps_a_version() {
        let parse = |text: &str| Address::parse(Path::new(text)).unwrap();
        let it = parse("grpc://127.0.0.1:8001/detector");
        let said = (
            it.protocol,
            it.is_encrypted,
            &*it.authority,
            &*it.model,
            &*it.version,
        );
        assert_eq!(said, (Protocol::Grpc, false, "127.0.0.1:8001", "detector", ""));
        let it = parse("https://gpu.example:443/v2/models/detector/versions/3");
        let said = (
            it.protocol,
            it.is_encrypted,
            &*it.authority,
            &*it.model,
            &*it.version,
        );
        assert_eq!(said, (Protocol::Rest, true, "gpu.example:443", "detector", "3"));
        assert_eq!(parse("grpcs://[::1]:8001/a/2").origin(), "https://[::1]:8001");
    }

    #[test]
    fn what_is_no_address_is_told_with_the_form_of_one() {
        let cause = |text: &str| Address::parse(Path::new(text)).unwrap_err().to_string();
        assert!(cause("grpc://host/model").contains("no port"));
        assert!(cause("grpc://host:8001").contains("names no model"));
        assert!(cause("grpc://host:8001/a/b/c").contains("a model and perhaps a version"));
        assert!(cause("grpc://me:secret@host:8001/a").contains("token-file"));
        assert!(cause("grpc://host:99999/a").contains("write grpc://host:port/model"));
    }
}

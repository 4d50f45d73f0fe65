// SPDX-License-Identifier: MPL-2.0

//! How a server is reached that runs the model, with the defaults, and the properties that expose it.

use gst::glib;
use gst::prelude::*;

use super::enums::Encoding;
use crate::runtime::RemoteOptions;

/// Read when a model is loaded. Nothing of it concerns models in files.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RemoteSettings {
    /// Nanoseconds; 0 for the default.
    pub timeout: u64,
    pub tls_ca: Option<String>,
    pub tls_certificate: Option<String>,
    pub tls_key: Option<String>,
    pub token_file: Option<String>,
    pub encoding: Encoding,
}

impl RemoteSettings {
    /// The same for the runtime.
    pub fn options(&self) -> RemoteOptions {
        let path = |it: &Option<String>| it.clone().unwrap_or_default();
        RemoteOptions {
            timeout: self.timeout,
            tls_ca: path(&self.tls_ca),
            tls_certificate: path(&self.tls_certificate),
            tls_key: path(&self.tls_key),
            token_file: path(&self.token_file),
            encoding: self.encoding.into(),
        }
    }
}

pub fn properties() -> Vec<glib::ParamSpec> {
    let file = |name: &'static str, nick: &'static str, blurb: &'static str| {
        glib::ParamSpecString::builder(name)
            .nick(nick)
            .blurb(blurb)
            .mutable_playing()
            .build()
    };
    vec![
        glib::ParamSpecUInt64::builder("timeout")
            .nick("Timeout")
            .blurb(
                "Time that a server may take for an answer before it is taken for gone, in nanoseconds (0 = one second). It \
                 is sent along as the deadline of the call. An answer that comes later than its frame is needed, and before \
                 this, is waited for, so that a switch learns how late answers are. Takes effect when a model is loaded.",
            )
            .mutable_playing()
            .build(),
        file(
            "tls-ca",
            "TLS authority",
            "PEM file with the certificates of the authorities that a server's may be signed by, for addresses with grpcs \
             and https (unset = those of the system). Takes effect when a model is loaded.",
        ),
        file(
            "tls-certificate",
            "TLS certificate",
            "PEM file with this client's certificate, for servers that ask for one (unset = none). Takes effect when a \
             model is loaded.",
        ),
        file(
            "tls-key",
            "TLS key",
            "PEM file with the key of tls-certificate. Takes effect when a model is loaded.",
        ),
        file(
            "token-file",
            "Token file",
            "File with a token that is sent to the server as `authorization: Bearer` (unset = none), read when a model is \
             loaded. There is no property for the token itself, which everybody could read.",
        ),
        glib::ParamSpecEnum::builder_with_default("encoding", Encoding::default())
            .nick("Encoding")
            .blurb(
                "As what pictures are sent to a server. JPEG takes a fraction of the bytes, and needs a model that decodes: \
                 one whose input is of the type BYTES. Takes effect when a model is loaded.",
            )
            .mutable_playing()
            .build(),
    ]
}

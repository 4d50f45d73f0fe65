// SPDX-License-Identifier: MPL-2.0

//! The parameters of the tracer.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use gst::glib;
use gst::prelude::*;

use super::access::Token;
use super::service::Offer;

#[derive(Debug, Clone)]
pub struct Settings {
    pub address: String,
    pub port: i32,
    page: bool,
    control: bool,
    token: Option<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            address: "127.0.0.1".to_owned(),
            // The port that exporters of OpenTelemetry have.
            port: 9464,
            page: true,
            control: false,
            token: None,
        }
    }
}

impl Settings {
    pub fn properties() -> Vec<glib::ParamSpec> {
        let default = Settings::default();
        vec![
            glib::ParamSpecString::builder("address")
                .nick("Address")
                .blurb("IP address to listen at; 0.0.0.0 is every one of the machine, for all who reach it")
                .default_value(default.address.as_str())
                .build(),
            // Any number is taken, for the bindings panic at one out of range; what is no port is told later.
            glib::ParamSpecInt::builder("port")
                .nick("Port")
                .blurb("Port to listen at, to 65535; 0 is any that is free, which is read here and told at log level INFO")
                .default_value(default.port)
                .build(),
            glib::ParamSpecBoolean::builder("page")
                .nick("Page")
                .blurb("Whether there is a page for browsers at /, beside /metrics")
                .default_value(default.page)
                .build(),
            glib::ParamSpecBoolean::builder("control")
                .nick("Control")
                .blurb("Whether who has the token may pin, forbid and weigh from the page; it needs page")
                .default_value(default.control)
                .build(),
            glib::ParamSpecString::builder("token")
                .nick("Token")
                .blurb("What control asks for, 16 letters at least (unset = a random one, read here and told in an INFO message)")
                .build(),
        ]
    }

    pub fn set(&mut self, value: &glib::Value, pspec: &glib::ParamSpec) {
        let text = || value.get::<Option<String>>().ok().flatten();
        let default = Settings::default();
        match pspec.name() {
            "address" => self.address = text().unwrap_or(default.address),
            "port" => self.port = value.get().unwrap_or(default.port),
            "page" => self.page = value.get().unwrap_or(default.page),
            "control" => self.control = value.get().unwrap_or(default.control),
            "token" => self.token = text(),
            _ => {}
        }
    }

    pub fn get(&self, pspec: &glib::ParamSpec) -> glib::Value {
        match pspec.name() {
            "address" => self.address.to_value(),
            "port" => self.port.to_value(),
            "page" => self.page.to_value(),
            "control" => self.control.to_value(),
            "token" => self.token.to_value(),
            _ => pspec.default_value().clone(),
        }
    }

    /// Where to listen.
    ///
    /// # Errors
    ///
    /// When the address is none, or the port.
    pub fn socket(&self) -> io::Result<SocketAddr> {
        let address = match self.address.as_str() {
            "localhost" => Ok(Ipv4Addr::LOCALHOST.into()),
            address => address.parse::<IpAddr>(),
        };
        let address = address.map_err(|_| invalid(format!("'{}' is no IP address", self.address)))?;
        let port = u16::try_from(self.port).map_err(|_| invalid(format!("{} is no port", self.port)))?;
        Ok((address, port).into())
    }

    /// What is offered there; a token that is not set is made here.
    ///
    /// # Errors
    ///
    /// When the token is too weak, there is no page that control belongs to, or the system has no randomness.
    pub fn offer(&mut self) -> io::Result<Offer> {
        let page = self.page;
        if !self.control {
            return Ok(Offer { page, control: None });
        }
        if !page {
            return Err(invalid("control needs page, which is false".to_owned()));
        }
        let token = match &self.token {
            None => Token::random()?,
            Some(text) => Token::chosen(text).ok_or_else(|| {
                let least = Token::LEAST;
                invalid(format!(
                    "the token must have {least} letters or more, and no spaces"
                ))
            })?,
        };
        self.token = Some(token.text().to_owned());
        Ok(Offer {
            page,
            control: Some(token),
        })
    }

    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }
}

fn invalid(cause: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_be_changed_unless_it_is_asked_for_and_then_never_with_a_weak_token() {
        let offer = |control, page, token: Option<&str>| {
            let token = token.map(str::to_owned);
            let mut settings = Settings {
                page,
                control,
                token,
                ..Settings::default()
            };
            settings.offer()
        };
        let by_default = Settings::default().offer().unwrap();
        assert!(by_default.page && by_default.control.is_none());
        assert!(
            offer(false, true, Some("0123456789abcdef"))
                .unwrap()
                .control
                .is_none()
        );
        assert!(offer(true, true, None).unwrap().control.is_some());
        assert_eq!(
            offer(true, true, Some("0123456789abcdef")).unwrap().control,
            Token::chosen("0123456789abcdef")
        );
        for (page, token, cause) in [
            (true, Some("1234"), "16 letters"),
            (true, Some(""), "16 letters"),
            (false, None, "page"),
        ] {
            let error = offer(true, page, token).unwrap_err().to_string();
            assert!(error.contains(cause), "{error}");
        }
    }
}

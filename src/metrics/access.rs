// SPDX-License-Identifier: MPL-2.0

//! Who may ask, and who may change something.

use std::net::IpAddr;

use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue};
use subtle::ConstantTimeEq;

/// Why a request is refused.
pub type Refusal = &'static str;

/// Whether no page of a stranger asks.
///
/// On the loopback interface a browser comes by any name that a stranger lets lead here (DNS rebinding), but an address cannot
/// be led; whoever listens elsewhere has names of his own. And a browser tells of each request of a page where the page is
/// from: only the own page may ask, but anybody may link to what is here.
///
/// # Errors
///
/// The reason, for whoever asked.
pub fn check(headers: &HeaderMap, bound: IpAddr) -> Result<(), Refusal> {
    let host = headers.get(HOST);
    if host.is_some_and(|it| bound.is_loopback() && !is_local(it)) {
        return Err("the Host header must have an IP address or localhost");
    }
    let is_own = |it: &HeaderValue| origin(it).is_some_and(|it| Some(it) == host.and_then(text));
    if headers.get(ORIGIN).is_some_and(|it| !is_own(it)) {
        return Err("pages of other origins may not ask");
    }
    let says = |name: &str, value: &str| headers.get(name).is_some_and(|it| it == value);
    let is_foreign = says("sec-fetch-site", "cross-site") || says("sec-fetch-site", "same-site");
    let is_link = says("sec-fetch-mode", "navigate") && says("sec-fetch-dest", "document");
    match is_foreign && !is_link {
        true => Err("pages of other origins may not ask"),
        false => Ok(()),
    }
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

/// Host and port of an origin; a page without one (a file, a frame in a sandbox) says `null`.
fn origin(value: &HeaderValue) -> Option<&str> {
    let origin = text(value)?;
    origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))
}

fn is_local(host: &HeaderValue) -> bool {
    let authority = text(host).and_then(|it| it.parse::<Authority>().ok());
    authority.is_some_and(|it| {
        let host = it.host().trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok()
    })
}

/// What whoever changes something has to know.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token")
    }
}

impl Token {
    /// Letters of a token at least: fewer are guessed.
    pub const LEAST: usize = 16;

    /// One that nobody guesses: 128 bits of the system's randomness, in hexadecimal digits.
    ///
    /// # Errors
    ///
    /// When the system gives none.
    pub fn random() -> std::io::Result<Token> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        Ok(Token(bytes.iter().map(|it| format!("{it:02x}")).collect()))
    }

    /// One that the user chose; none where it is too short, or a header could not hold it.
    pub fn chosen(text: &str) -> Option<Token> {
        let is_fit = Self::LEAST <= text.len() && text.bytes().all(|it| it.is_ascii_graphic());
        is_fit.then(|| Token(text.to_owned()))
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether a request has it. How long that takes tells nothing of it but its length.
    pub fn is_given(&self, headers: &HeaderMap) -> bool {
        let given = headers
            .get(AUTHORIZATION)
            .and_then(text)
            .and_then(|it| it.strip_prefix("Bearer "));
        given.is_some_and(|it| it.as_bytes().ct_eq(self.0.as_bytes()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |&(name, value): &(&'static str, &'static str)| {
            (
                http::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        pairs.iter().map(pair).collect()
    }

    fn may(pairs: &[(&'static str, &'static str)], bound: &str) -> bool {
        check(&headers(pairs), bound.parse().unwrap()).is_ok()
    }

    #[test]
    fn a_name_that_a_stranger_lets_lead_here_is_refused_on_loopback_only() {
        let at = |host, bound| may(&[("host", host)], bound);
        for own in [
            "localhost:9464",
            "LOCALHOST",
            "127.0.0.1",
            "[::1]:9464",
            "10.0.0.7:80",
        ] {
            assert!(at(own, "127.0.0.1"), "{own}");
        }
        for foreign in [
            "evil.example",
            "evil.example:9464",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "",
            "a b",
        ] {
            assert!(!at(foreign, "127.0.0.1"), "{foreign}");
            assert!(!at(foreign, "::1"), "{foreign}");
        }
        assert!(at("camera.example:9464", "0.0.0.0"));
        assert!(may(&[], "127.0.0.1"), "HTTP/1.0 has none");
    }

    #[test]
    fn pages_of_other_origins_are_refused_wherever_one_listens() {
        for bound in ["127.0.0.1", "0.0.0.0"] {
            let from = |origin| may(&[("host", "127.0.0.1:9464"), ("origin", origin)], bound);
            assert!(from("http://127.0.0.1:9464"));
            assert!(from("https://127.0.0.1:9464"), "behind a proxy that speaks TLS");
            for other in [
                "http://127.0.0.1:9465",
                "http://127.0.0.1",
                "http://localhost:9464",
                "http://evil.example",
                "http://127.0.0.1:9464.evil.example",
                "null",
                "",
                "file://",
            ] {
                assert!(!from(other), "{other}");
            }
        }
        assert!(!may(&[("origin", "http://evil.example")], "127.0.0.1"));
    }

    #[test]
    fn what_another_page_fetches_or_frames_is_refused_and_its_links_are_not() {
        let fetch = |site, mode, dest| {
            let sent = [
                ("sec-fetch-site", site),
                ("sec-fetch-mode", mode),
                ("sec-fetch-dest", dest),
            ];
            may(&sent, "127.0.0.1")
        };
        assert!(fetch("same-origin", "cors", "empty"));
        assert!(fetch("none", "navigate", "document"));
        assert!(fetch("cross-site", "navigate", "document"));
        for site in ["cross-site", "same-site"] {
            assert!(!fetch(site, "no-cors", "image"));
            assert!(!fetch(site, "no-cors", "script"));
            assert!(!fetch(site, "cors", "empty"));
            assert!(!fetch(site, "navigate", "iframe"));
        }
    }

    #[test]
    fn a_token_is_long_random_and_asked_for_whole() {
        let token = Token::random().unwrap();
        assert_ne!(token, Token::random().unwrap());
        assert_eq!(token.text().len(), 32);
        assert_eq!(format!("{token:?}"), "Token", "not in logs");
        for (text, is_fit) in [
            ("0123456789abcdef", true),
            ("0123456789abcde", false),
            ("0123456789 abcdef", false),
            ("0123456789abcdéf", false),
            ("", false),
        ] {
            assert_eq!(Token::chosen(text).is_some(), is_fit, "{text}");
        }
        let token = Token::chosen("0123456789abcdef").unwrap();
        let given = |value| token.is_given(&headers(&[("authorization", value)]));
        assert!(given("Bearer 0123456789abcdef"));
        for wrong in [
            "Bearer 0123456789abcdeF",
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdef0",
            "Bearer ",
            "0123456789abcdef",
            "Basic 0123456789abcdef",
        ] {
            assert!(!given(wrong), "{wrong}");
        }
        assert!(!token.is_given(&HeaderMap::new()));
    }
}

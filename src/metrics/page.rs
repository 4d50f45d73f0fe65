// SPDX-License-Identifier: MPL-2.0

//! The files of the page. They are in the plugin: nothing is read, and nothing comes from another host.

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// What stands at a path: its type, and the text.
pub fn file(path: &str) -> Option<(&'static str, &'static str)> {
    Some(match path {
        "/" => ("text/html; charset=utf-8", include_str!("page/page.html")),
        "/page.js" => (SCRIPT, include_str!("page/page.js")),
        "/uplot.js" => (
            SCRIPT,
            concat!(
                "/*\n",
                include_str!("../charts/uplot/LICENSE"),
                "*/\n",
                include_str!("../charts/uplot/uPlot.iife.min.js")
            ),
        ),
        "/page.css" => (
            STYLE,
            concat!(
                include_str!("../charts/uplot/uPlot.min.css"),
                include_str!("../charts/palette.css"),
                include_str!("page/page.css")
            ),
        ),
        "/icon.svg" => ("image/svg+xml", include_str!("page/icon.svg")),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The policy that is sent with them forbids it anyway; a browser would only tell it in its console.
    #[test]
    fn nothing_of_the_page_comes_from_elsewhere_or_makes_markup_of_text() {
        for path in ["/", "/page.js", "/page.css", "/uplot.js", "/icon.svg"] {
            let (_, text) = file(path).unwrap();
            for word in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "@import",
            ] {
                assert!(!text.contains(word), "{path}: {word}");
            }
        }
        let (_, page) = file("/").unwrap();
        for word in ["http:", "https:", "style=", " on", "<style", "javascript:"] {
            assert!(!page.to_lowercase().contains(word) || word == " on", "{word}");
        }
        assert!(!page.contains("<script>"));
        for own in ["/page.js", "/page.css"] {
            let (_, text) = file(own).unwrap();
            assert!(!text.contains("://"), "{own}");
        }
        assert_eq!(file("/page.html"), None);
    }
}

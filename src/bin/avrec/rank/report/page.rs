// SPDX-License-Identifier: MPL-2.0

//! The page as a whole.

use maud::{DOCTYPE, PreEscaped, html};

use super::super::examples::Examples;
use super::super::findings::Findings;
use super::tables::file;
use super::{examples, front, heat, intervals, method, tables, words};
use crate::report::STYLE;
use crate::report::numbers::isolated;

/// Nothing is loaded from anywhere, and nothing runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:";

/// The report of a ranking.
pub fn page(findings: &Findings, shown: &Examples) -> String {
    let title = title(findings);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                style { (PreEscaped(STYLE)) }
                style { (PreEscaped(include_str!("rank.css"))) }
            }
            "\n"
            body {
                main {
                    header {
                        h1 dir="auto" { (title) }
                        p.facts { (words::facts(findings)) }
                        (words::recommendation(findings))
                    }
                    "\n"
                    (tables::models(findings))
                    (front::section(findings))
                    (intervals::forest(findings))
                    (intervals::set(findings))
                    (tables::reasons(findings))
                    (tables::classes(findings))
                    (heat::section(findings))
                    (examples::section(shown))
                    (tables::worst(findings))
                    (method::section(findings))
                    footer { "Made by avrec " (env!("CARGO_PKG_VERSION")) "; nothing is loaded from anywhere, and no script runs." }
                }
            }
        }
        "\n"
    };
    page.into_string()
}

/// `Which model for scene.webm`
fn title(findings: &Findings) -> String {
    match &findings.material[..] {
        [] => "Which model".into(),
        [one] => format!("Which model for {}", isolated(&file(&one.path))),
        [first, _] => format!("Which model for {} and 1 file more", isolated(&file(&first.path))),
        [first, ..] => {
            format!(
                "Which model for {} and {} files more",
                isolated(&file(&first.path)),
                findings.material.len() - 1
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{self, Kind};
    use super::*;

    const EVIL: &str = "</td></script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&";

    fn write(name: &str, page: &str) {
        if let Some(folder) = std::env::var_os("AVREC_SAMPLE_RANK") {
            std::fs::write(std::path::Path::new(&folder).join(name), page).unwrap();
        }
    }

    #[test]
    fn the_page_is_whole_and_loads_nothing() {
        for (kind, count) in [(Kind::Labels, 2), (Kind::Restoration, 8), (Kind::Agreement, 20)] {
            let page = page(
                &sample::findings(kind, count, "tuned"),
                &sample::examples("tuned"),
            );
            write(&format!("{kind:?}{count}.html"), &page);
            assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
            for remote in ["src=\"http", "href=\"http", "@import", "url(", "<script", "<link"] {
                assert!(!page.contains(remote), "{remote}");
            }
            for fact in [
                "Some CPU",
                "Linux 6.1",
                "avrec rank library.toml",
                "MIT OR Apache-2.0",
                "budget 40\u{a0}ms",
                "leaks",
            ] {
                assert!(page.contains(fact), "{fact}");
            }
            assert!(!page.contains("NaN") && !page.contains("inf%"), "{kind:?}");
        }
    }

    #[test]
    fn the_recommendation_is_told_first() {
        let findings = sample::findings(Kind::Restoration, 8, "tuned");
        let page = page(&findings, &Examples::default());
        let lead = page.split("<p class=\"lead\">").nth(1).unwrap();
        assert!(
            lead.starts_with(&format!(
                "<b>{}</b> is recommended: SSIM 0.9",
                findings.models[0].name
            )),
            "{lead:.100}"
        );
        assert!(lead.contains("of a budget of 40\u{a0}ms"));
    }

    #[test]
    fn ties_are_told_as_ties() {
        let mut findings = sample::findings(Kind::Restoration, 3, "tuned");
        for it in &mut findings.models {
            (it.place, it.is_tied) = (1, true);
        }
        let page = page(&findings, &Examples::default());
        assert!(page.contains("stands first, but") && page.contains("cannot be told apart"));
        assert_eq!(page.matches("1 <span class=\"soft\">tied</span>").count(), 3);
    }

    #[test]
    fn agreement_is_not_called_accuracy() {
        let page = page(
            &sample::findings(Kind::Agreement, 3, "tuned"),
            &Examples::default(),
        );
        assert!(page.contains("Agreement with a reference is not accuracy"));
    }

    #[test]
    fn what_came_from_outside_cannot_become_markup() {
        let page = page(&sample::findings(Kind::Labels, 8, EVIL), &sample::examples(EVIL));
        write("evil.html", &page);
        assert!(!page.contains("<script") && !page.contains("<img src=x") && !page.contains("</script>"));
        assert!(page.contains("&lt;script&gt;alert(1)"));
    }

    #[test]
    fn a_ranking_of_which_much_is_missing_still_has_a_page() {
        let mut findings = sample::findings(Kind::Labels, 5, "tuned");
        findings.promised = None;
        findings.set.clear();
        for it in &mut findings.models {
            (it.loss.interval, it.quality.interval) = (None, None);
            it.figures = vec![None];
            it.latency.p99 = None;
            (it.robustness, it.adversarial, it.classes) = (None, None, Vec::new());
            (it.place, it.is_tied) = (1, true);
        }
        let few = page(&findings, &Examples::default());
        write("few.html", &few);
        assert!(few.contains("too little material") && few.contains("nothing can be concluded"));
        assert!(!few.contains("NaN"));
        let none = page(&Findings::default(), &Examples::default());
        assert!(none.contains("No model could be ranked") && !none.contains("NaN"));
        findings.models.truncate(1);
        assert!(page(&findings, &Examples::default()).contains("the only model"));
        findings.models[0].quality.value = f64::NAN;
        findings.models[0].latency.p50.value = 0.0;
        assert!(!page(&findings, &Examples::default()).contains("<svg class=\"plot\""));
    }

    #[test]
    fn names_that_run_from_right_to_left_do_not_turn_the_sentence() {
        let mut findings = sample::findings(Kind::Labels, 3, "tuned");
        findings.models[0].name = "נקי".into();
        let page = page(&findings, &Examples::default());
        assert!(page.contains("<b>\u{2068}נקי\u{2069}</b> is recommended"));
    }
}

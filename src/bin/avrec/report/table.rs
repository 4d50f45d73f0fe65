// SPDX-License-Identifier: MPL-2.0

//! A table of text.

use maud::{Markup, html};

/// The text of a cell, and its class in the style sheet.
pub type Cell = (String, &'static str);

pub fn number(text: impl Into<String>) -> Cell {
    (text.into(), "")
}

pub fn text(text: impl Into<String>) -> Cell {
    (text.into(), "text")
}

/// A line may break in it, so that the table stays as narrow as its other columns.
pub fn sentence(text: impl Into<String>) -> Cell {
    (text.into(), "wide")
}

pub fn known<T>(value: Option<T>, tell: impl FnOnce(T) -> String) -> Cell {
    number(value.map_or("–".to_string(), tell))
}

/// A row, and its class.
pub type Row = (Vec<Cell>, &'static str);

/// Heads stand as their columns do: over text those that begin with `<`. `class` is its own in the style sheet, and `name` says what it is to who cannot see it.
pub fn table<'a>(
    class: &str,
    name: &str,
    heads: impl IntoIterator<Item = &'a str>,
    rows: impl IntoIterator<Item = Row>,
) -> Markup {
    let heads = heads.into_iter().map(|it| match it.strip_prefix('<') {
        Some(head) => text(head),
        None => number(it),
    });
    html! {
        // A wide one is scrolled, with the keyboard too.
        div.scroll tabindex="0" role="region" aria-label=(name) {
            table class=(class) {
                thead { tr { @for (head, class) in heads { th scope="col" class=[class_of(class)] { (head) } } } }
                tbody {
                    @for (cells, class) in rows {
                        tr class=[class_of(class)] {
                            @for (text, class) in cells { td class=[class_of(class)] { (text) } }
                        }
                        "\n"
                    }
                }
            }
        }
        "\n"
    }
}

fn class_of(class: &str) -> Option<&str> {
    Some(class).filter(|it| !it.is_empty())
}

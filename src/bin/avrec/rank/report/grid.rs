// SPDX-License-Identifier: MPL-2.0

//! A table of anything: with a caption, and heads of its rows.

use maud::{Markup, PreEscaped, html};

/// What stands in a cell, and its class and style in the style sheet.
pub struct Cell {
    pub content: Markup,
    pub class: &'static str,
    pub style: String,
}

pub fn cell(content: Markup) -> Cell {
    classed(content, "")
}

pub fn classed(content: Markup, class: &'static str) -> Cell {
    Cell {
        content,
        class,
        style: String::new(),
    }
}

pub fn number(text: impl AsRef<str>) -> Cell {
    cell(html! { (text.as_ref()) })
}

pub fn text(text: impl AsRef<str>) -> Cell {
    classed(html! { (text.as_ref()) }, "text")
}

pub fn sentence(text: impl AsRef<str>) -> Cell {
    classed(html! { (text.as_ref()) }, "wide")
}

/// Cells of a row; the first one names the row.
pub struct Row {
    pub cells: Vec<Cell>,
    pub class: &'static str,
}

/// Heads stand as their columns do: over text those that begin with `<`.
pub fn grid(class: &str, caption: &str, heads: &[String], rows: impl IntoIterator<Item = Row>) -> Markup {
    html! {
        // A wide one is scrolled, with the keyboard too.
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table class={ "grid " (class) } {
                caption { (caption) }
                thead { tr {
                    @for head in heads {
                        @match head.strip_prefix('<') {
                            Some(head) => th.text scope="col" { (head) },
                            None => th scope="col" { (head) },
                        }
                    }
                } }
                tbody {
                    @for row in rows {
                        tr class=[some(row.class)] {
                            @for (position, it) in row.cells.iter().enumerate() {
                                @if position == 0 {
                                    th scope="row" class=[some(it.class)] { (it.content) }
                                } @else {
                                    td class=[some(it.class)] style=[some(&it.style)] { (it.content) }
                                }
                            }
                        }
                        (PreEscaped("\n"))
                    }
                }
            }
        }
    }
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|it| !it.is_empty())
}

// SPDX-License-Identifier: MPL-2.0

//! In which line of a description each key stands, for errors.

/// Headings and keys in the order of the file, with their lines, counted from 1.
pub(super) struct Places(Vec<(String, Option<String>, usize)>);

impl Places {
    pub(super) fn of(text: &str) -> Places {
        let (mut section, mut places) = (String::new(), Vec::new());
        for (line, text) in (1..).zip(text.lines().map(str::trim)) {
            if text.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
                section = name.to_owned();
                places.push((section.clone(), None, line));
            } else if let Some((key, _)) = text.split_once(['=', ':']) {
                places.push((section.clone(), Some(key.trim().to_owned()), line));
            }
        }
        Places(places)
    }

    /// The line of a key; of its section where there is none; 1 where there is neither.
    pub(super) fn line(&self, section: &str, key: &str) -> usize {
        let inside = self.0.iter().filter(|it| it.0 == section);
        let found = inside.clone().find(|it| it.1.as_deref() == Some(key));
        found.or(inside.clone().next()).map_or(1, |it| it.2)
    }
}

// SPDX-License-Identifier: MPL-2.0

//! Fonts for labels: DejaVu Sans and Noto Emoji are built in; for scripts that they lack, one face each of those that the
//! system has. What is left has the bitmaps of GNU Unifont ([`super::lettering`]).
//!
//! All of it is looked up when a model is loaded whose answers are drawn, and files stay mapped, so that no streaming thread
//! opens one.

use std::cmp::Reverse;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use cosmic_text::fontdb::{Database, FaceInfo, ID, Source, Style, Weight};
use cosmic_text::{Attrs, AttrsList, Fallback, Family, FontSystem, SwashCache};
use parking_lot::{Mutex, MutexGuard};
use skrifa::{FontRef, MetadataProvider};

use crate::bounded_file;

/// The family that writes what it can unless another one is asked for.
const BUILT_IN: &str = "DejaVu Sans";

/// Letters of scripts that the built-in faces do not have, each of which the system may have a face for. Of several letters
/// the face with most of them is taken.
const SCRIPTS: [&str; 30] = [
    "中国语漢國語",
    "あアの",
    "한국",
    "कक्ष",
    "কখ",
    "ਕਖ",
    "કખ",
    "କଖ",
    "கா",
    "తె",
    "ಕನ",
    "മല",
    "කස",
    "กไ",
    "ລາ",
    "བོད",
    "မြန်",
    "កខ្",
    "አማ",
    "ᠮᠣ",
    "ᏣᎳ",
    "ᐃᓄ",
    "ⵣⵉ",
    "ދި",
    "ܣܘ",
    "ߒߞ",
    "ᨅᨔ",
    "ꦗꦮ",
    "🫠🥲",
    "𝒜𝔸",
];

/// Bytes that a font may have that is named by its file; the largest ones of today have 60 MB.
const LARGEST_FILE: u64 = 256 << 20;

/// Why a font that was asked for cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FontError {
    #[error(
        "overlay-font: no font has the family {0:?}; fc-list : family tells the names of those installed"
    )]
    Family(String),
    #[error("overlay-font: cannot read {0}: {1}; name a .ttf, .otf or .ttc file, or a family")]
    File(String, std::io::Error),
    #[error("overlay-font: {0} is no font; name a .ttf, .otf or .ttc file, or a family")]
    NoFont(String),
}

/// The fonts that the system has, by what their files say of themselves.
static INSTALLED: LazyLock<Database> = LazyLock::new(|| {
    let mut installed = Database::new();
    installed.load_system_fonts();
    installed
});

/// The built-in faces, and those of the system for further scripts.
static CHOSEN: LazyLock<Database> = LazyLock::new(|| {
    let mut chosen = Database::new();
    for data in [dejavu::sans::regular(), epaint_default_fonts::NOTO_EMOJI_REGULAR] {
        chosen.load_font_source(Source::Binary(Arc::new(data)));
    }
    let mut faces: Vec<ID> = SCRIPTS
        .iter()
        .filter_map(|it| best_face(&INSTALLED, it))
        .collect();
    faces.sort();
    faces.dedup();
    for face in faces.into_iter().filter_map(|it| INSTALLED.face(it)) {
        chosen.push_face_info(face.clone());
    }
    chosen
});

/// The face that has most of these letters: an upright one, of a family without serifs and of usual weight if possible.
fn best_face(installed: &Database, letters: &str) -> Option<ID> {
    let upright = installed.faces().filter(|it| it.style == Style::Normal);
    let ranked = upright.filter_map(|face| {
        let known = installed.with_face_data(face.id, |data, index| known_letters(data, index, letters))?;
        let family = face.families.first().map_or("", |it| it.0.as_str());
        let weight = Reverse(face.weight.0.abs_diff(Weight::NORMAL.0));
        let rank = (
            known,
            is_of_locale(family),
            family.contains("Sans"),
            weight,
            !face.monospaced,
        );
        (0 < known).then_some((rank, face.id))
    });
    ranked.max().map(|it| it.1)
}

/// How many of these letters a font has.
fn known_letters(data: &[u8], index: u32, letters: &str) -> usize {
    let Ok(font) = FontRef::from_index(data, index) else {
        return 0;
    };
    let charmap = font.charmap();
    letters.chars().filter(|it| charmap.map(*it).is_some()).count()
}

/// Whether a family of Chinese, Japanese and Korean shapes signs as readers of the locale expect.
fn is_of_locale(family: &str) -> bool {
    let region = match locale().get(..5).unwrap_or_default() {
        "ja_JP" => " JP",
        "ko_KR" => " KR",
        "zh_TW" | "zh_HK" => " TC",
        _ => " SC",
    };
    family.ends_with(region)
}

fn locale() -> String {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].map(std::env::var);
    set.into_iter()
        .flatten()
        .find(|it| !it.is_empty())
        .unwrap_or_default()
}

/// Which families write what the first one lacks: the built-in ones, then whatever there is.
struct BuiltInFirst;

impl Fallback for BuiltInFirst {
    fn common_fallback(&self) -> &[&'static str] {
        &[BUILT_IN, "Noto Emoji"]
    }

    fn forbidden_fallback(&self) -> &[&'static str] {
        &[]
    }

    fn script_fallback(&self, _: unicode_script::Script, _: &str) -> &[&'static str] {
        &[]
    }
}

/// The fonts that write labels, one of them first.
pub struct Typeface {
    fonts: Mutex<Fonts>,
    pub(super) attributes: AttrsList,
}

/// What shapes and draws letters.
pub(super) struct Fonts {
    pub system: FontSystem,
    pub images: SwashCache,
}

impl std::fmt::Debug for Typeface {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.debug_struct("Typeface").finish_non_exhaustive()
    }
}

/// The typeface of those who ask for none, shared by all.
static USUAL: LazyLock<Arc<Typeface>> = LazyLock::new(|| {
    Arc::new(Typeface::new(
        CHOSEN.clone(),
        &Attrs::new().family(Family::Name(BUILT_IN)),
    ))
});

impl Typeface {
    /// The usual one. The first call looks through the fonts of the system, which takes about a millisecond for each ten
    /// of them.
    pub fn usual() -> Arc<Typeface> {
        USUAL.clone()
    }

    /// One whose first font is that of a family, or of a file.
    ///
    /// # Errors
    ///
    /// When there is no such font.
    pub fn named(font: &str) -> Result<Arc<Typeface>, FontError> {
        let is_file = font.contains('/')
            || [".ttf", ".otf", ".ttc"]
                .iter()
                .any(|it| font.to_ascii_lowercase().ends_with(it));
        let mut face = match is_file {
            true => of_file(font)?,
            false => of_family(font).ok_or_else(|| FontError::Family(font.to_owned()))?,
        };
        // A name that no other font has, whatever the font says of itself.
        let name = format!("avrec: {font}");
        face.families.truncate(1);
        face.families.iter_mut().for_each(|it| it.0.clone_from(&name));
        let attributes = Attrs::new()
            .family(Family::Name(&name))
            .weight(face.weight)
            .style(face.style)
            .stretch(face.stretch);
        let mut faces = CHOSEN.clone();
        faces.push_face_info(face);
        Ok(Arc::new(Typeface::new(faces, &attributes)))
    }

    fn new(faces: Database, attributes: &Attrs) -> Typeface {
        let all: Vec<(ID, Weight)> = faces.faces().map(|it| (it.id, it.weight)).collect();
        let mut system = FontSystem::new_with_locale_and_db_and_fallback(locale(), faces, BuiltInFirst);
        // Opened and mapped now, and not where a label needs it.
        for (face, _) in all {
            let _ = system.get_font(face, attributes.weight);
        }
        Typeface {
            fonts: Mutex::new(Fonts {
                system,
                images: SwashCache::new(),
            }),
            attributes: AttrsList::new(attributes),
        }
    }

    pub(super) fn fonts(&self) -> MutexGuard<'_, Fonts> {
        self.fonts.lock()
    }
}

/// The first font of a file, which is read and not mapped: whoever names it may still write it.
fn of_file(path: &str) -> Result<FaceInfo, FontError> {
    let data = bounded_file::read(Path::new(path), LARGEST_FILE);
    let data = data.map_err(|error| FontError::File(path.to_owned(), error))?;
    let mut faces = Database::new();
    faces.load_font_source(Source::Binary(Arc::new(data)));
    let first = faces.faces().next().cloned();
    first.ok_or_else(|| FontError::NoFont(path.to_owned()))
}

/// A plain face of an installed family, or of a built-in one.
fn of_family(family: &str) -> Option<FaceInfo> {
    let is_it = |face: &&FaceInfo| face.families.iter().any(|it| it.0.eq_ignore_ascii_case(family));
    let faces = INSTALLED.faces().chain(CHOSEN.faces()).filter(is_it);
    let plain = faces.min_by_key(|it| (it.style != Style::Normal, it.weight.0.abs_diff(Weight::NORMAL.0)));
    plain.cloned()
}

// SPDX-License-Identifier: MPL-2.0

//! When what was learned is read and written, and what the user hears of it.

use std::path::PathBuf;
use std::sync::{Arc, Weak};

use super::book::Book;
use super::file::{self, Complaint};
use super::keeper::{Remembered, Shift};
use crate::elements::switch::CAT;
use crate::elements::switch::shared::Shared;
use crate::elements::timed_join::TimedJoin;

/// Reads what was learned, on the way to READY.
pub fn read(core: &Shared) {
    let path = core.settings.load().memory.as_ref().map(PathBuf::from);
    let remembered = path.map(|path| {
        let found = file::read(&path);
        if let Ok((_, unsound @ 1..)) = found {
            core.bus.warn(
                &format!(
                    "`memory` {}: {unsound} of its entries say what cannot be, and are left out",
                    path.display()
                ),
                "they are gone when it is next written",
            );
        }
        let is_foreign = found.is_err();
        let book = found.map(|it| it.0).unwrap_or_else(|complaint| {
            warn(core, &path, &complaint, "nothing is remembered");
            Default::default()
        });
        Remembered {
            path,
            book: parking_lot::Mutex::new(Arc::new(book)),
            is_foreign,
        }
    });
    core.remember(remembered);
}

/// Writes now and then while a stream plays.
pub fn begin(core: &Arc<Shared>) {
    let Some(remembered) = core.experience.remembered().filter(|it| !it.is_foreign) else {
        return;
    };
    let weak = Arc::downgrade(core);
    core.experience.begin(|shift| {
        let thread = TimedJoin::of("avrec-remember".into(), move || serve(&weak, &remembered, &shift));
        thread
            .inspect_err(|error| gst::warning!(CAT, "Nothing will be remembered: no thread: {error}"))
            .ok()
    });
}

/// Lets all be written that was learned, at the end of a stream.
pub fn end(core: &Shared) {
    core.endings.add(core.experience.end());
}

fn serve(core: &Weak<Shared>, remembered: &Remembered, shift: &Shift) {
    let (mut is_told, mut others) = (false, Book::default());
    for number in 0.. {
        let goes_on = shift.wait(number);
        let Some(core) = core.upgrade() else { return };
        if let Err(complaint) = write(&core, remembered, &mut others)
            && !std::mem::replace(&mut is_told, true)
        {
            warn(
                &core,
                &remembered.path,
                &complaint,
                "what is learned is lost at the end",
            );
        }
        if !goes_on {
            return;
        }
    }
}

/// Writes what is known now, if anything is.
fn write(core: &Shared, remembered: &Remembered, others: &mut Book) -> Result<(), Complaint> {
    let learned = core.published.view().adapter.learned(file::now());
    if learned.is_empty() {
        return Ok(());
    }
    let seen = remembered.book.lock().clone();
    let book = file::update(&remembered.path, &learned, &seen, others)?;
    *remembered.book.lock() = Arc::new(book);
    Ok(())
}

fn warn(core: &Shared, path: &std::path::Path, complaint: &Complaint, effect: &str) {
    let Complaint { cause, remedy } = complaint;
    core.bus
        .warn(&format!("`memory` {}: {cause}; {effect}", path.display()), remedy);
}

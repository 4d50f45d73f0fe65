// SPDX-License-Identifier: MPL-2.0

//! Structures, back to types.

use gstavrec::messages::{Inner, Message, StructureDoc};
use gstavrec::random::Random;

use crate::each_round;
use crate::structure::{any, read, structure, told};

#[test]
fn structures_are_read_or_refused() {
    let told = told();
    // A structure is no text; it is made again from its seed.
    each_round(
        10_000,
        |round| round.to_string(),
        |round| read(&any(&told, round.parse().unwrap())),
    );
}

/// As if nothing of it might be absent.
fn whole(told: &StructureDoc) -> StructureDoc {
    let mut whole = told.clone();
    for field in &mut whole.fields {
        field.is_optional = false;
        if let Inner::Part(part) = &mut field.inner {
            **part = self::whole(part);
        }
    }
    whole
}

#[test]
fn messages_that_lack_nothing_are_read() {
    let told = told();
    let messages = told.iter().filter(|it| {
        let is_other = ["stats", "explanation"].iter().any(|end| it.name.ends_with(end));
        it.name.starts_with("avrec/") && !is_other
    });
    let mut count = 0;
    for message in messages {
        // Of a group that may be absent all fields come or none; here all of them do.
        let whole = whole(message);
        for seed in 0..20 {
            let made = structure(&whole, &mut Random::new(seed), 0.0);
            let read = Message::try_from(made.as_ref());
            assert!(read.is_ok(), "{read:?}: {made}");
        }
        count += 1;
    }
    assert!(20 <= count, "{count}");
}

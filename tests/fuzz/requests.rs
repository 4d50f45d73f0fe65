// SPDX-License-Identifier: MPL-2.0

//! Requests to the page's server: real ones, and what becomes of them at random.

use gstavrec::random::Random;

/// Who sends them does not know the token of a program.
pub const REQUESTS: [&[u8]; 7] = [
    include_bytes!("seeds/request/metrics.http"),
    include_bytes!("seeds/request/page.http"),
    include_bytes!("seeds/request/streams.http"),
    include_bytes!("seeds/request/explain.http"),
    include_bytes!("seeds/request/events.http"),
    include_bytes!("seeds/request/control.http"),
    include_bytes!("seeds/request/chunked.http"),
];

/// One of these with one to five changes.
pub fn changed(random: &mut Random) -> Vec<u8> {
    let mut bytes = REQUESTS[random.whole(0, REQUESTS.len() - 1)].to_vec();
    for _ in 0..random.whole(1, 5) {
        let at = random.whole(0, bytes.len().max(1) - 1);
        match random.whole(0, 5) {
            0 if random.chance(0.2) => bytes.truncate(at),
            1 if !bytes.is_empty() => bytes[at] = random.whole(0, 255) as u8,
            2 if !bytes.is_empty() => _ = bytes.remove(at),
            3 if !bytes.is_empty() => bytes[at] ^= 1 << random.whole(0, 7),
            4 => bytes.insert(at.min(bytes.len()), b"\r\n\0:%/ 9\xff\x80"[random.whole(0, 9)]),
            _ => {
                let other = REQUESTS[random.whole(0, REQUESTS.len() - 1)];
                let from = random.whole(0, other.len() - 1);
                let part = &other[from..other.len().min(from + random.whole(1, 64))];
                let at = at.min(bytes.len());
                bytes.splice(at..at, part.iter().copied());
            }
        }
    }
    bytes
}

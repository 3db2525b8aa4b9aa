//! How much room a value takes where it is stored.

use std::io::{self, Write};

use serde::Serialize;

/// Counts what is written.
#[derive(Default)]
struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes of `value` as compact JSON.
#[must_use]
pub fn json(value: &impl Serialize) -> usize {
    let mut counter = Counter::default();
    // What has no JSON form is never stored.
    let _ = serde_json::to_writer(&mut counter, value);
    counter.0
}

//! Log lines in the server's form, to its sinks.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::Mutex;

use crate::conf::settings::Sink;
use crate::conf::table::LOG_LEVELS;
use crate::node::LogLine;

/// Where lines go. Levels may change while it is open.
pub struct Log {
    outputs: Mutex<Vec<Output>>,
}

enum Output {
    Console,
    File(String, File),
    Nowhere,
}

impl Log {
    /// Opens the sinks.
    ///
    /// # Errors
    ///
    /// The server's complaint about one that cannot be opened.
    pub fn open(sinks: &[Sink]) -> Result<Self, String> {
        let outputs = sinks
            .iter()
            .map(|sink| open(&sink.name))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            outputs: Mutex::new(outputs),
        })
    }

    /// Opens files again, after somebody moved them.
    pub fn roll(&self) {
        for output in self.outputs.lock().expect("no holder panics").iter_mut() {
            if let Output::File(path, file) = output
                && let Ok(Output::File(_, new)) = open(path)
            {
                *file = new;
            }
        }
    }

    /// Writes a line to the sinks that take it.
    pub fn write(&self, sinks: &[Sink], now: u64, line: &LogLine) {
        let text = format(now, line);
        let mut outputs = self.outputs.lock().expect("no holder panics");
        let takers = outputs
            .iter_mut()
            .zip(sinks)
            .filter(|(_, sink)| sink.takes(line.context, line.level));
        for (output, _) in takers {
            // a full disk must not stop the server
            let _ = match output {
                Output::Console => writeln!(std::io::stderr(), "{text}"),
                Output::File(_, file) => writeln!(file, "{text}"),
                Output::Nowhere => Ok(()),
            };
        }
    }
}

fn open(name: &str) -> Result<Output, String> {
    match name {
        "stderr" => Ok(Output::Console),
        "/dev/log" => Ok(Output::Nowhere),
        path => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.map(|file| Output::File(path.to_owned(), file))
                .map_err(|error| {
                    format!(
                        "can't open {path}: {} ({error})",
                        error.raw_os_error().unwrap_or_default()
                    )
                })
        }
    }
}

/// A line as the server writes it.
#[must_use]
pub fn format(now: u64, line: &LogLine) -> String {
    let level = LOG_LEVELS.get(line.level).unwrap_or(&"INFO");
    format!(
        "{} GMT: {level} ({}): {}",
        date(now / 1000),
        line.context,
        line.text
    )
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (mut year, mut day) = (1970, days);
    while day >= year_length(year) {
        day -= year_length(year);
        year += 1;
    }
    let mut month = 0;
    while day >= month_length(year, month) {
        day -= month_length(year, month);
        month += 1;
    }
    let name = MONTHS[usize::try_from(month).unwrap_or(0)];
    format!(
        "{name} {:02} {year} {:02}:{:02}:{:02}",
        day + 1,
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

fn year_length(year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    if leap { 366 } else { 365 }
}

fn month_length(year: u64, month: u64) -> u64 {
    match month {
        1 => year_length(year) - 337,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_servers_form() {
        let line = LogLine {
            level: 1,
            context: "hb",
            text: "something".to_owned(),
        };
        let text = "Feb 29 2024 12:00:01 GMT: WARNING (hb): something";
        assert_eq!(format(1_709_208_001_000, &line), text);
    }
}

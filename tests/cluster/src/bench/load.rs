//! The program that sends reviews as fast as they are answered, and what it prints.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::say;
use super::webhook::{Setup, on_core};
use crate::install::WEBHOOK;
use crate::{images, paths, run};

const BUILD: Duration = Duration::from_mins(30);
/// Name of the program.
const PROGRAM: &str = "review_load";
/// Kinds of review that a run sends one after another.
const KINDS: u64 = 3;

/// What a run found about one kind of review.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    /// The kind.
    pub kind: String,
    /// Answered in a second.
    pub per_second: f64,
    /// Half of the answers took no longer, in milliseconds.
    pub p50: f64,
    /// All answers but one in a hundred took no longer, in milliseconds.
    pub p99: f64,
}

/// How much is sent.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Connections, each with one review at a time.
    pub connections: usize,
    /// How long each kind of review is sent.
    pub seconds: u64,
    /// The core that sends, alone if one is named.
    pub core: Option<usize>,
}

/// Builds the program.
///
/// # Errors
/// What cargo said.
pub fn build() -> Result<PathBuf> {
    say("building the program that sends reviews");
    let mut cargo = run::command("cargo");
    cargo.current_dir(paths::checkout()).args([
        "bench",
        "--no-run",
        "--locked",
        "--quiet",
        "--package=aerospike-operator",
        "--message-format=json-render-diagnostics",
        "--bench",
        PROGRAM,
    ]);
    let programs = images::executables(&run::text(&mut cargo, BUILD)?);
    let program = programs.get(PROGRAM).cloned();
    program.with_context(|| format!("cargo built no program {PROGRAM}"))
}

/// Sends reviews of each kind for some seconds.
///
/// # Errors
/// If one was not answered.
pub fn run(program: &Path, to: &Setup, load: Load) -> Result<Vec<Rate>> {
    let Load {
        connections,
        seconds,
        core,
    } = load;
    let mut command = on_core(program, core);
    command
        .current_dir(paths::checkout())
        .arg(to.address.to_string())
        .arg("--ca")
        .arg(to.authority())
        .args(["--name", WEBHOOK, "--seconds", &seconds.to_string()])
        .args(["--clients", &connections.to_string()]);
    let within = Duration::from_secs(seconds * KINDS) + run::SHORT;
    parse(&run::text(&mut command, within)?)
}

fn parse(printed: &str) -> Result<Vec<Rate>> {
    let lines = printed.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| rate(line).with_context(|| format!("`{line}` is no rate of reviews")))
        .collect()
}

fn rate(line: &str) -> Option<Rate> {
    let (kind, rest) = line.split_once(": ")?;
    let mut parts = rest.split(", ");
    let mut number = |before: &str, after: &str| {
        let part = parts.next()?.strip_prefix(before)?;
        part.strip_suffix(after)?.parse().ok()
    };
    Some(Rate {
        kind: kind.to_owned(),
        per_second: number("", " reviews/s")?,
        p50: number("p50 ", " ms")?,
        p99: number("p99 ", " ms")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_prints_is_read() {
        let printed = "mutate: 2100 reviews/s, p50 3.61 ms, p99 5.02 ms\n\
                       validate update: 900 reviews/s, p50 8.00 ms, p99 12.50 ms\n";
        let rate = |kind: &str, per_second, p50, p99| Rate {
            kind: kind.into(),
            per_second,
            p50,
            p99,
        };
        let expected = [
            rate("mutate", 2100.0, 3.61, 5.02),
            rate("validate update", 900.0, 8.0, 12.5),
        ];
        assert_eq!(parse(printed).unwrap(), expected);
    }

    #[test]
    fn anything_else_is_refused() {
        for line in [
            "mutate",
            "mutate: 1 reviews/s",
            "mutate: x reviews/s, p50 1 ms, p99 1 ms",
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert_eq!(error, format!("`{line}` is no rate of reviews"));
        }
    }
}

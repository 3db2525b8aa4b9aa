//! Speed and memory of the operator, measured and written down in `BENCHMARKS.md`.

mod calls;
mod certificate;
mod clusters;
mod counters;
mod deploy;
mod load;
mod memory;
mod report;
mod reviews;
mod start;
mod surroundings;
mod webhook;

use std::cell::OnceCell;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;

use crate::{images, paths};
use report::{Outcome, Section};
use surroundings::Surroundings;

/// Each figure is taken so often.
const ROUNDS: usize = 5;

/// What can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// How long a process takes until it answers its first review.
    Start,
    /// How much memory is resident: webhooks alone, and with the controller in a test cluster.
    Memory,
    /// How many reviews one core answers, and how long the answers take.
    Reviews,
    /// How long three servers take to be ready, beside a bare `StatefulSet`; in a test cluster.
    Deploy,
    /// How many calls a pass makes that has nothing to do; in a test cluster.
    Calls,
}

/// Programs that are measured and that measure, where they are not built from this checkout.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    /// The operator.
    pub operator: Option<PathBuf>,
    /// What sends reviews.
    pub client: Option<PathBuf>,
}

/// The programs, each built when it is first needed.
struct Builds {
    operator: OnceCell<PathBuf>,
    client: OnceCell<PathBuf>,
}

impl Builds {
    fn new(programs: &Programs) -> Self {
        let given =
            |path: &Option<PathBuf>| path.clone().map_or_else(OnceCell::new, OnceCell::from);
        Self {
            operator: given(&programs.operator),
            client: given(&programs.client),
        }
    }

    fn operator(&self) -> Result<PathBuf> {
        built(&self.operator, || {
            images::build(images::Make::Shipped)?;
            images::operator_program(images::Make::Shipped)
        })
    }

    fn client(&self) -> Result<PathBuf> {
        built(&self.client, load::build)
    }
}

fn built(cell: &OnceCell<PathBuf>, build: impl FnOnce() -> Result<PathBuf>) -> Result<PathBuf> {
    if let Some(path) = cell.get() {
        return Ok(path.clone());
    }
    let path = build()?;
    Ok(cell.get_or_init(|| path).clone())
}

/// A section of the report, and the measurement that fills it.
struct Measurement {
    part: Part,
    title: &'static str,
    method: &'static str,
    measure: fn(&Builds) -> Result<Outcome>,
}

const MEASUREMENTS: [Measurement; 6] = [
    start::MEASUREMENT,
    memory::ALONE,
    reviews::MEASUREMENT,
    deploy::MEASUREMENT,
    memory::WHOLE,
    calls::MEASUREMENT,
];

/// Measures `parts`, or everything if there are none, and prints the report. That of everything is also written to
/// `BENCHMARKS.md`.
///
/// # Errors
/// If a part failed, after the others were measured.
pub fn run(parts: &[Part], programs: &Programs) -> Result<()> {
    let surroundings = Surroundings::look()?;
    let builds = Builds::new(programs);
    let wanted = |part: Part| parts.is_empty() || parts.contains(&part);
    let sections: Vec<_> = MEASUREMENTS
        .iter()
        .filter(|measurement| wanted(measurement.part))
        .map(|measurement| section(measurement, &builds))
        .collect();
    let text = report::render(&surroundings, &sections);
    print!("{text}");
    if parts.is_empty() {
        let path = paths::checkout().join("BENCHMARKS.md");
        fs::write(&path, &text).with_context(|| format!("{} not written", path.display()))?;
    }
    let failed: Vec<_> = sections.iter().filter_map(Section::failure).collect();
    ensure!(failed.is_empty(), "{}", failed.join("; "));
    Ok(())
}

fn section(measurement: &Measurement, builds: &Builds) -> Section {
    say(&format!("measuring: {}", measurement.title));
    let outcome =
        (measurement.measure)(builds).unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
    Section {
        title: measurement.title,
        method: measurement.method,
        outcome,
    }
}

/// Tells the person who waits what happens now.
fn say(what: &str) {
    eprintln!("bench: {what}");
}

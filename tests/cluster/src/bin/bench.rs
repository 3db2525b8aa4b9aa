//! Command line: measures speed and memory. Without a part, measures all and writes `BENCHMARKS.md`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cluster::bench::{self, Part, Programs};

/// Measures speed and memory. All parts together are written to BENCHMARKS.md, some parts are only printed.
/// All parts take about a quarter of an hour once everything is built.
#[derive(Parser)]
struct Arguments {
    /// What to measure; everything if nothing is named
    parts: Vec<Part>,
    /// The operator's program, instead of a static release build of this checkout
    #[arg(long)]
    program: Option<PathBuf>,
    /// The program that sends reviews, instead of a release build of this checkout
    #[arg(long)]
    client: Option<PathBuf>,
}

fn main() -> ExitCode {
    if let Some(code) = cluster::volumes::serve_if_asked() {
        return code;
    }
    let arguments = Arguments::parse();
    let programs = Programs {
        operator: arguments.program,
        client: arguments.client,
    };
    match bench::run(&arguments.parts, &programs) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

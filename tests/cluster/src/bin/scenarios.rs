//! Runs the scenarios on a real Kubernetes: all of them, those whose names hold the first argument, or with `--always`
//! the few that every change is tested with.

use std::process::ExitCode;

use cluster::scenarios::Choice;

fn main() -> ExitCode {
    if let Some(code) = cluster::volumes::serve_if_asked() {
        return code;
    }
    let argument = std::env::args().nth(1).unwrap_or_default();
    let choice = match argument.as_str() {
        "--always" => Choice::Always,
        text => Choice::Named(text),
    };
    if cluster::scenarios::run(choice) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

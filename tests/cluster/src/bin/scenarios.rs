//! Runs the scenarios on a real Kubernetes: all of them, or those whose names hold the first argument.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = cluster::volumes::serve_if_asked() {
        return code;
    }
    let filter = std::env::args().nth(1).unwrap_or_default();
    if cluster::scenarios::run(&filter) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

//! From the start of the process to the first review that it answers.

use std::time::Instant;

use anyhow::Result;

use super::report::{Figure, Outcome};
use super::webhook::Setup;
use super::{Builds, Measurement, Part, ROUNDS};

/// What is measured, and how.
pub const MEASUREMENT: Measurement = Measurement {
    part: Part::Start,
    title: "Start",
    method: "`aerospike-operator run --webhook-only` (static release build) is started with a certificate that it has \
             not seen. A client that was there before connects in a tight loop, shakes hands and sends one validating \
             review of `tls_cluster_cr.yaml`. Its file is in the \
             page cache. The time goes from before the start of the process to the last byte of \
             the answer.",
    measure,
};

fn measure(builds: &Builds) -> Result<Outcome> {
    let program = builds.operator()?;
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        let setup = Setup::new()?;
        let began = Instant::now();
        let _webhook = setup.start(&program, None)?;
        setup.client.ask_until_answered(setup.address)?;
        took.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let figure = Figure::new("process start → first review answered", "ms", took);
    Ok(Outcome::Measured(
        vec![figure.aim("≤ 25").ako("55")],
        vec![],
    ))
}

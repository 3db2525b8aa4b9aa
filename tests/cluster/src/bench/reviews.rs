//! How many reviews one core answers, and how long the answers take.

use std::thread;

use anyhow::Result;

use super::load::{self, Rate};
use super::report::{Figure, Outcome};
use super::webhook::Setup;
use super::{Builds, Measurement, Part, ROUNDS};

/// How long each kind of review is sent.
const SECONDS: u64 = 5;
/// The server's core, and the client's.
const CORES: [usize; 2] = [0, 1];

/// What is measured, and how.
pub const MEASUREMENT: Measurement = Measurement {
    part: Part::Reviews,
    title: "Reviews",
    method: "`aerospike-operator run --webhook-only` on core 0 and `benches/review_load.rs` on core 1 (`taskset`): eight \
             connections (TLS 1.3, HTTP/1.1, kept alive), each with one review at a time of `tls_cluster_cr.yaml`, 5 s \
             of each kind. A new process each round. Latency is the client's, so it holds the waiting behind the seven \
             others.",
    measure,
};

/// A kind of review, and AKO's rate and latency of it.
const KINDS: [(&str, &str, &str); 3] = [
    ("mutate", "620", "19"),
    ("validate create", "89", "19"),
    ("validate update", "75", "19"),
];

fn measure(builds: &Builds) -> Result<Outcome> {
    if thread::available_parallelism()?.get() < CORES.len() {
        return Ok(Outcome::Skipped("it needs two cores".into()));
    }
    let (program, client) = (builds.operator()?, builds.client()?);
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let setup = Setup::new()?;
        let _webhook = setup.start(&program, Some(CORES[0]))?;
        setup.client.ask_until_answered(setup.address)?;
        rates.extend(load::run(&client, &setup, SECONDS, Some(CORES[1]))?);
    }
    let note = "AKO's p99 of 19 ms is known without the kind of review and the number of connections, so it stands beside all.";
    Ok(Outcome::Measured(figures(&rates), vec![note.into()]))
}

fn figures(rates: &[Rate]) -> Vec<Figure> {
    let of = |(kind, rate, p99): (&str, &'static str, &'static str)| {
        let values = |value: fn(&Rate) -> f64| {
            let rates = rates.iter().filter(|rate| rate.kind == kind);
            rates.map(value).collect()
        };
        [
            Figure::new(kind, "reviews/s", values(|rate| rate.per_second)).ako(rate),
            Figure::new(format!("{kind}, p50"), "ms", values(|rate| rate.p50)),
            Figure::new(format!("{kind}, p99"), "ms", values(|rate| rate.p99)).ako(p99),
        ]
    };
    KINDS.into_iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_figures_of_all_rounds() {
        let rate = |per_second| Rate {
            kind: "mutate".into(),
            per_second,
            p50: 1.0,
            p99: 2.0,
        };
        let figures = figures(&[rate(10.0), rate(20.0)]);
        assert_eq!(figures.len(), 9);
        assert_eq!(
            figures[0],
            Figure::new("mutate", "reviews/s", vec![10.0, 20.0]).ako("620")
        );
        assert_eq!(figures[3].values, Vec::<f64>::new());
    }
}

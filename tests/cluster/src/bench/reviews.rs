//! How many reviews one core answers, and how long the answers take.

use std::thread;

use anyhow::Result;

use super::load::{self, Load, Rate};
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
    method: "`aerospike-operator run --webhook-only` on core 0 and `benches/review_load.rs` on core 1 (`taskset`), TLS 1.3, \
             HTTP/1.1, kept alive, reviews of `tls_cluster_cr.yaml`, 5 s of each kind. A new process each round. Rates are \
             those of eight connections with one review at a time each, so that the server never waits. Latency is the \
             client's, at one connection: from before a review is sent to the last byte of the answer, with nobody before it.",
    measure,
};

/// A kind of review, the rate that we aim at, and AKO's.
const KINDS: [(&str, &str, &str); 3] = [
    ("mutate", "≥ 5000", "620"),
    ("validate create", "≥ 4000", "89"),
    ("validate update", "≥ 3000", "75"),
];
/// AKO's p99.
const AKO_P99: &str = "19";

fn measure(builds: &Builds) -> Result<Outcome> {
    if thread::available_parallelism()?.get() < CORES.len() {
        return Ok(Outcome::Skipped("it needs two cores".into()));
    }
    let (program, client) = (builds.operator()?, builds.client()?);
    let (mut busy, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let setup = Setup::new()?;
        let _webhook = setup.start(&program, Some(CORES[0]))?;
        setup.client.ask_until_answered(setup.address)?;
        for (connections, rates) in [(8, &mut busy), (1, &mut alone)] {
            rates.extend(load::run(
                &client,
                &setup,
                Load {
                    connections,
                    seconds: SECONDS,
                    core: Some(CORES[1]),
                },
            )?);
        }
    }
    let note = "AKO's p99 of 19 ms is known without the kind of review and the number of connections, so it stands beside all.";
    Ok(Outcome::Measured(figures(&busy, &alone), vec![note.into()]))
}

/// Rates of a server that has enough to do, latencies of one that has nothing else to do.
fn figures(busy: &[Rate], alone: &[Rate]) -> Vec<Figure> {
    let of = |(kind, aim, ako): (&str, &'static str, &'static str)| {
        let values = |rates: &[Rate], value: fn(&Rate) -> f64| {
            let rates = rates.iter().filter(|rate| rate.kind == kind);
            rates.map(value).collect()
        };
        let named = |what: &str| format!("{kind}, {what} at one connection");
        [
            Figure::new(kind, "reviews/s", values(busy, |rate| rate.per_second))
                .aim(aim)
                .ako(ako),
            Figure::new(named("p50"), "ms", values(alone, |rate| rate.p50)).aim("≤ 0.4"),
            Figure::new(named("p99"), "ms", values(alone, |rate| rate.p99))
                .aim("≤ 1")
                .ako(AKO_P99),
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
        let figures = figures(&[rate(10.0), rate(20.0)], &[rate(5.0)]);
        assert_eq!(figures.len(), 9);
        assert_eq!(
            figures[0],
            Figure::new("mutate", "reviews/s", vec![10.0, 20.0])
                .aim("≥ 5000")
                .ako("620")
        );
        assert_eq!(figures[1].values, [1.0]);
        assert_eq!(figures[3].values, Vec::<f64>::new());
    }
}

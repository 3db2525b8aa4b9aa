//! How much memory is resident.

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::clusters::{self, Settled};
use super::load::{self, Load};
use super::report::{Figure, Outcome};
use super::webhook::{Setup, Webhook, resident};
use super::{Builds, Measurement, Part, ROUNDS};
use crate::{Cluster, operators};

/// A process at rest is looked at so long after it was busy.
const REST: Duration = Duration::from_secs(5);
/// So many reviews are a day's work.
const REVIEWS: f64 = 20_000.0;
/// After so many memory that leaks would be seen.
const MANY_REVIEWS: f64 = 1_000_000.0;

/// The webhooks alone.
pub const ALONE: Measurement = Measurement {
    part: Part::Memory,
    title: "Memory of the webhooks",
    method: "`VmRSS` of `aerospike-operator run --webhook-only`: 5 s after its first answer, and 5 s after at least \
             20,000 reviews (mutating, validating a create, validating an update; eight connections), counted by the \
             process itself. A new process each round; that of the last round goes on to 1,000,000 reviews, and is looked \
             at again. 1 MB is 1,000,000 bytes.",
    measure: alone,
};

/// Webhooks and controller.
pub const WHOLE: Measurement = Measurement {
    part: Part::Memory,
    title: "Memory of the whole process",
    method: "`VmRSS` of the operator's processes in the test cluster, controller included, while the clusters there are \
             settled: of the replica that leads and runs them, and of the one that waits for the lease.",
    measure: |_: &Builds| clusters::with_operator(whole),
};

fn alone(builds: &Builds) -> Result<Outcome> {
    let (program, client) = (builds.operator()?, builds.client()?);
    let (mut idle, mut after, mut flat) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let setup = Setup::new()?;
        let webhook = setup.start(&program, None)?;
        setup.client.ask_until_answered(setup.address)?;
        thread::sleep(REST);
        idle.push(webhook.resident()?);
        let after_day = after_reviews(&webhook, REVIEWS, &client, &setup, 1)?;
        after.push(after_day);
        if round + 1 == ROUNDS {
            let after_years = after_reviews(&webhook, MANY_REVIEWS, &client, &setup, 10)?;
            flat.push(after_years - after_day);
        }
    }
    let figures = vec![
        Figure::new("idle", "MB", idle).aim("≤ 20").ako("68"),
        Figure::new("after 20,000 reviews", "MB", after).ako("84"),
        Figure::new("growth from there to 1,000,000 reviews", "MB", flat).aim("≤ 1"),
    ];
    Ok(Outcome::Measured(figures, vec![]))
}

/// What is resident at rest, once `webhook` has answered so many reviews.
fn after_reviews(
    webhook: &Webhook,
    reviews: f64,
    client: &Path,
    setup: &Setup,
    seconds: u64,
) -> Result<f64> {
    let load = Load {
        connections: 8,
        seconds,
        core: None,
    };
    while webhook.reviews()? < reviews {
        load::run(client, setup, load)?;
    }
    thread::sleep(REST);
    webhook.resident()
}

fn whole(cluster: &Cluster) -> Result<Outcome> {
    let settled = Settled::ensure(cluster)?;
    let (mut leading, mut waiting) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        thread::sleep(REST);
        let leader = operators::leader(cluster)?;
        for (pod, pid) in operators::processes()? {
            let values = if pod == leader {
                &mut leading
            } else {
                &mut waiting
            };
            values.push(resident(pid)?);
        }
    }
    ensure!(
        leading.len() == ROUNDS,
        "the leader's process is not on this machine"
    );
    let figures = vec![
        Figure::new("the replica that leads", "MB", leading),
        Figure::new("a replica that waits", "MB", waiting),
    ];
    Ok(Outcome::Measured(figures, vec![settled.note()]))
}

//! More pods, whatever happens to the operator meanwhile; and fewer.

use std::collections::BTreeMap;
use std::env;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::healing::pods;
use super::samples::keys;
use super::servers;
use super::snapshot::{difference, normalised};
use super::stage::{Stage, eventually};
use crate::{Cluster, install, operators};

/// How often the operator is killed during a scale-up.
const KILLS: usize = 5;
/// The longest that a new leader lives before it is killed too.
const LONGEST_LIFE: u64 = 1500;
/// A lease lasts 15 s; then another takes it.
const LED_WITHIN: Duration = Duration::from_secs(40);

/// From three to six, with the leading operator deleted again and again, and once without for comparison.
///
/// # Errors
/// What differs from the undisturbed scale-up.
pub fn a_scale_up_survives_the_operators_death(stage: &Stage) -> Result<()> {
    let undisturbed = stage.another("calm")?;
    let ended = scale_both(stage, &undisturbed);
    undisturbed.strike();
    ended
}

fn scale_both(stage: &Stage, undisturbed: &Stage) -> Result<()> {
    undisturbed.cluster_of(3)?;
    scale(undisturbed)?;
    undisturbed.wait_until_ready(6)?;

    stage.cluster_of(3)?;
    let before = pods(stage)?;
    scale(stage)?;
    let seed = seed();
    kill_leaders(&stage.cluster, seed).with_context(|| format!("SCENARIO_SEED={seed}"))?;
    stage.wait_until_ready(6)?;
    ensure_six(stage, &before).with_context(|| format!("SCENARIO_SEED={seed}"))?;
    let difference = difference(&normalised(undisturbed)?, &normalised(stage)?);
    ensure!(
        difference.is_none(),
        "the objects differ from those of an undisturbed scale-up (SCENARIO_SEED={seed}):\n{}",
        difference.unwrap_or_default()
    );
    install::wait_for_operator(&stage.cluster)
}

fn scale(stage: &Stage) -> Result<()> {
    stage.patch(&json!({"spec": {"size": 6}})).map(drop)
}

fn ensure_six(stage: &Stage, before: &BTreeMap<String, (String, i64)>) -> Result<()> {
    let after = pods(stage)?;
    ensure!(
        after.len() == 6,
        "there are {} pods instead of 6",
        after.len()
    );
    for (pod, facts) in before {
        ensure!(
            after.get(pod) == Some(facts),
            "{pod} was restarted or replaced"
        );
    }
    let restarted = after.iter().find(|(_, (_, restarts))| *restarts > 0);
    ensure!(restarted.is_none(), "restarted: {restarted:?}");
    let servers = servers::ask(stage, 6, &["statistics"])?;
    ensure!(
        keys(&servers).len() == 1,
        "the servers form more than one cluster"
    );
    let alone = servers.iter().find(|(_, answers)| {
        let statistics = answers.get("statistics").map_or("", String::as_str);
        servers::pairs(statistics).get("cluster_size") != Some(&"6")
    });
    ensure!(
        alone.is_none(),
        "a server does not see all six: {:?}",
        alone.map(|(name, _)| name)
    );
    Ok(())
}

/// Deletes the leading operator some times, each after a while that follows from the seed.
///
/// # Errors
/// If none leads.
pub fn kill_leaders(cluster: &Cluster, seed: u64) -> Result<()> {
    let mut moments = Moments(seed);
    let mut killed = Vec::new();
    for _ in 0..KILLS {
        let leader = eventually("an operator leads that was not killed", LED_WITHIN, || {
            let leader = operators::leader(cluster)?;
            ensure!(
                !killed.contains(&leader),
                "the lease is held by {leader}, which was killed"
            );
            Ok(leader)
        })?;
        thread::sleep(moments.next(LONGEST_LIFE));
        let pod = format!("pod/{leader}");
        install::text(
            cluster,
            &[
                "delete",
                &pod,
                "-n",
                install::NAMESPACE,
                "--force",
                "--grace-period=0",
            ],
        )?;
        killed.push(leader);
    }
    Ok(())
}

/// The seed that was given, else another one each time.
pub fn seed() -> u64 {
    let given = env::var("SCENARIO_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    given.unwrap_or_else(|| now.map_or(1, |now| u64::from(now.subsec_nanos())))
}

/// Random moments that a seed repeats.
struct Moments(u64);

impl Moments {
    /// Up to so many milliseconds.
    fn next(&mut self, milliseconds: u64) -> Duration {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis((self.0 >> 33) % milliseconds)
    }
}

/// A smaller size takes the highest pod, and no other is touched.
///
/// # Errors
/// What went too far, or was left behind.
pub fn a_scale_down_takes_the_highest_pod(stage: &Stage) -> Result<()> {
    stage.cluster_of(3)?;
    let mut expected = pods(stage)?;
    expected.pop_last();
    stage.patch(&json!({"spec": {"size": 2}}))?;
    stage.wait_until_ready(2)?;
    ensure!(
        pods(stage)? == expected,
        "a pod that stays was restarted or replaced, or one that goes is there"
    );
    let servers = servers::ask(stage, 2, &["statistics", "namespace/test"])?;
    ensure!(
        keys(&servers).len() == 1,
        "the servers do not form one cluster"
    );
    let left_behind = |answers: &BTreeMap<String, String>| {
        let says = answers.get("namespace/test").map_or("", String::as_str);
        servers::pairs(says).get("pending_quiesce") != Some(&"false")
    };
    ensure!(
        !servers.values().any(left_behind),
        "a server that stays is quiesced"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_moments() {
        let moments = |seed| {
            let mut moments = Moments(seed);
            [(); 5].map(|()| moments.next(LONGEST_LIFE))
        };
        assert_eq!(moments(7), moments(7));
        assert_ne!(moments(7), moments(8));
    }
}

//! What is said about an update as a change. It is asked about twice: against what was asked for before, and against what
//! was last rolled out. The controller asks only the second question, on every pass: what it would refuse is refused
//! here, or an object would be accepted and then stand still.

use std::collections::HashSet;

use crate::{
    admission::{Proposal, Verdict, identity, rules, rules::Change, subject::Subject},
    api::{AerospikeCluster, status::Mirror},
    finding::Finding,
    resolve::effective,
};

/// Judges the change that leads to `new`, whatever else may be wrong with it.
pub(super) fn judge(proposal: &Proposal<'_>, new: &Subject<'_>) -> Verdict {
    let Some(old) = proposal.old else {
        return Verdict::default();
    };
    let before = effective(old, proposal.settings);
    let old = proposal.subject(old, &before);
    let mirror = new.status.map(|status| &status.mirror);
    if mirror.is_some_and(|mirror| mirror.stands_for(&before.spec)) {
        return settled(&Change {
            old: &old,
            new,
            rolled_out: Some(&old),
        });
    }
    let Some(running) = mirror.and_then(|mirror| rolled_out(mirror, proposal.new)) else {
        return settled(&Change {
            old: &old,
            new,
            rolled_out: None,
        });
    };
    let in_force = effective(&running, proposal.settings);
    let running = Subject {
        status: new.status,
        ..proposal.subject(&running, &in_force)
    };
    on_the_way(&Change {
        old: &old,
        new,
        rolled_out: Some(&running),
    })
}

/// The object of which `mirror` is the mirror, under the name of `cluster`.
fn rolled_out(mirror: &Mirror, cluster: &AerospikeCluster) -> Option<AerospikeCluster> {
    Some(AerospikeCluster {
        metadata: cluster.metadata.clone(),
        spec: mirror.spec()?,
        status: None,
    })
}

fn settled(change: &Change<'_>) -> Verdict {
    Verdict {
        findings: rules::changes(change),
        warnings: rules::advice_on_change(change),
    }
}

/// The change before this one is not rolled out yet.
fn on_the_way(change: &Change<'_>) -> Verdict {
    let mut verdict = settled(change);
    let Some(old) = change.rolled_out else {
        return verdict;
    };
    let known: HashSet<_> = verdict.findings.iter().map(identity).collect();
    let more = rules::changes(&Change { old, ..*change });
    let more = more
        .into_iter()
        .filter(|one| !known.contains(&identity(one)));
    verdict.findings.extend(more.map(not_before_completed));
    verdict
}

fn not_before_completed(finding: Finding) -> Finding {
    let message = format!(
        "{} (compared with what runs: the change before this one is not rolled out yet; wait until status.phase is \
         Completed, or undo that one)",
        finding.message
    );
    Finding { message, ..finding }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

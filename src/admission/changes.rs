//! What is said about an update as a change. It is asked about twice: against what was asked for before, and against what
//! was last rolled out. The controller asks only the second question, on every pass: what it would refuse is refused
//! here, or an object would be accepted and then stand still.

use std::collections::HashSet;

use crate::{
    admission::{
        Proposal, Verdict, cluster::size::expands_too_far, identity, rules, rules::Change,
        subject::Subject,
    },
    finding::Finding,
    resolve::effective,
};

/// Judges the change that leads to `new`, whatever else may be wrong with it.
pub(super) fn judge(proposal: &Proposal<'_>, old: &Subject<'_>, new: &Subject<'_>) -> Verdict {
    let status = proposal.new.status.as_ref();
    if status.is_some_and(|status| status.mirror.stands_for(old.spec)) {
        let rolled_out = Some(old);
        return judged(&Change {
            old,
            new,
            rolled_out,
        });
    }
    let running = proposal.new.rolled_out();
    let Some(running) = running.filter(|running| expands_too_far(&running.spec).is_none()) else {
        return judged(&Change {
            old,
            new,
            rolled_out: None,
        });
    };
    let in_force = effective(&running, proposal.settings);
    let running = proposal.subject(&running, &in_force);
    on_the_way(old, &running, new)
}

fn judged(change: &Change<'_>) -> Verdict {
    Verdict {
        findings: rules::changes(change),
        warnings: rules::change_advice(change),
    }
}

/// The change before this one, to `old`, is not rolled out yet: `running` is.
fn on_the_way(old: &Subject<'_>, running: &Subject<'_>, new: &Subject<'_>) -> Verdict {
    let from = |old| Change {
        old,
        new,
        rolled_out: Some(running),
    };
    let mut verdict = judged(&from(old));
    let more = rules::changes(&from(running));
    if more.is_empty() {
        return verdict;
    }
    let standing = rules::changes(&Change {
        old: running,
        new: old,
        rolled_out: Some(running),
    });
    // What stands between the spec of before and what runs is not mended by refusing another edit.
    let known = verdict.findings.iter().chain(&standing);
    let known: HashSet<_> = known.map(identity).collect();
    let more = more.into_iter();
    let more = more.filter(|finding| !known.contains(&identity(finding)));
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

//! Admission: which objects are accepted, and everything that is to be said about those that are not. Pure: the webhook,
//! the controller and the offline check ask the same questions.

mod changes;
pub mod cluster;
pub mod defaults;
pub mod denial;
pub mod eviction;
mod outlook;
pub mod review;
pub mod rules;
pub mod scale;
pub mod subject;
pub mod volumes;
pub mod wire;

use std::collections::HashSet;

use crate::{
    api::AerospikeCluster,
    finding::{Finding, Warning},
    resolve::{self, Effective, Settings, effective},
};
use cluster::size;
pub use review::{judge, mutate, validate};
pub use rules::{Change, Operation};
pub use subject::Subject;
pub use wire::{Answer, BadReview, Outcome, Webhook};

/// An object that is to be judged, and what it replaces.
#[derive(Clone, Copy, Debug)]
pub struct Proposal<'a> {
    /// What is done with it.
    pub operation: Operation,
    /// The object as it shall be.
    pub new: &'a AerospikeCluster,
    /// The object as it is; for the controller, the last one that was rolled out.
    pub old: Option<&'a AerospikeCluster>,
    /// What the installation contributes.
    pub settings: &'a Settings,
}

/// What is said about an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why it is refused, in the order of the document; empty if it is accepted.
    pub findings: Vec<Finding>,
    /// What is accepted but unwise.
    pub warnings: Vec<Warning>,
}

impl Verdict {
    /// Whether the object is accepted.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Judges a cluster by every rule.
///
/// What was wrong before, at the same place, is no reason to refuse another change: it becomes a warning. Rules about
/// the change itself always hold.
#[must_use]
pub fn check(proposal: &Proposal<'_>) -> Verdict {
    judged(proposal).0
}

/// Judges a cluster as [`check`] does, and says what an accepted edit does to the pods that run.
#[must_use]
pub fn answer(proposal: &Proposal<'_>) -> Verdict {
    let (mut verdict, worked_out) = judged(proposal);
    if let Some((new, Some(old))) = worked_out.filter(|_| verdict.is_accepted()) {
        let told = outlook::warnings(old, new, proposal.settings);
        verdict.warnings.extend(told);
    }
    verdict
}

/// A cluster, and its spec with everything effective.
type WorkedOut<'a> = (&'a AerospikeCluster, Effective);

/// The verdict, and what was worked out for it of the new cluster and of the old one; nothing where it is too big.
fn judged<'a>(
    proposal: &Proposal<'a>,
) -> (Verdict, Option<(WorkedOut<'a>, Option<WorkedOut<'a>>)>) {
    let spec = &proposal.new.spec;
    let too_big = size::expands_too_far(spec).or_else(|| size::has_too_many_containers(spec));
    if let Some(finding) = too_big {
        let verdict = Verdict {
            findings: vec![finding],
            warnings: Vec::new(),
        };
        return (verdict, None);
    }
    let worked_out = |cluster| (cluster, effective(cluster, proposal.settings));
    let (new, before) = (worked_out(proposal.new), proposal.old().map(worked_out));
    let findings = proposal.findings(&new);
    let (known, mut findings) = proposal.sift(findings, before.as_ref());
    let subject = proposal.subject(new.0, &new.1);
    let mut warnings = resolve::warnings(&new.1.spec, proposal.settings);
    warnings.extend(rules::advice(&subject));
    if let Some((old, before)) = &before {
        let changes = changes::judge(proposal, &proposal.subject(old, before), &subject);
        findings.extend(changes.findings);
        warnings.extend(changes.warnings);
    }
    warnings.extend(in_document_order(known).into_iter().map(accepted_before));
    let verdict = Verdict {
        findings: in_document_order(findings),
        warnings,
    };
    (verdict, Some((new, before)))
}

impl<'a> Proposal<'a> {
    /// What every pass of the controller asks: whether `cluster` may be rolled out over `rolled_out`, what was before.
    ///
    /// What nobody has edited yet is judged as new; an edit that was accepted before the first roll-out must not be
    /// judged again by rules for new objects.
    #[must_use]
    pub fn to_roll_out(
        cluster: &'a AerospikeCluster,
        rolled_out: Option<&'a AerospikeCluster>,
        settings: &'a Settings,
    ) -> Self {
        let edited = cluster
            .metadata
            .generation
            .is_some_and(|generation| generation > 1);
        let operation = if edited || rolled_out.is_some() {
            Operation::Update
        } else {
            Operation::Create
        };
        Self {
            operation,
            new: cluster,
            old: rolled_out,
            settings,
        }
    }

    fn subject<'b>(&self, cluster: &'b AerospikeCluster, effective: &'b Effective) -> Subject<'b>
    where
        'a: 'b,
    {
        Subject {
            operation: self.operation,
            name: cluster.metadata.name.as_deref().unwrap_or_default(),
            namespace: cluster.metadata.namespace.as_deref().unwrap_or_default(),
            spec: &effective.spec,
            status: cluster.status.as_ref(),
            settings: self.settings,
        }
    }

    /// What is replaced, unless it is so big that nothing can be compared with it.
    fn old(&self) -> Option<&'a AerospikeCluster> {
        let old = self.old?;
        size::expands_too_far(&old.spec).is_none().then_some(old)
    }

    /// What is wrong with the object itself.
    fn findings(&self, (cluster, effective): &WorkedOut<'_>) -> Vec<Finding> {
        let mut findings = rules::findings(&self.subject(cluster, effective));
        let has_image = !effective.spec.image.is_empty();
        let problems = resolve::problems(effective).into_iter();
        findings.extend(problems.filter(|problem| has_image || problem.code != "IMG-03"));
        findings
    }

    /// Parts what was wrong before from what is new.
    fn sift(
        &self,
        findings: Vec<Finding>,
        before: Option<&WorkedOut<'_>>,
    ) -> (Vec<Finding>, Vec<Finding>) {
        let known: HashSet<_> = match before {
            Some(before) if !findings.is_empty() => {
                self.findings(before).iter().map(identity).collect()
            }
            _ => HashSet::new(),
        };
        findings
            .into_iter()
            .partition(|finding| known.contains(&identity(finding)))
    }
}

/// The code of what does not fit the table of parameters.
const BY_THE_TABLE: &str = "SCH-04";

/// By which a finding of an old object is known again in a new one.
fn identity(finding: &Finding) -> (&'static str, String) {
    (finding.code, finding.path.identity())
}

fn accepted_before(finding: Finding) -> Warning {
    Warning {
        code: finding.code,
        path: finding.path,
        message: format!("accepted because it was so before: {}", finding.message),
    }
}

fn in_document_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    leave_out_what_a_rule_says_better(&mut findings);
    findings.sort_by(|a, b| (&a.path, a.code).cmp(&(&b.path, b.code)));
    findings.dedup_by(|a, b| a.path == b.path && a.code == b.code);
    findings
}

/// Where a rule of its own speaks, the parameter table has nothing to add.
fn leave_out_what_a_rule_says_better(findings: &mut Vec<Finding>) {
    if !findings.iter().any(|finding| finding.code == BY_THE_TABLE) {
        return;
    }
    let told = |finding: &&Finding| finding.code != BY_THE_TABLE;
    let told: HashSet<_> = findings
        .iter()
        .filter(told)
        .map(|finding| finding.path.clone())
        .collect();
    findings.retain(|finding| finding.code != BY_THE_TABLE || !told.contains(&finding.path));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::admission::cluster::testing::{cluster, created, updated};

    #[test]
    fn an_old_mistake_is_known_again_by_key_and_not_by_position() {
        let racks = |racks: serde_json::Value| cluster(&json!({"rackConfig": {"racks": racks}}));
        let old = racks(json!([{"id": 1, "revision": "V1"}, {"id": 2}]));
        let moved = racks(json!([{"id": 2}, {"id": 1, "revision": "V1"}]));
        let other = racks(json!([{"id": 1, "revision": "V1"}, {"id": 2, "revision": "V1"}]));
        assert_eq!(updated(&old, &moved), [""; 0]);
        assert_eq!(
            updated(&old, &other),
            ["RACK-04 spec.rackConfig.racks[1].revision"]
        );
    }

    #[test]
    fn what_cannot_be_resolved_is_refused_at_its_place() {
        let both = json!({"emptyDir": {}, "configMap": {"name": "m"}});
        let volumes = json!({"storage": {"volumes": [{"name": "a", "aerospike": {"path": "/a"}},
            {"name": "b", "aerospike": {"path": "/b"}, "source": both}]}});
        assert_eq!(
            created(&cluster(&volumes)),
            [
                "STO-04 spec.storage.volumes[0].source",
                "STO-05 spec.storage.volumes[1].source",
            ]
        );
        let reserved = json!({"rackConfig": {"racks": [{"id": 0}, {"id": 1}]}});
        assert_eq!(
            created(&cluster(&reserved)),
            ["DEF-06 spec.rackConfig.racks[0].id"]
        );
    }

    #[test]
    fn a_warning_is_given_once() {
        let bad = json!({"storage": {"volumes": [{"name": "a", "aerospike": {"path": "/a"}}]},
            "rackConfig": {"racks": [{"id": 1}, {"id": 2}, {"id": 3}]}});
        let (old, mut new) = (cluster(&bad), cluster(&bad));
        new.spec.size = 3;
        let verdict = check(&Proposal {
            operation: Operation::Update,
            new: &new,
            old: Some(&old),
            settings: &Settings::default(),
        });
        let codes: Vec<_> = verdict.warnings.iter().map(|w| w.code).collect();
        assert_eq!((verdict.is_accepted(), codes), (true, vec!["STO-04"]));
    }
}

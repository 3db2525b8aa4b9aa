//! Passes of the controller over the world, with what must hold at every moment.

use std::{collections::BTreeMap, mem};

use super::{World, orders::stopped_by};
use crate::{
    api::{AerospikeClusterStatus, status::Phase},
    plan::{
        self, Observed, Plan, Resize, Step, WaitReason,
        objects::{self, Objects},
        scale_down::call_back,
        status,
    },
    resources::names,
};

/// What decides about objects.
#[derive(Clone, Debug, PartialEq)]
pub struct Basis {
    generation: i64,
    may_read_nodes: bool,
    objects: Objects,
    /// Of pods and claims.
    names: Vec<String>,
    returning: Option<(String, Resize)>,
}

/// Passes within which a world without mishaps must be settled.
const ENOUGH: usize = 250;

impl World {
    /// One pass; it may die after any of its effects.
    pub fn pass(&mut self) -> Plan {
        let observed = self.observe();
        let plan = self.plan(&observed);
        self.assert_sane(&plan);
        if self.execute(&plan) {
            let status = self.status_after(&observed, &plan);
            self.write_status(status);
        }
        plan
    }

    /// The next plan. What is due to the objects is worked out once for the same objects, and now and then again, which
    /// must give the same.
    fn plan(&mut self, observed: &Observed) -> Plan {
        let basis = self.basis(observed);
        let known = self.kept.take().filter(|(known, _)| *known == basis);
        let kept = match known {
            Some((_, kept)) if self.now / 100 % 16 != 0 => kept,
            known => {
                let kept = objects::keep(&self.desired, observed);
                assert!(known.is_none_or(|(_, known)| known == kept));
                kept
            }
        };
        self.kept = Some((basis, kept.clone()));
        plan::behind(kept, &self.desired, observed)
    }

    /// All that decides about objects.
    fn basis(&self, observed: &Observed) -> Basis {
        let claims = observed.claims.iter().map(|claim| &claim.name);
        let names = observed.pods.keys().chain(claims);
        Basis {
            generation: self.generation,
            may_read_nodes: observed.may_read_nodes,
            objects: observed.objects.clone(),
            names: names.cloned().collect(),
            returning: call_back::returning(&self.desired, observed),
        }
    }

    fn status_after(&self, observed: &Observed, plan: &Plan) -> AerospikeClusterStatus {
        status::after_pass(&self.desired, observed, plan, Some(self.generation))
    }

    /// False if the controller died on the way.
    fn execute(&mut self, plan: &Plan) -> bool {
        let before = self.replicas();
        for effect in &plan.upkeep {
            if self.dice.roll(16) == 15 {
                return false;
            }
            if self.dice.roll(16) == 15 {
                self.settle();
            }
            if self.carry_out(effect).is_err() {
                return !mem::take(&mut self.died);
            }
            self.assert_no_harm();
            assert_eq!(
                self.replicas_of(&before),
                before,
                "{effect:?} changes replicas"
            );
        }
        if let Some(step) = &plan.step {
            match self.dice.roll(12) {
                11 => return false,
                10 => self.settle_with_in_hand(step),
                _ => {}
            }
            // A refusal is found out in the next pass.
            let _ = self.take(step);
            self.assert_no_harm();
            if mem::take(&mut self.died) {
                return false;
            }
        }
        self.dice.roll(12) != 11
    }

    /// Some time goes by between a look and the step that was decided on it.
    fn settle_with_in_hand(&mut self, step: &Step) {
        self.in_hand = stopped_by(step);
        self.settle();
        self.in_hand.clear();
    }

    fn replicas_of(&self, known: &BTreeMap<String, i32>) -> BTreeMap<String, i32> {
        let mut now = self.replicas();
        now.retain(|set, _| known.contains_key(set));
        now
    }

    fn assert_sane(&mut self, plan: &Plan) {
        let done = plan.is_done();
        assert!(!done || self.servers_settled(), "done too early");
        assert!(
            plan.step.is_none() || plan.upkeep.is_empty(),
            "a step goes before what it needs: {plan:?}"
        );
    }

    /// Pods' entries are theirs.
    fn write_status(&mut self, mut status: AerospikeClusterStatus) {
        let completed = status.phase == Some(Phase::Completed);
        let rolled_out = status.mirror == self.mirror;
        assert_eq!(completed, rolled_out);
        let pods = self.status.take().map(|old| old.pods);
        status.pods = pods.unwrap_or_default();
        self.status = Some(status);
        self.note_operation();
    }

    /// So many passes, or fewer once chance is used up and the plan is done: nothing would happen any more.
    pub fn go_on(&mut self, passes: u32) {
        for _ in 0..passes {
            let lucky = self.dice.is_used_up();
            let plan = self.pass();
            if lucky && plan.is_done() {
                break;
            }
            self.settle();
        }
    }

    /// Passes, with some time between them, until `reached` holds after one.
    pub fn pass_until(&mut self, mut reached: impl FnMut(&mut Self, &Plan) -> bool) {
        for _ in 0..ENOUGH {
            let plan = self.pass();
            if reached(self, &plan) {
                return;
            }
            self.settle();
        }
        panic!("it does not come about");
    }

    /// Passes until chance is used up and the plan is done.
    pub fn converge(&mut self) {
        let plan = self.run_until(Plan::is_done);
        assert!(plan.is_done(), "it does not converge: {plan:?}");
        self.assert_settled();
    }

    /// Passes until the plan wants a person for `reason`, and does nothing more.
    pub fn converge_to_wait(&mut self, reason: WaitReason) -> Plan {
        let idle = |plan: &Plan| {
            let nothing = plan.upkeep.is_empty() && plan.step.is_none();
            nothing && plan.waits.iter().any(|wait| wait.reason == reason)
        };
        let plan = self.run_until(idle);
        assert!(idle(&plan), "{reason:?} is not reported: {plan:?}");
        plan
    }

    fn run_until(&mut self, reached: impl Fn(&Plan) -> bool) -> Plan {
        let mut plan = Plan::default();
        let mut left = ENOUGH;
        while left > 0 {
            let lucky = self.dice.is_used_up();
            plan = self.pass();
            if lucky && reached(&plan) {
                break;
            }
            self.settle();
            left -= usize::from(lucky);
        }
        plan
    }

    /// A further pass has nothing to do and nothing to say.
    fn assert_settled(&mut self) {
        let observed = self.observe();
        let plan = plan::next(&self.desired, &observed);
        assert_eq!(plan, Plan::default());
        let mut status = self.status_after(&observed, &plan);
        status.pods = self.status.as_ref().unwrap().pods.clone();
        assert_eq!(Some(&status), self.status.as_ref());
        self.assert_nothing_is_left();
        self.assert_configured();
        self.assert_held();
        self.assert_operation_done();
        self.assert_moved();
        assert_eq!(status.phase, Some(Phase::Completed));
    }

    /// The status knows the pods that are wanted and no other, and there is no pod, set or service more.
    fn assert_nothing_is_left(&self) {
        let wanted: Vec<_> = names::pods(&self.desired).collect();
        let sorted = |mut pods: Vec<String>| {
            pods.sort();
            pods
        };
        let wanted = sorted(wanted);
        let status = self.status.as_ref().unwrap();
        assert_eq!(status.pods.keys().cloned().collect::<Vec<_>>(), wanted);
        assert_eq!(self.pods.keys().cloned().collect::<Vec<_>>(), wanted);
        assert_eq!(self.replicas().len(), self.desired.racks.len());
        let other = self.pods.keys().find(|pod| !self.is_as_wanted(pod));
        assert_eq!(other, None, "it runs something else than is wanted");
    }

    /// The state of a condition.
    pub fn condition(&self, kind: &str) -> (String, String) {
        let status = self.status.as_ref().unwrap();
        let found = status
            .conditions
            .iter()
            .find(|condition| condition.type_ == kind);
        found
            .map(|found| (found.status.clone(), found.reason.clone()))
            .unwrap()
    }
}

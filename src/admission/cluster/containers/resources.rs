//! Requests and limits of containers.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::ResourceRequirements, apimachinery::pkg::api::resource::Quantity,
};

use super::PlacedContainer;
use crate::{
    admission::{
        cluster::syntax::{is_label_key, shown},
        rules::Told,
        subject::Subject,
    },
    finding::{FieldPath, Finding},
    resolve::quantity::{Amount, is_quantity},
};

/// Resources that a container may have without anybody's further doing.
const STANDARD: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
const HUGE_PAGES: &str = "hugepages-";
/// What other rules compare for the server and our init container.
const COMPARED_ELSEWHERE: [&str; 2] = ["cpu", "memory"];

/// Requirements with their place.
struct Placed<'a> {
    path: FieldPath,
    resources: &'a ResourceRequirements,
}

pub(super) fn container_resources_are_possible(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let Some(resources) = &placed.container.resources else {
        return Vec::new();
    };
    let path = placed.path.child("resources");
    Placed { path, resources }.findings(&[])
}

/// The same of the server and our init container.
pub(super) fn own_resources_are_possible(subject: &Subject<'_>) -> Vec<Finding> {
    let pod = subject.spec.pod_spec.as_ref();
    let server = pod.and_then(|pod| pod.aerospike_container.as_ref()?.resources.as_ref());
    let init = pod.and_then(|pod| pod.aerospike_init_container.as_ref()?.resources.as_ref());
    let all = [
        ("aerospikeContainer", server),
        ("aerospikeInitContainer", init),
    ];
    let all = all.into_iter().filter_map(|(name, resources)| {
        let path = FieldPath::spec().children(&["podSpec", name, "resources"]);
        Some(Placed {
            path,
            resources: resources?,
        })
    });
    all.flat_map(|placed| placed.findings(&COMPARED_ELSEWHERE))
        .told()
}

impl Placed<'_> {
    fn findings(&self, not_compared: &[&str]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (member, amounts) in self.lists() {
            let path = self.path.child(member);
            let wrong = amounts
                .iter()
                .flat_map(|(name, amount)| wrong(&path.child(name), name, amount));
            findings.extend(wrong.told());
        }
        findings.extend(self.exceeding(not_compared));
        findings.extend(self.huge_pages_alone());
        findings.extend(self.claims());
        findings
    }

    fn lists(&self) -> impl Iterator<Item = (&'static str, &BTreeMap<String, Quantity>)> {
        let lists = [
            ("limits", &self.resources.limits),
            ("requests", &self.resources.requests),
        ];
        lists
            .into_iter()
            .filter_map(|(name, list)| Some((name, list.as_ref()?)))
    }

    /// Requests beyond their limit. What cannot be shared is requested exactly as limited.
    fn exceeding(&self, not_compared: &[&str]) -> Vec<Finding> {
        let limits = self.resources.limits.as_ref();
        let requests = self.resources.requests.iter().flatten();
        let compared = requests.filter(|(name, _)| !not_compared.contains(&name.as_str()));
        compared
            .filter_map(|(name, request)| {
                let limit = limits.and_then(|limits| limits.get(name));
                let path = self.path.children(&["requests", name]);
                let Some(limit) = limit else {
                    let message = format!("{} needs a limit of the same amount", shown(name));
                    return (!may_exceed(name)).then(|| Finding::required("POD-32", path, message));
                };
                let (asked, most) = (Amount::parse(&request.0)?, Amount::parse(&limit.0)?);
                let is_wrong = asked > most || (asked != most && !may_exceed(name));
                let relation = if may_exceed(name) {
                    "must not exceed"
                } else {
                    "must equal"
                };
                let message = || {
                    format!(
                        "request {} {relation} the limit {}",
                        shown(&request.0),
                        shown(&limit.0)
                    )
                };
                is_wrong.then(|| Finding::invalid("POD-32", path, message()))
            })
            .told()
    }

    fn huge_pages_alone(&self) -> Option<Finding> {
        let names = || self.lists().flat_map(|(_, list)| list.keys());
        let alone = names().any(|name| name.starts_with(HUGE_PAGES))
            && !names().any(|name| COMPARED_ELSEWHERE.contains(&name.as_str()));
        alone.then(|| {
            Finding::forbidden(
                "POD-33",
                self.path.clone(),
                "huge pages need cpu or memory beside them",
            )
        })
    }

    fn claims(&self) -> Option<Finding> {
        let is_claimed = self
            .resources
            .claims
            .as_ref()
            .is_some_and(|claims| !claims.is_empty());
        is_claimed.then(|| {
            let message =
                "the pods of a cluster have no resource claims that a container could name";
            Finding::forbidden("POD-34", self.path.child("claims"), message)
        })
    }
}

/// Whether a container may use more of it than it requests: not of huge pages, nor of what others bring.
fn may_exceed(name: &str) -> bool {
    is_native(name) && !name.starts_with(HUGE_PAGES)
}

fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

fn wrong(path: &FieldPath, name: &str, amount: &Quantity) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_known = STANDARD.contains(&name)
        || (name.starts_with(HUGE_PAGES) && is_label_key(name))
        || (name.contains('/') && is_label_key(name) && !name.starts_with("requests."));
    if !is_known {
        let message = format!(
            "{} is no resource of a container: {}, hugepages-SIZE, or a name with a domain such as example.com/gpu",
            shown(name),
            STANDARD.join(", ")
        );
        findings.push(Finding::invalid("POD-30", path.clone(), message));
    }
    let shown = shown(&amount.0);
    let message = match Amount::parse(&amount.0) {
        None if !is_quantity(&amount.0) => {
            format!("{shown} is not a quantity such as 500m, 2 or 10Gi")
        }
        Some(amount) if amount.is_negative() => format!("{shown} must not be negative"),
        Some(amount) if !is_native(name) && !amount.is_whole() => {
            format!("{shown} must be a whole number")
        }
        _ => return findings,
    };
    findings.push(Finding::invalid("POD-31", path.clone(), message));
    findings
}

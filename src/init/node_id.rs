//! The id of a server: rack, a letter that tells revisions of the rack apart, ordinal.

use std::collections::BTreeMap;

use thiserror::Error;

/// The letter of racks without a revision.
const PLAIN: char = 'a';
/// The letters of racks with a revision, in the order in which they are taken.
const REVISED: [char; 5] = ['b', 'c', 'd', 'e', 'f'];

/// A pod's name taken apart: `<cluster>-<rack>[-<revision>]-<ordinal>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodName<'a> {
    /// Number of the rack.
    pub rack: i64,
    /// Revision of the rack, empty if it has none.
    pub revision: &'a str,
    /// Place in the stateful set.
    pub ordinal: u32,
}

/// A pod's name cannot be taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "pod {pod} is not named <cluster>-<rack>[-<revision>]-<ordinal> with the cluster {cluster}"
)]
pub struct NotOfCluster {
    /// The pod.
    pub pod: String,
    /// The cluster.
    pub cluster: String,
}

impl<'a> PodName<'a> {
    /// Takes `pod` apart.
    ///
    /// # Errors
    ///
    /// It is not the name of a pod of `cluster`.
    pub fn parse(cluster: &str, pod: &'a str) -> Result<Self, NotOfCluster> {
        Self::split(cluster, pod).ok_or_else(|| NotOfCluster {
            pod: pod.to_owned(),
            cluster: cluster.to_owned(),
        })
    }

    fn split(cluster: &str, pod: &'a str) -> Option<Self> {
        let rest = pod.strip_prefix(cluster)?.strip_prefix('-')?;
        let (rest, ordinal) = rest.rsplit_once('-')?;
        let (rack, revision) = rest.split_once('-').unwrap_or((rest, ""));
        Some(Self {
            rack: number(rack)?,
            revision,
            ordinal: number(ordinal)?,
        })
    }
}

/// Plain digits only: `parse` alone would take a sign.
fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// The id of the server in `pod`; `known` holds the ids of the status, by pod.
///
/// # Errors
///
/// `pod` is not the name of a pod of `cluster`.
pub fn node_id(
    cluster: &str,
    pod: &str,
    known: &BTreeMap<String, String>,
) -> Result<String, NotOfCluster> {
    let name = PodName::parse(cluster, pod)?;
    let letter = if name.revision.is_empty() {
        PLAIN
    } else {
        revised(cluster, pod, &name, known)
    };
    Ok(format!("{}{letter}{}", name.rack, name.ordinal))
}

fn revised(cluster: &str, pod: &str, name: &PodName<'_>, known: &BTreeMap<String, String>) -> char {
    let own = known.get(pod).and_then(|id| letter(name.rack, id));
    let (same, other): (Vec<_>, Vec<_>) = known
        .iter()
        .filter_map(|(pod, id)| Some((PodName::split(cluster, pod)?, id)))
        .filter(|(other, _)| other.rack == name.rack)
        .filter_map(|(other, id)| Some((other.revision, letter(name.rack, id)?)))
        .partition(|(revision, _)| *revision == name.revision);
    let free = || {
        REVISED
            .into_iter()
            .find(|candidate| !other.iter().any(|(_, taken)| taken == candidate))
    };
    own.or_else(|| same.first().map(|(_, letter)| *letter))
        .or_else(free)
        .unwrap_or(REVISED[0])
}

/// The letter of an id that a revised rack may have.
fn letter(rack: i64, id: &str) -> Option<char> {
    let letter = id.strip_prefix(&rack.to_string())?.chars().next()?;
    REVISED.contains(&letter).then_some(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Known = &'static [(&'static str, &'static str)];

    fn known(pods: Known) -> BTreeMap<String, String> {
        pods.iter()
            .map(|(pod, id)| ((*pod).to_owned(), (*id).to_owned()))
            .collect()
    }

    #[test]
    fn ids_follow_the_table() {
        let table: &[(&str, Known, &str)] = &[
            ("c-1-0", &[], "1a0"),
            ("c-0-3", &[], "0a3"),
            ("c-12-10", &[("c-12-v1-0", "12b0")], "12a10"),
            ("c-1-v1-0", &[], "1b0"),
            ("c-1-v1-0", &[("c-1-0", "1a0")], "1b0"),
            (
                "c-1-v1-2",
                &[("c-1-v1-2", "1d2"), ("c-1-v1-1", "1c1")],
                "1d2",
            ),
            (
                "c-1-v2-1",
                &[("c-1-v1-0", "1b0"), ("c-1-v2-0", "1c0")],
                "1c1",
            ),
            ("c-1-v2-0", &[("c-1-v1-0", "1b0")], "1c0"),
            ("c-1-v2-0", &[("c-2-v1-0", "2b0")], "1b0"),
            ("c-1-v2-0", &[("c-1-v1-0", "1c0")], "1b0"),
            ("c-1-a-b-7", &[("c-1-a-b-6", "1e6")], "1e7"),
            ("c-1-v2-0", &[("c-1-v2-0", "nonsense")], "1b0"),
            ("c-1-v2-0", &[("c-1-v2-0", "1a0")], "1b0"),
            ("c-1-v2-0", &[("other", "1b0")], "1b0"),
        ];
        for (pod, status, expected) in table {
            let id = node_id("c", pod, &known(status));
            assert_eq!(id.as_deref(), Ok(*expected), "{pod} beside {status:?}");
        }
    }

    #[test]
    fn with_all_letters_taken_the_first_is_used() {
        let status = known(&[
            ("c-1-u-0", "1b0"),
            ("c-1-v-0", "1c0"),
            ("c-1-w-0", "1d0"),
            ("c-1-x-0", "1e0"),
            ("c-1-y-0", "1f0"),
        ]);
        assert_eq!(node_id("c", "c-1-z-0", &status).as_deref(), Ok("1b0"));
    }

    #[test]
    fn names_of_other_clusters_are_refused() {
        for pod in ["c-0", "d-1-0", "c-x-0", "c-1-x", "c-+1-0", "c--0", "c-1-"] {
            assert!(node_id("c", pod, &BTreeMap::new()).is_err(), "{pod}");
        }
    }
}

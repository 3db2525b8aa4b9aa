//! One node's answer to `cluster-stable`, over the texts of all versions.

use super::info::{InfoError, InfoValue};

/// What a node says about the stability of its cluster.
///
/// Only the same key from *every* node means that the cluster is stable: each speaks of its own migrations, and for two
/// seconds after a loss the others go on calling the old cluster stable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stability {
    /// Nothing is under way here.
    Stable {
        /// The key of the cluster, in upper case.
        key: String,
    },
    /// Members are changing, or partitions move.
    Unstable,
    /// The node sees another number of members than was asked for.
    OtherSize,
    /// The node does not have the namespace that was asked for.
    NoNamespace,
    /// Anything else, an answer that is missing included.
    Unknown(InfoError),
}

const REFUSALS: &[(&str, Stability)] = &[
    ("unstable cluster", Stability::Unstable),
    ("cluster not specified size", Stability::OtherSize),
    ("namespace not found on node", Stability::NoNamespace),
    ("unknown namespace", Stability::NoNamespace),
];

impl From<&InfoValue> for Stability {
    fn from(answer: &InfoValue) -> Self {
        match answer {
            InfoValue::Ok(key) if is_key(key) => Self::Stable {
                key: key.to_ascii_uppercase(),
            },
            InfoValue::Ok(text) => Self::Unknown(unexpected(text)),
            InfoValue::Missing => Self::Unknown(unexpected("no answer")),
            InfoValue::Failed(error) => {
                let found = REFUSALS.iter().find(|(text, _)| error.says(text));
                found.map_or_else(|| Self::Unknown(error.clone()), |(_, known)| known.clone())
            }
        }
    }
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn unexpected(text: &str) -> InfoError {
    InfoError {
        code: None,
        text: text.chars().take(80).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aerospike::info;

    fn stability(answer: &str) -> Stability {
        let body = format!("cluster-stable:\t{answer}\n");
        let answers = info::parse(&["cluster-stable:"], body.as_bytes()).unwrap();
        answers.answer("cluster-stable:").into()
    }

    #[test]
    fn the_texts_of_all_versions_are_understood() {
        let key = "EF78D5312CE3".to_owned();
        let known = [
            ("EF78D5312CE3", Stability::Stable { key }),
            ("ERROR:7:unstable cluster", Stability::Unstable),
            ("ERROR::unstable-cluster", Stability::Unstable),
            ("ERROR:7:cluster not specified size", Stability::OtherSize),
            ("ERROR::cluster-not-specified-size", Stability::OtherSize),
            (
                "ERROR:20:namespace not found on node",
                Stability::NoNamespace,
            ),
            ("ERROR::unknown-namespace", Stability::NoNamespace),
        ];
        for (answer, expected) in known {
            assert_eq!(stability(answer), expected, "{answer}");
        }
    }

    #[test]
    fn an_error_that_ends_in_a_key_is_no_success() {
        let answer = "ERROR:7:unstable clusterEF78D5312CE3";
        assert_eq!(stability(answer), Stability::Unstable);
    }

    #[test]
    fn what_is_no_key_is_not_stable() {
        for answer in ["", "ok", "ERROR:9:timeout", "ERROR:80:not authenticated"] {
            assert!(
                matches!(stability(answer), Stability::Unknown(_)),
                "{answer}"
            );
        }
        let missing = Stability::from(&InfoValue::Missing);
        assert_eq!(missing, Stability::Unknown(unexpected("no answer")));
    }
}

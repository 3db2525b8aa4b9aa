//! What clusters were before: those that run, or those of a commit. Clusters of several folders may bear one name, as those
//! of a test and a production environment; each is then held against what its own file held.

use serde_json::Value;

use super::{engine, gather::Gathered, source::relative};

/// Clusters as they were.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predecessors(Vec<Predecessor>);

#[derive(Clone, Debug, PartialEq)]
struct Predecessor {
    /// The file that held it, if files are compared.
    file: Option<String>,
    value: Value,
}

impl Predecessors {
    /// The clusters that were gathered, wherever they stand.
    #[must_use]
    pub fn anywhere(gathered: Gathered) -> Self {
        Self::of(gathered, |_| None)
    }

    /// The clusters of a commit, each in its file.
    #[must_use]
    pub fn of_commit(gathered: Gathered, reference: &str) -> Self {
        let prefix = format!("{reference}:");
        Self::of(gathered, |name| {
            let name = name.strip_prefix(&prefix).unwrap_or(name);
            Some(relative(name).to_owned())
        })
    }

    fn of(gathered: Gathered, file: impl Fn(&str) -> Option<String>) -> Self {
        let objects = gathered.objects.into_iter();
        let clusters = objects.filter(|(_, document)| engine::is_cluster(&document.value));
        let predecessors = clusters.map(|(source, document)| Predecessor {
            file: file(&source.name),
            value: document.value,
        });
        Self(predecessors.collect())
    }

    /// What each cluster that was gathered was before: in the same file, else in one that no longer holds it.
    #[must_use]
    pub fn match_with(&self, now: &Gathered) -> Vec<Option<&Value>> {
        let is_at = |old: &Predecessor, file: &str| old.file.as_deref().is_none_or(|it| it == file);
        let stays = |old: &&Predecessor| {
            now.objects.iter().any(|(source, document)| {
                old.file.is_some()
                    && is_at(old, source.relative_name())
                    && engine::is_same(&old.value, &document.value)
            })
        };
        let moved: Vec<_> = self.0.iter().filter(|old| !stays(old)).collect();
        let objects = now.objects.iter();
        let matched = objects.map(|(source, document)| {
            let is_same = |old: &&Predecessor| engine::is_same(&old.value, &document.value);
            let here = |old: &&Predecessor| is_at(old, source.relative_name());
            let mut same = self.0.iter().filter(is_same);
            let found = same.find(here);
            found.or_else(|| moved.iter().copied().find(is_same))
        });
        matched.map(|found| Some(&found?.value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::source::Source;

    fn gathered(files: &[(&str, &str, u32)]) -> Gathered {
        let mut gathered = Gathered::default();
        for (file, name, size) in files {
            gathered.add(Source {
                name: (*file).to_owned(),
                text: format!(
                    "{{apiVersion: asdb.aerospike.com/v1, kind: AerospikeCluster, metadata: {{name: {name}}}, spec: {{size: {size}}}}}"
                ),
                is_found: false,
            });
        }
        gathered
    }

    fn sizes(old: &Predecessors, now: &Gathered) -> Vec<Option<u64>> {
        let matched = old.match_with(now).into_iter();
        matched.map(|old| old?["spec"]["size"].as_u64()).collect()
    }

    #[test]
    fn clusters_of_one_name_are_held_against_their_own_files() {
        let before = [
            ("HEAD:./prod/a.yaml", "db", 5),
            ("HEAD:./test/a.yaml", "db", 2),
        ];
        let old = Predecessors::of_commit(gathered(&before), "HEAD");
        let now = [
            ("test/a.yaml", "db", 3),
            ("./prod/a.yaml", "db", 6),
            ("dev/a.yaml", "db", 1),
        ];
        assert_eq!(sizes(&old, &gathered(&now)), [Some(2), Some(5), None]);
    }

    #[test]
    fn a_cluster_that_moved_to_another_file_is_the_same() {
        let old = Predecessors::of_commit(gathered(&[("main:a.yaml", "db", 5)]), "main");
        let now = [("a.yaml", "other", 1), ("b.yaml", "db", 6)];
        assert_eq!(sizes(&old, &gathered(&now)), [None, Some(5)]);
    }

    #[test]
    fn what_runs_stands_in_no_file() {
        let old = Predecessors::anywhere(gathered(&[("running.yaml", "db", 5)]));
        let now = [("a.yaml", "db", 6), ("b.yaml", "db", 7)];
        assert_eq!(sizes(&old, &gathered(&now)), [Some(5), Some(5)]);
    }
}

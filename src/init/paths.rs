//! The folders that the program reads and writes.

use std::path::PathBuf;

/// The folders; in a pod those of [`Paths::default`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The rack's `ConfigMap`.
    pub configs: PathBuf,
    /// What the server reads.
    pub etc: PathBuf,
    /// The volumes.
    pub volumes: PathBuf,
    /// The kernel's view of processes; this program is `self/exe` in it.
    pub proc: PathBuf,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            configs: "/configs".into(),
            etc: "/etc/aerospike".into(),
            volumes: "/workdir".into(),
            proc: "/proc".into(),
        }
    }
}

//! What outlives the process: the shared metadata, below the work directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::smd::Smd;

/// The directory of the shared metadata.
pub struct Storage(PathBuf);

impl Storage {
    /// Below a work directory.
    pub fn below(work: &Path) -> Self {
        Self(work.join("smd"))
    }

    fn file(&self) -> PathBuf {
        self.0.join("simulator.smd")
    }

    /// What was kept; nothing if there is nothing.
    pub fn load(&self) -> Smd {
        let bytes = fs::read(self.file()).ok();
        bytes
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// Keeps it, whole or not at all.
    pub fn keep(&self, smd: &Smd) -> io::Result<()> {
        let file = self.file();
        let new = file.with_extension("new");
        fs::write(&new, serde_json::to_vec(smd)?)?;
        fs::rename(new, file)
    }
}

//! Folders of the cache in which cargo builds for every checkout. Each is named by what is built from; those that nothing
//! has been built in for a while go.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};

const PREFIX: &str = "programs-";
const UNUSED_FOR: Duration = Duration::from_hours(14 * 24);

/// Its time of change tells when something was built beside it last.
const USED: &str = "used";

/// The folder for what has this key, which is used from now on.
///
/// # Errors
/// If it cannot be written.
pub fn folder(cache: &Path, key: &str) -> Result<PathBuf> {
    let folder = cache.join(format!("{PREFIX}{key}"));
    fs::create_dir_all(&folder)
        .and_then(|()| File::create(folder.join(USED)))
        .with_context(|| format!("{} could not be written", folder.display()))?;
    if let Some(before) = SystemTime::now().checked_sub(UNUSED_FOR) {
        remove_unused(cache, before);
    }
    Ok(folder)
}

/// What cannot be removed is not in the way either.
fn remove_unused(cache: &Path, before: SystemTime) {
    let entries = fs::read_dir(cache).into_iter().flatten().flatten();
    let programs = entries.filter(|it| it.file_name().to_string_lossy().starts_with(PREFIX));
    for folder in programs.map(|it| it.path()) {
        let used = fs::metadata(folder.join(USED)).and_then(|it| it.modified());
        if used.is_ok_and(|used| used < before) {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_was_built_in_goes_and_nothing_else() {
        let cache = tempfile::tempdir().unwrap();
        let old = folder(cache.path(), "old").unwrap();
        let kubernetes = cache.path().join("kubernetes-1");
        fs::create_dir(&kubernetes).unwrap();
        let long_ago = SystemTime::now() - 2 * UNUSED_FOR;
        let used = File::options().write(true).open(old.join(USED)).unwrap();
        used.set_modified(long_ago).unwrap();
        let new = folder(cache.path(), "new").unwrap();
        assert!(!old.exists() && new.exists() && kubernetes.exists());
        assert_eq!(folder(cache.path(), "new").unwrap(), new);
    }
}

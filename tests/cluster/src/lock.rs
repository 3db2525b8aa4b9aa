//! One command at a time changes the cluster, and one state folder at a time owns the machine's addresses.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::paths::RUN;
use crate::progress;

/// Waits until no other command changes the cluster; lets the next one in when dropped.
///
/// # Errors
/// If the lock's file could not be made.
pub fn alone(state: &Path) -> Result<File> {
    let folder = state.parent().unwrap_or(state);
    let path = folder.join("cluster.lock");
    fs::create_dir_all(folder)
        .with_context(|| format!("{} could not be made", folder.display()))?;
    let file =
        File::create(&path).with_context(|| format!("{} could not be made", path.display()))?;
    if file.try_lock().is_err() {
        progress("waiting for another command that changes the cluster");
        file.lock()
            .with_context(|| format!("{} could not be locked", path.display()))?;
    }
    Ok(file)
}

/// Notes that the machine's cluster is that of this state folder.
///
/// # Errors
/// If that could not be noted.
pub fn own(state: &Path) -> Result<()> {
    fs::create_dir_all(RUN).with_context(|| format!("{RUN} could not be made"))?;
    fs::write(
        Path::new(RUN).join("owner"),
        state.to_string_lossy().as_bytes(),
    )
    .with_context(|| format!("{RUN} could not be written"))
}

/// Says whose the machine's cluster is, if it is not this state folder's.
///
/// # Errors
/// If it is another's.
pub fn check_owner(state: &Path) -> Result<()> {
    let owner = fs::read_to_string(Path::new(RUN).join("owner")).unwrap_or_default();
    ensure!(
        owner.is_empty() || Path::new(&owner) == state,
        "this machine's test cluster has its state in {owner}, not in {}; set XDG_STATE_HOME as it was when it was started",
        state.display()
    );
    Ok(())
}

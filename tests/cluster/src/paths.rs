//! Where things lie: state, cache, sockets, and the names under which this cluster appears on the machine.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// What the network devices, network namespaces and control groups of the cluster are called, or begin with.
pub const NAME: &str = "aerotest";

/// Sockets, and what the container runtimes keep while they run; short, because a socket's path holds 107 bytes.
pub const RUN: &str = "/run/aerospike-operator";

/// What the kubelet appends to its folder for its longest socket path is no more than this.
const LONGEST_STATE: usize = 64;

/// The state folder: `$XDG_STATE_HOME/aerospike-operator/cluster`, below `~/.local/state` if unset.
///
/// # Errors
/// If there is no home, or sockets could not be made there.
pub fn state() -> Result<PathBuf> {
    let folder = base("XDG_STATE_HOME", ".local/state")?.join("aerospike-operator/cluster");
    fits(&folder)?;
    Ok(folder)
}

/// The cache folder: `$XDG_CACHE_HOME/aerospike-operator`, below `~/.cache` if unset.
///
/// # Errors
/// If there is no home.
pub fn cache() -> Result<PathBuf> {
    Ok(base("XDG_CACHE_HOME", ".cache")?.join("aerospike-operator"))
}

/// The top of this project's checkout.
#[must_use]
pub fn checkout() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

fn base(variable: &str, below_home: &str) -> Result<PathBuf> {
    let set = env::var_os(variable).map(PathBuf::from);
    if let Some(folder) = set.filter(|folder| folder.is_absolute()) {
        return Ok(folder);
    }
    let home = env::var_os("HOME")
        .with_context(|| format!("neither {variable} nor HOME is set; set one of them"))?;
    Ok(PathBuf::from(home).join(below_home))
}

fn fits(state: &Path) -> Result<()> {
    let text = state.to_str().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    ensure!(
        !text.is_empty() && text.chars().all(plain) && text.len() <= LONGEST_STATE,
        "the state folder {} must have a path of at most {LONGEST_STATE} letters, digits and /._- (sockets go below it); set XDG_STATE_HOME to another place",
        state.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_state_folder_fits() {
        assert!(
            fits(Path::new(
                "/home/somebody/.local/state/aerospike-operator/cluster"
            ))
            .is_ok()
        );
    }

    #[test]
    fn a_state_folder_too_long_for_sockets_or_with_odd_characters_is_refused() {
        assert!(fits(Path::new(&format!("/{}", "x".repeat(80)))).is_err());
        assert!(fits(Path::new("/home/some body/state")).is_err());
    }

    #[test]
    fn the_checkout_holds_the_workspace() {
        assert!(checkout().join("Cargo.lock").is_file());
    }
}

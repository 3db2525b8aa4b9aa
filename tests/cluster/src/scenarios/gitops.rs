//! What was applied stays as it was applied: nothing for a tool that compares to find.

use anyhow::{Result, ensure};

use super::stage::Stage;

/// The sample `dim_nostorage`.
///
/// # Errors
/// What changed.
pub fn dim_nostorage_stays(stage: &Stage) -> Result<()> {
    stays(stage, "dim_nostorage")
}

/// The sample `hdd_dim_storage`.
///
/// # Errors
/// What changed.
pub fn hdd_dim_storage_stays(stage: &Stage) -> Result<()> {
    stays(stage, "hdd_dim_storage")
}

fn stays(stage: &Stage, sample: &str) -> Result<()> {
    let manifest = stage.sample(sample)?;
    stage.apply(&manifest)?;
    ensure_unchanged(stage, &manifest)?;
    stage.wait_until_ready(2)?;
    ensure_unchanged(stage, &manifest)?;
    let diff = stage.kubectl_with_input(&["diff", "-f", "-"], &manifest);
    ensure!(
        diff.success && diff.stdout.is_empty(),
        "kubectl diff is not empty: {}{}",
        diff.stdout,
        diff.stderr
    );
    let server_side = [
        "apply",
        "--server-side",
        "--field-manager=second",
        "-f",
        "-",
    ];
    stage.kubectl_with_input(&server_side, &manifest).ok()?;
    let once = stage.resource()?;
    stage.kubectl_with_input(&server_side, &manifest).ok()?;
    ensure!(
        stage.resource()? == once,
        "a second server-side apply changed the object"
    );
    let generation = stage.resource()?["metadata"]["generation"].clone();
    ensure!(
        generation == 1,
        "the generation is {generation} instead of 1"
    );
    stage.ensure_ready(2)
}

fn ensure_unchanged(stage: &Stage, manifest: &str) -> Result<()> {
    let printed = stage.apply(manifest)?;
    ensure!(
        printed.trim().ends_with(" unchanged"),
        "a second apply printed: {printed}"
    );
    Ok(())
}

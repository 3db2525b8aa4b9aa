//! Clusters that change their size and their racks while an application uses them.

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use super::application::{self, is_served_throughout};
use super::inventory::{Inventory, ensure_pods};
use super::snapshot::{difference, normalised};
use super::stage::Stage;

/// From three to six to four.
///
/// # Errors
/// A request that was refused, a record that is lost, or a pod or claim that should be there or not.
pub fn sizes_change(stage: &Stage) -> Result<()> {
    application::cluster_of(stage, 3)?;
    let three = Inventory::take(stage)?;
    is_served_throughout(stage, |_| {
        stage.patch(&json!({"spec": {"size": 6}}))?;
        stage.wait_until_ready(6)?;
        three.ensure_untouched(stage)?;
        let six = Inventory::take(stage)?;
        stage.patch(&json!({"spec": {"size": 4}}))?;
        stage.wait_until_ready(4)?;
        six.without(&["-4", "-5"]).ensure_untouched(stage)?;
        let left = ["-0", "-1", "-2", "-3"].map(|pod| format!("aerocluster-0{pod}"));
        ensure_pods(stage, &left.each_ref().map(String::as_str))
    })
}

/// A rack is added, which takes a pod from another, and removed again.
///
/// # Errors
/// A request that was refused, a record that is lost, or an object that should be there or not.
pub fn racks_change(stage: &Stage) -> Result<()> {
    let mut object = application::sample(stage)?;
    object["spec"]["size"] = 3.into();
    object["spec"]["rackConfig"] = racks(&["us-west1-a", "us-west1-b"]);
    stage.apply(&object.to_string())?;
    stage.wait_until_ready(3)?;
    let (pods, objects) = (Inventory::take(stage)?, normalised(stage)?);
    let begun = ["aerocluster-1-0", "aerocluster-1-1", "aerocluster-2-0"];
    ensure_pods(stage, &begun)?;
    is_served_throughout(stage, |_| {
        let third = racks(&["us-west1-a", "us-west1-b", "us-west1-c"]);
        stage.patch(&json!({"spec": {"rackConfig": third}}))?;
        stage.wait_until_ready(3)?;
        let spread = ["aerocluster-1-0", "aerocluster-2-0", "aerocluster-3-0"];
        ensure_pods(stage, &spread)?;
        ensure_in_zone(stage, "aerocluster-3-0", "us-west1-c")?;
        pods.without(&["aerocluster-1-1"]).ensure_untouched(stage)?;
        stage.patch(&json!({"spec": {"rackConfig": racks(&["us-west1-a", "us-west1-b"])}}))?;
        stage.wait_until_ready(3)?;
        ensure_pods(stage, &begun)?;
        pods.without(&["aerocluster-1-1"]).ensure_untouched(stage)
    })?;
    match difference(&objects, &normalised(stage)?) {
        Some(difference) => bail!("the objects are not as before the rack: {difference}"),
        None => Ok(()),
    }
}

/// Racks 1, 2 and so on in these zones.
pub fn racks(zones: &[&str]) -> Value {
    let racks = (1..).zip(zones);
    let racks: Vec<_> = racks
        .map(|(id, zone)| json!({"id": id, "zone": zone}))
        .collect();
    json!({"namespaces": ["test"], "racks": racks})
}

fn ensure_in_zone(stage: &Stage, pod: &str, zone: &str) -> Result<()> {
    let node = stage.text(&["get", "pod", pod, "-o", "jsonpath={.spec.nodeName}"])?;
    let label = r"jsonpath={.metadata.labels.topology\.kubernetes\.io/zone}";
    let found = stage.text(&["get", "node", &node, "-o", label])?;
    ensure!(found == zone, "{pod} is in zone {found} instead of {zone}");
    Ok(())
}

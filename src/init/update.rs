//! Renders another configuration in the server container. There is no way to the API there: what the template is filled
//! with was noted when the pod started, and cannot change while it lives; the template comes from the operator.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::{addresses::Addresses, files, paths::Paths, peers, render};
use crate::resources::init_document::NetworkDocument;

/// What the template is filled with, as long as the pod lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filling {
    /// Name of the pod.
    pub pod: String,
    /// Its IP.
    pub pod_ip: String,
    /// Id of its server.
    pub node_id: String,
    /// Rack id from its annotation.
    pub rack_id: Option<i64>,
    /// Ports.
    pub network: NetworkDocument,
    /// Addresses.
    pub addresses: Addresses,
}

/// What the operator sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// `aerospike.template.conf`
    pub template: String,
    /// The names of all pods, one a line.
    pub peers: String,
}

impl Filling {
    /// The configuration of this pod's server.
    ///
    /// # Errors
    ///
    /// The template asks for an address that has no port.
    pub fn fill(&self, template: &str, peers: &str) -> Result<String, render::Unfilled> {
        let values = render::Values {
            node_id: &self.node_id,
            network: &self.network,
            addresses: &self.addresses,
            pod_ip: &self.pod_ip,
            peers: &peers::others(peers, &self.pod),
            rack_id: self.rack_id,
        };
        render::render(template, &values)
    }
}

/// Writes the configuration of the update in `sent`, which is JSON, and returns it. The server does not notice.
///
/// # Errors
///
/// What was sent or noted cannot be read, or the file cannot be written.
pub fn update_config(sent: &str, paths: &Paths) -> anyhow::Result<String> {
    let update: Update = serde_json::from_str(sent).context("what was sent cannot be read")?;
    let noted = files::filling(paths)?;
    let filling: Filling =
        serde_json::from_str(&noted).context("what was noted at the start cannot be read")?;
    let config = filling.fill(&update.template, &update.peers)?;
    files::write_config(paths, &config)?;
    Ok(config)
}

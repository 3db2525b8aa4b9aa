//! Spec → [`Desired`]: everything effective, checked and typed. The webhook, every pass of the controller, `validate` and
//! `plan` start here; behind it nothing is checked again and no value that has a default is optional.

pub mod effective;
pub mod hash;
pub mod image;
pub mod int_or_percent;
pub mod network;
pub mod pod_policy;
pub mod quantity;
pub mod racks;
pub mod storage;
pub mod template;

use k8s_openapi::api::core::v1::{Affinity, Toleration};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use crate::{
    api::{AerospikeCluster, AerospikeClusterSpec, Tree},
    finding::{FieldPath, Finding, Warning},
};
pub use effective::{Effective, effective};
pub use hash::Hashes;
pub use image::{Edition, InitImage, ServerImage, Version};
pub use int_or_percent::{IntOrPercent, IntOrPercentError};
pub use network::{AddressTypes, Network, Ports};
pub use pod_policy::PodPolicy;
pub use racks::{RackId, RackIdentifier, Revision};
pub use storage::{ResolvedVolume, Storage, VolumeKind};
pub use template::Template;

/// What the operator's own installation contributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The image of the init container where the custom resource names none.
    pub init_image: InitImage,
    /// Namespaces beside its own from which a cluster may name Secrets for the operator to read.
    pub secret_namespaces: BTreeSet<String>,
    /// The folder of the operator's own file system from which a cluster may name certificates; none if unset.
    pub client_cert_dir: Option<PathBuf>,
    /// What a cluster's pods may ask of their nodes.
    pub pod_policy: PodPolicy,
}

/// Who the cluster is: what every object of it is named and owned by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Name of the custom resource.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its uid; empty where there is none yet, as in an offline check.
    pub uid: String,
}

impl Identity {
    /// The identity of `cluster`.
    #[must_use]
    pub fn of(cluster: &AerospikeCluster) -> Self {
        let metadata = &cluster.metadata;
        Self {
            name: metadata.name.clone().unwrap_or_default(),
            namespace: metadata.namespace.clone().unwrap_or_default(),
            uid: metadata.uid.clone().unwrap_or_default(),
        }
    }
}

/// A cluster as it shall be.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// Who the cluster is.
    pub identity: Identity,
    /// The spec in AKO's stored form: default rack, effective members. What the status mirrors.
    pub spec: AerospikeClusterSpec,
    /// The server image.
    pub image: ServerImage,
    /// The image of the init container.
    pub init_image: String,
    /// Ports and addresses, the same for every rack.
    pub network: Network,
    /// The configuration has a `security` section, be it empty.
    pub security: bool,
    /// The racks that get at least one pod, in the order of the spec.
    pub racks: Vec<Rack>,
}

impl Desired {
    /// The rack, if the spec has it.
    #[must_use]
    pub fn rack(&self, rack: &RackIdentifier) -> Option<&Rack> {
        self.racks.iter().find(|it| it.identifier() == *rack)
    }
}

/// A rack as it shall be.
#[derive(Clone, Debug, PartialEq)]
pub struct Rack {
    /// Its number.
    pub id: RackId,
    /// Its revision, empty if it has none.
    pub revision: Revision,
    /// Number of its pods, at least 1.
    pub size: u32,
    /// Where its pods run.
    pub scheduling: Scheduling,
    /// The configuration in force, placeholders inside.
    pub config: Tree,
    /// `aerospike.template.conf`, byte for byte as AKO renders it.
    pub template: Template,
    /// What tells whether a pod runs this configuration, network policy and pod spec.
    pub hashes: Hashes,
    /// Volumes and how they are treated.
    pub storage: Storage,
    /// The folder of the server's own state, `/opt/aerospike` unless configured.
    pub work_directory: String,
}

/// Where a rack's pods run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scheduling {
    /// Zone, from `topology.kubernetes.io/zone`.
    pub zone: Option<String>,
    /// Region, from `topology.kubernetes.io/region`.
    pub region: Option<String>,
    /// Value of `aerospike.com/rack-label`.
    pub rack_label: Option<String>,
    /// The one node.
    pub node_name: Option<String>,
    /// The rack's affinity, else the cluster's.
    pub affinity: Affinity,
    /// The rack's tolerations, else the cluster's.
    pub tolerations: Vec<Toleration>,
    /// The rack's node labels, else the cluster's.
    pub node_selector: BTreeMap<String, String>,
}

impl Rack {
    /// Id and revision as they stand in names: `1` or `1-v2`.
    #[must_use]
    pub fn identifier(&self) -> RackIdentifier {
        RackIdentifier {
            id: self.id,
            revision: self.revision.clone(),
        }
    }
}

/// Resolves a custom resource.
///
/// # Errors
///
/// Everything that keeps it from being resolved, with its place.
pub fn resolve(cluster: &AerospikeCluster, settings: &Settings) -> Result<Desired, Vec<Finding>> {
    of_effective(cluster, effective(cluster, settings), settings)
}

/// Resolves a custom resource of which everything effective is known.
///
/// # Errors
///
/// As [`resolve`].
pub fn of_effective(
    cluster: &AerospikeCluster,
    effective: Effective,
    settings: &Settings,
) -> Result<Desired, Vec<Finding>> {
    let Effective { spec, mut problems } = effective;
    let image = image::server(&spec.image)
        .map_err(|finding| problems.push(finding))
        .ok();
    let racks = racks::resolve(&spec).map_err(|findings| problems.extend(findings));
    match (image, racks) {
        (Some(image), Ok(racks)) if problems.is_empty() => Ok(Desired {
            init_image: image::init(&spec, settings).reference,
            network: network::resolve(&spec),
            security: spec.aerospike_config.contains_key("security"),
            identity: Identity::of(cluster),
            image,
            racks,
            spec,
        }),
        _ => Err(problems),
    }
}

/// Everything that keeps an effective spec from being resolved, with its place.
#[must_use]
pub fn problems(effective: &Effective) -> Vec<Finding> {
    let mut problems = effective.problems.clone();
    problems.extend(image::server(&effective.spec.image).err());
    problems.extend(racks::problems(&effective.spec));
    problems
}

/// What is allowed but unwise about names that the installation replaces.
#[must_use]
pub fn warnings(spec: &AerospikeClusterSpec, settings: &Settings) -> Vec<Warning> {
    image::init(spec, settings)
        .replaced
        .map(|name| Warning {
            code: "INI-03",
            path: FieldPath::spec().children(&[
                "podSpec",
                "aerospikeInitContainer",
                "imageNameAndTag",
            ]),
            message: format!("{name} is replaced by the operator's own init image"),
        })
        .into_iter()
        .collect()
}

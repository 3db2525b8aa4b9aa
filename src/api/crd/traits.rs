//! What the schema of an embedded Kubernetes type says beyond its members: list types, map types, defaults (Kubernetes 1.35).

use serde_json::{Value, json};

use super::QUANTITY;

enum Trait {
    /// A list whose items are told apart by these members.
    Map(&'static [&'static str]),
    /// A list that is replaced as a whole.
    Atomic,
    /// A list without repetition.
    Set,
    /// An object that is replaced as a whole.
    AtomicObject,
    /// The value that an absent member has.
    Default(fn() -> Value),
}

use Trait::{Atomic, AtomicObject, Default, Map, Set};

fn empty() -> Value {
    json!("")
}

/// Type, member, trait.
const MEMBERS: &[(&str, &str, Trait)] = &[
    ("Container", "ports", Map(&["containerPort", "protocol"])),
    ("Container", "env", Map(&["name"])),
    ("Container", "volumeMounts", Map(&["mountPath"])),
    ("Container", "volumeDevices", Map(&["devicePath"])),
    ("Container", "envFrom", Atomic),
    ("Container", "args", Atomic),
    ("Container", "command", Atomic),
    ("Container", "resizePolicy", Atomic),
    ("Container", "restartPolicyRules", Atomic),
    ("ContainerPort", "protocol", Default(|| json!("TCP"))),
    ("ContainerRestartRuleOnExitCodes", "values", Set),
    ("GRPCAction", "service", Default(empty)),
    ("ConfigMapEnvSource", "name", Default(empty)),
    ("SecretEnvSource", "name", Default(empty)),
    ("ConfigMapKeySelector", "name", Default(empty)),
    ("SecretKeySelector", "name", Default(empty)),
    ("FileKeySelector", "optional", Default(|| json!(false))),
    ("LocalObjectReference", "name", Default(empty)),
    ("ConfigMapVolumeSource", "name", Default(empty)),
    ("ConfigMapVolumeSource", "items", Atomic),
    ("SecretVolumeSource", "items", Atomic),
    ("ExecAction", "command", Atomic),
    ("HTTPGetAction", "httpHeaders", Atomic),
    ("ResourceRequirements", "claims", Map(&["name"])),
    ("Capabilities", "add", Atomic),
    ("Capabilities", "drop", Atomic),
    ("PodSecurityContext", "supplementalGroups", Atomic),
    ("PodSecurityContext", "sysctls", Atomic),
    ("PodDNSConfig", "nameservers", Atomic),
    ("PodDNSConfig", "searches", Atomic),
    ("PodDNSConfig", "options", Atomic),
    (
        "NodeAffinity",
        "preferredDuringSchedulingIgnoredDuringExecution",
        Atomic,
    ),
    ("NodeSelector", "nodeSelectorTerms", Atomic),
    ("NodeSelectorTerm", "matchExpressions", Atomic),
    ("NodeSelectorTerm", "matchFields", Atomic),
    ("NodeSelectorRequirement", "values", Atomic),
    (
        "PodAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution",
        Atomic,
    ),
    (
        "PodAffinity",
        "preferredDuringSchedulingIgnoredDuringExecution",
        Atomic,
    ),
    (
        "PodAntiAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution",
        Atomic,
    ),
    (
        "PodAntiAffinity",
        "preferredDuringSchedulingIgnoredDuringExecution",
        Atomic,
    ),
    ("PodAffinityTerm", "namespaces", Atomic),
    ("PodAffinityTerm", "matchLabelKeys", Atomic),
    ("PodAffinityTerm", "mismatchLabelKeys", Atomic),
    ("LabelSelector", "matchExpressions", Atomic),
    ("LabelSelectorRequirement", "values", Atomic),
];

/// Types that are replaced as a whole wherever they stand.
const OBJECTS: &[(&str, Trait)] = &[
    ("ConfigMapKeySelector", AtomicObject),
    ("SecretKeySelector", AtomicObject),
    ("ObjectFieldSelector", AtomicObject),
    ("ResourceFieldSelector", AtomicObject),
    ("FileKeySelector", AtomicObject),
    ("ConfigMapEnvSource", AtomicObject),
    ("SecretEnvSource", AtomicObject),
    ("LocalObjectReference", AtomicObject),
    ("ConfigMapVolumeSource", AtomicObject),
    ("LabelSelector", AtomicObject),
    ("NodeSelector", AtomicObject),
    ("NodeSelectorTerm", AtomicObject),
];

/// Completes the definition of the type `name`, which is `io.k8s.….<Type>` for embedded types.
pub(super) fn add(name: &str, definition: &mut Value) {
    let kind = name.rsplit('.').next().unwrap_or(name);
    match kind {
        "Quantity" => *definition = int_or_string(Some(QUANTITY)),
        "IntOrString" => *definition = int_or_string(None),
        _ => {}
    }
    for (_, member, value) in MEMBERS.iter().filter(|(owner, ..)| *owner == kind) {
        if let Some(schema) = definition.pointer_mut(&format!("/properties/{member}")) {
            put(value, schema);
        }
    }
    for (_, value) in OBJECTS.iter().filter(|(owner, _)| *owner == kind) {
        put(value, definition);
    }
}

fn put(value: &Trait, schema: &mut Value) {
    match value {
        Map(keys) => {
            schema["x-kubernetes-list-type"] = json!("map");
            schema["x-kubernetes-list-map-keys"] = json!(keys);
        }
        Atomic => schema["x-kubernetes-list-type"] = json!("atomic"),
        Set => schema["x-kubernetes-list-type"] = json!("set"),
        AtomicObject => schema["x-kubernetes-map-type"] = json!("atomic"),
        Default(value) => schema["default"] = value(),
    }
}

fn int_or_string(pattern: Option<&str>) -> Value {
    let mut schema = json!({
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "x-kubernetes-int-or-string": true,
    });
    if let Some(pattern) = pattern {
        schema["pattern"] = json!(pattern);
    }
    schema
}

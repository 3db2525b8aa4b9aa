//! Who the server is: node id and cluster name.

use serde_json::Value;

use super::{Context, Section, object};
use crate::{api::Tree, config::Problem, finding::FieldPath};

const CODE: &str = "DEF-14";

pub(super) fn defaults(tree: &mut Tree, context: &Context<'_>, problems: &mut Vec<Problem>) {
    let root = FieldPath::default();
    tree.entry("service")
        .or_insert_with(|| Value::Object(Tree::new()));
    let Some(tree) = object(tree, "service", (CODE, &root), problems) else {
        return;
    };
    let mut section = Section {
        tree,
        path: root.child("service"),
        code: CODE,
        problems,
    };
    section.fix("node-id", "ENV_NODE_ID".into());
    section.fix("cluster-name", context.cluster_name.into());
}

//! What all servers of a cluster are asked, in one request each.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};

use super::{Credential, IN_FLIGHT, TOGETHER, connect};
use crate::{
    aerospike::{
        connection::Deadline,
        node_view::{NodeView, Questions},
    },
    api::AerospikeClusterStatus,
    controller::Context,
    plan::{Observed, Pod, Server, configuration, members, namespaces, quiesce, stopping},
    resolve::{Desired, Version, image::version_of as version_of_image},
    telemetry::chain,
};

/// The version that a pod runs, which is not the wanted one until it was restarted.
fn version_of(desired: &Desired, status: &AerospikeClusterStatus, pod: &str) -> Version {
    status
        .pods
        .get(pod)
        .and_then(|reported| version_of_image(&reported.image).ok())
        .unwrap_or_else(|| desired.image.version.clone())
}

/// The same questions for every server of a cluster.
pub(super) struct Survey<'a> {
    desired: &'a Desired,
    status: AerospikeClusterStatus,
    namespaces: BTreeSet<String>,
    strong: BTreeSet<String>,
    /// How many members the cluster should have.
    pub(super) members: usize,
    traffic: bool,
    configuration: BTreeMap<String, Vec<String>>,
    credentials: &'a [Credential],
    context: &'a Context,
    deadline: Deadline,
}

impl<'a> Survey<'a> {
    pub(super) fn of(
        desired: &'a Desired,
        observed: &Observed,
        credentials: &'a [Credential],
        context: &'a Context,
    ) -> Self {
        Self {
            desired,
            status: observed.status.clone(),
            namespaces: namespaces::all(desired, &observed.status),
            strong: namespaces::strong(desired, &observed.status),
            members: members::expected(desired, observed).len(),
            traffic: stopping::is_under_way(desired, observed),
            configuration: configuration::questions(desired, observed)
                .into_iter()
                .collect(),
            credentials,
            context,
            deadline: Deadline::within(TOGETHER),
        }
    }

    pub(super) async fn ask_all(&self, serving: &[(String, Pod)]) -> BTreeMap<String, Server> {
        let asked = serving.iter().map(|(name, pod)| self.ask(name, pod));
        let asked: Vec<_> = asked.collect();
        stream::iter(asked)
            .buffer_unordered(IN_FLIGHT)
            .collect()
            .await
    }

    async fn ask(&self, name: &str, pod: &Pod) -> (String, Server) {
        let version = version_of(self.desired, &self.status, name);
        let server = match self.view(name, pod, &version).await {
            Ok(view) => Server::Answered(Box::new(view)),
            Err(why) => Server::Silent(why),
        };
        (name.to_owned(), server)
    }

    async fn view(&self, name: &str, pod: &Pod, version: &Version) -> Result<NodeView, String> {
        let Self {
            desired,
            credentials,
            context,
            deadline,
            ..
        } = self;
        let (mut link, _) = connect(desired, pod, credentials, context, *deadline).await?;
        let namespaces: Vec<_> = self.namespaces.iter().map(String::as_str).collect();
        let strong: Vec<_> = self.strong.iter().map(String::as_str).collect();
        let build = version.to_string().parse().ok();
        let questions = Questions {
            namespaces: &namespaces,
            strong: &strong,
            known: build.as_ref(),
            members: self.members,
            fill_delay: quiesce::fill_delay(desired) > 0,
            traffic: self.traffic,
            configuration: self.configuration.get(name).map_or(&[], Vec::as_slice),
        };
        let commands = NodeView::commands(&questions);
        let commands: Vec<_> = commands.iter().map(String::as_str).collect();
        let answers = link.info(&commands).await.map_err(|error| chain(&error))?;
        NodeView::parse(&answers, &questions).map_err(|error| chain(&error))
    }
}

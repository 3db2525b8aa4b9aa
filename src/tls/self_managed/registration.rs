//! The two webhook configurations: what their webhooks trust. Nothing else in them is ours.

use k8s_openapi::{
    ByteString,
    api::admissionregistration::v1::{
        MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
    },
};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    pair::{authorities, bundle},
    rotation::{Bundle, Registered},
};
use crate::plan::FIELD_MANAGER;

/// One of our webhook configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Configuration {
    /// Adds what is absent.
    Mutating,
    /// Refuses.
    Validating,
}

impl Configuration {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Mutating, Self::Validating];

    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mutating => "aerospike-operator-mutating-webhook-configuration",
            Self::Validating => "aerospike-operator-validating-webhook-configuration",
        }
    }

    fn api(self, client: &Client) -> Api<DynamicObject> {
        let resource = match self {
            Self::Mutating => ApiResource::erase::<MutatingWebhookConfiguration>(&()),
            Self::Validating => ApiResource::erase::<ValidatingWebhookConfiguration>(&()),
        };
        Api::all_with(client.clone(), &resource)
    }

    /// What it looks like; none if it is not installed.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub async fn read(self, client: &Client) -> kube::Result<Option<Registered>> {
        let object = self.api(client).get_opt(self.name()).await?;
        let object = object.map(|object| self.parse(object)).transpose();
        object.map_err(kube::Error::SerdeError)
    }

    fn parse(self, object: DynamicObject) -> serde_json::Result<Registered> {
        let parsed: Object = serde_json::from_value(object.data)?;
        Ok(Registered {
            configuration: self,
            version: object.metadata.resource_version.unwrap_or_default(),
            bundles: parsed.webhooks.iter().map(Webhook::bundle).collect(),
        })
    }

    /// Lets all its webhooks trust the authorities of `wanted`, if it still is as it was read.
    ///
    /// # Errors
    ///
    /// If it cannot be written; that somebody else wrote it meanwhile is a conflict or invalid.
    pub async fn trust(self, read: &Registered, text: &str, client: &Client) -> kube::Result<()> {
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let patch = Patch::<Value>::Json(patch(read, text));
        self.api(client)
            .patch(self.name(), &params, &patch)
            .await
            .map(drop)
    }
}

/// The parts of a configuration that are read.
#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    webhooks: Vec<Webhook>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    client_config: ClientConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientConfig {
    ca_bundle: Option<ByteString>,
}

impl Webhook {
    fn bundle(&self) -> Bundle {
        let bytes = self.client_config.ca_bundle.as_ref();
        let text = bytes.map_or_else(String::new, |b| String::from_utf8_lossy(&b.0).into_owned());
        let authorities = authorities(&text).into_iter().collect();
        Bundle {
            exact: text == bundle(&authorities),
            authorities,
        }
    }
}

fn patch(read: &Registered, text: &str) -> json_patch::Patch {
    let unchanged =
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": read.version});
    let bundle = json!(ByteString(text.as_bytes().to_vec()));
    let written = (0..read.bundles.len()).map(|index| {
        let path = format!("/webhooks/{index}/clientConfig/caBundle");
        json!({"op": "add", "path": path, "value": bundle})
    });
    let operations: Vec<_> = std::iter::once(unchanged).chain(written).collect();
    serde_json::from_value(Value::Array(operations))
        .expect("the operations are written as the standard has them")
}

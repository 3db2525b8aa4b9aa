//! One record, there and back.

use std::time::{SystemTime, UNIX_EPOCH};

use aerospike::{Bin, Bins, Client, Key, ReadPolicy, Value, WritePolicy};

const SET: &str = "aerospike-operator-check";
const BIN: &str = "written";

/// Why an application could not store a record.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The record was not taken, not found, or not deleted.
    #[error(
        "failed to {doing} a record in set {SET} of namespace {namespace:?}: check that the namespace takes writes and that the user has the role read-write"
    )]
    Refused {
        /// What was tried.
        doing: &'static str,
        /// Where.
        namespace: String,
        /// What the client says.
        source: aerospike::Error,
    },
    /// The record came back changed.
    #[error(
        "a record in set {SET} of namespace {namespace:?} does not hold what was just written: do not trust this cluster with data"
    )]
    Changed {
        /// Where.
        namespace: String,
    },
}

/// Writes a record that nobody else uses, reads it back and deletes it.
pub(super) async fn round_trip(client: &Client, namespace: &str) -> Result<(), Error> {
    let refused = |doing| {
        move |source| Error::Refused {
            doing,
            namespace: namespace.to_owned(),
            source,
        }
    };
    let id = format!("{}-{}", std::process::id(), nanoseconds());
    let value = Value::from(id.clone());
    let key = Key::new(namespace, SET, value.clone()).map_err(refused("address"))?;
    let policy = WritePolicy::default();
    let bins = [Bin::new(BIN.to_owned(), value.clone())];
    client
        .put(&policy, &key, &bins)
        .await
        .map_err(refused("write"))?;
    let read = client.get(&ReadPolicy::default(), &key, Bins::All).await;
    // Deleted before the reading is judged, so that nothing stays behind.
    let deleted = client.delete(&policy, &key).await;
    let record = read.map_err(refused("read"))?;
    deleted.map_err(refused("delete"))?;
    match record.bins.get(BIN) {
        Some(found) if *found == value => Ok(()),
        _ => Err(Error::Changed {
            namespace: namespace.to_owned(),
        }),
    }
}

fn nanoseconds() -> u128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos())
}

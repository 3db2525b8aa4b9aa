//! Objects, and what the API server makes of writes to them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Kind, World};
use crate::plan::{Effect, FIELD_MANAGER, Live, Object, objects::Objects};

/// A write that did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// An object, and what was applied to it last.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub live: Live,
    applied: Value,
}

impl Stored {
    fn new(body: Value, applied: Value) -> Self {
        Self {
            live: Live::of(body),
            applied,
        }
    }

    pub fn body(&self) -> &Value {
        &self.live.body
    }

    pub fn replicas(&self) -> i32 {
        self.live.replicas()
    }

    pub fn uid(&self) -> &str {
        &self.live.uid
    }

    pub fn version(&self) -> &Value {
        &self.body()["metadata"]["resourceVersion"]
    }

    fn generation(&self) -> i64 {
        self.body()["metadata"]["generation"].as_i64().unwrap_or(0)
    }

    /// With so many replicas, as another version.
    pub fn resize(&mut self, replicas: i32, version: &str, time: &str) {
        let generation = self.generation() + 1;
        self.change(version, |body| {
            body["spec"]["replicas"] = replicas.into();
            body["metadata"]["generation"] = generation.into();
            let writes = body["metadata"]["managedFields"].as_array_mut().unwrap();
            writes.retain(|write| write["operation"] != "Update");
            writes.push(json!({
                "manager": FIELD_MANAGER, "operation": "Update", "time": time,
                "fieldsV1": {"f:spec": {"f:replicas": {}}},
            }));
        });
    }

    /// As another version.
    pub fn change(&mut self, version: &str, change: impl FnOnce(&mut Value)) {
        let mut body = self.body().clone();
        change(&mut body);
        body["metadata"]["resourceVersion"] = version.into();
        self.live = Live::of(body);
    }
}

impl World {
    pub fn live_objects(&self) -> Objects {
        let objects = self.objects.iter();
        objects
            .map(|(key, stored)| (key.clone(), stored.live.clone()))
            .collect()
    }

    pub fn is_ours(&self, kind: Kind, name: &str) -> bool {
        let stored = self.objects.get(&(kind, name.to_owned()));
        let owner = stored.and_then(|stored| stored.live.owner.as_deref());
        owner == Some(self.desired.identity.uid.as_str())
    }

    /// Somebody else makes an object.
    pub fn plant(&mut self, kind: Kind, name: &str) {
        let body = json!({"metadata": {"name": name}, "spec": {"selector": {"app": "theirs"}}});
        let body = self.stamped(body, None);
        let stored = Stored::new(body, Value::Null);
        self.objects.insert((kind, name.to_owned()), stored);
    }

    /// # Errors
    ///
    /// If the world is not what the effect was decided on.
    pub fn carry_out(&mut self, effect: &Effect) -> Result<(), Refused> {
        match effect {
            Effect::Apply { object, new } => self.apply(object, *new),
            Effect::Delete { kind, name, uid } => self.delete(*kind, name, uid),
            Effect::MarkInitialized { claim, uid } => self.mark(claim, uid),
            Effect::NoteReturn { pod, pod_ip } => self.note_return(pod, pod_ip),
            Effect::GrantNodeReader => {
                self.may_read_nodes = true;
                Ok(())
            }
            Effect::Administer { requests } => {
                self.administer(requests);
                Ok(())
            }
            Effect::Command(order) => self.obey(order),
        }
    }

    fn apply(&mut self, object: &Object, new: bool) -> Result<(), Refused> {
        let key = (object.kind, object.name.clone());
        let expected = object.body["metadata"]["resourceVersion"].clone();
        let before = self.objects.get(&key).cloned();
        if expected != before.as_ref().map_or(Value::Null, |b| b.version().clone())
            && !expected.is_null()
        {
            return Err(Refused);
        }
        let conflicts = |before: &Stored| {
            let replicas = &object.body["spec"]["replicas"];
            replicas.is_number() && before.body()["spec"]["replicas"] != *replicas
        };
        if new && before.as_ref().is_some_and(conflicts) {
            return Err(Refused);
        }
        let ours = before.is_none() || self.is_ours(object.kind, &object.name);
        assert!(ours, "{key:?} belongs to somebody else");
        let mut live = before.as_ref().map_or_else(
            || defaults(object.kind),
            |before| without(before.body(), &before.applied, &object.body),
        );
        merge(&mut live, &object.body);
        let generation = before.as_ref().map_or(1, |before| {
            before.generation() + i64::from(before.body()["spec"] != live["spec"])
        });
        live["metadata"]["generation"] = generation.into();
        let body = self.stamped(live, before.as_ref().map(Stored::uid));
        let stored = Stored::new(managed(body, &object.body), object.body.clone());
        self.objects.insert(key, stored);
        Ok(())
    }

    fn stamped(&mut self, mut body: Value, uid: Option<&str>) -> Value {
        let number = self.fresh();
        let uid = uid.map_or_else(|| format!("uid-{number}"), str::to_owned);
        body["metadata"]["uid"] = uid.into();
        body["metadata"]["resourceVersion"] = number.to_string().into();
        body
    }

    fn delete(&mut self, kind: Kind, name: &str, uid: &str) -> Result<(), Refused> {
        let key = (kind, name.to_owned());
        if self
            .objects
            .get(&key)
            .is_none_or(|found| found.uid() != uid)
        {
            return Err(Refused);
        }
        assert!(self.is_ours(kind, name), "{key:?} belongs to somebody else");
        self.objects.remove(&key);
        Ok(())
    }

    fn mark(&mut self, claim: &str, uid: &str) -> Result<(), Refused> {
        let claim = self.claims.get_mut(claim).filter(|claim| claim.uid == uid);
        claim.ok_or(Refused)?.initialized = true;
        Ok(())
    }

    /// Replicas of the sets.
    pub fn replicas(&self) -> BTreeMap<String, i32> {
        let sets = self
            .objects
            .iter()
            .filter(|((kind, _), _)| *kind == Kind::StatefulSet);
        sets.map(|((_, name), set)| (name.clone(), set.replicas()))
            .collect()
    }

    /// What a user would compare: everything but what differs between two runs.
    pub fn comparable(&self) -> BTreeMap<(Kind, String), Value> {
        let plain = |stored: &Stored| {
            let mut body = stored.body().clone();
            for member in ["uid", "resourceVersion", "generation", "managedFields"] {
                body["metadata"].as_object_mut().unwrap().remove(member);
            }
            body.as_object_mut().unwrap().remove("status");
            body
        };
        let objects = self.objects.iter();
        objects
            .map(|(key, stored)| (key.clone(), plain(stored)))
            .collect()
    }
}

fn defaults(kind: Kind) -> Value {
    match kind {
        Kind::Service => json!({"spec": {"clusterIP": "10.0.0.9", "sessionAffinity": "None"}}),
        Kind::StatefulSet => {
            json!({"spec": {"revisionHistoryLimit": 10}, "status": {"replicas": 0}})
        }
        _ => json!({}),
    }
}

/// `live` without what was applied `before` and is not `now`.
fn without(live: &Value, before: &Value, now: &Value) -> Value {
    let (Some(members), Some(before)) = (live.as_object(), before.as_object()) else {
        return live.clone();
    };
    let kept = members
        .iter()
        .filter_map(|(name, live)| match (before.get(name), now.get(name)) {
            (Some(_), None) => None,
            (Some(before), Some(now)) => Some((name.clone(), without(live, before, now))),
            (None, _) => Some((name.clone(), live.clone())),
        });
    Value::Object(kept.collect())
}

fn merge(live: &mut Value, applied: &Value) {
    match (live, applied) {
        (Value::Object(live), Value::Object(applied)) => {
            for (name, value) in applied {
                merge(live.entry(name).or_insert(Value::Null), value);
            }
        }
        (live, applied) => live.clone_from(applied),
    }
}

/// `body` with the note of what was applied last, beside that of the last change of replicas.
fn managed(mut body: Value, applied: &Value) -> Value {
    let mut applied = applied.clone();
    applied["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("resourceVersion");
    let apply =
        json!({"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": fields(&applied)});
    let writes = body["metadata"]["managedFields"].as_array();
    let updates = writes.into_iter().flatten();
    let updates = updates
        .filter(|write| write["operation"] == "Update")
        .cloned();
    body["metadata"]["managedFields"] = [apply].into_iter().chain(updates).collect();
    body
}

fn fields(value: &Value) -> Value {
    let members = value.as_object().into_iter().flatten();
    let named = members.map(|(name, value)| (format!("f:{name}"), fields(value)));
    Value::Object(named.collect::<Map<_, _>>())
}

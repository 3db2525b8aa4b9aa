//! Changes of the configuration while servers run: anything may get lost on the way.

use crate::{
    api::status::{DynamicConfigUpdateStatus, PodStatus},
    plan::{
        Order,
        configuration::{Configure, Confirm},
        world::{World, api_server::Refused, mishaps::Mishap},
    },
};

/// What a pod's entry becomes when its file is as wanted.
pub fn has_file_of(entry: &mut PodStatus, hash: String) {
    entry.aerospike_config_hash = hash;
    entry.dynamic_config_update_status = Some(DynamicConfigUpdateStatus::Empty);
    entry.dynamic_config_parameters.clear();
}

impl World {
    pub fn configure(&mut self, to: &Configure) -> Result<(), Refused> {
        if let Some(parameters) = &to.note {
            self.entry(&to.pod, &to.pod_ip)?.dynamic_config_parameters = parameters.clone();
        }
        for (obeyed, command) in to.commands.iter().enumerate() {
            let luck = self.dice.roll(32);
            match luck {
                31 => return Err(Refused),
                30 => return self.die(),
                _ => {}
            }
            let said = self.servers.set(&to.pod, command);
            if luck == 29 {
                self.strike(&to.pod, Mishap::Crash);
            }
            match said.as_deref() {
                Some("ok") => {}
                // Nobody knows whether it was done.
                None => return Err(Refused),
                Some(_) => {
                    let entry = self.entry(&to.pod, &to.pod_ip)?;
                    entry.dynamic_config_update_status = Some(to.outcome(obeyed));
                    return Err(Refused);
                }
            }
        }
        Ok(())
    }

    pub fn confirm(&mut self, of: &Confirm) -> Result<(), Refused> {
        let rack = self.desired.rack(&of.rack);
        let (template, hash) = {
            let rack = rack.unwrap();
            (rack.template.clone(), rack.hashes.config.clone())
        };
        let pod = self.pods.get(&of.pod).ok_or(Refused)?;
        if pod.uid != of.uid {
            return Err(Refused);
        }
        if of.rebalance.as_ref().is_some_and(|it| !self.rebalances(it)) {
            return Err(Refused);
        }
        let pod = self.pods.get_mut(&of.pod).ok_or(Refused)?;
        pod.file.clone_from(&template);
        pod.config = Some(hash.clone());
        if self.dice.roll(16) == 15 {
            return self.die();
        }
        let entry = self.entry(&of.pod, &of.pod_ip)?;
        if entry.aerospike_config_hash != of.before {
            return Err(Refused);
        }
        has_file_of(entry, hash);
        if self.dice.roll(16) == 15 {
            return self.die();
        }
        self.pods.get_mut(&of.pod).ok_or(Refused)?.template = Some(template);
        Ok(())
    }

    /// Whether one of the servers says that it starts a rebalance.
    fn rebalances(&mut self, order: &Order) -> bool {
        let pods = order.pods.iter();
        let said: Vec<_> = pods
            .map(|pod| self.servers.say(pod, &order.command))
            .collect();
        said.iter().flatten().any(|said| said == "ok")
    }

    pub fn entry(&mut self, pod: &str, ip: &str) -> Result<&mut PodStatus, Refused> {
        let pods = &mut self.status.as_mut().ok_or(Refused)?.pods;
        let entry = pods.get_mut(pod).filter(|entry| entry.pod_ip == ip);
        entry.ok_or(Refused)
    }
}

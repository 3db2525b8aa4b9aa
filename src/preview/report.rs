//! What an edit would do, in the forms in which people and programs read it.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Hindrance, Preview};
use crate::{
    plan::forecast::{Act, Fate, Forecast, PodForecast},
    validate::{
        engine::Entry,
        report::{Look, Output as Form},
    },
};

/// How it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// A table of the pods, the order, and a summary.
    #[default]
    Text,
    /// An array with an object a cluster.
    Json,
}

/// All of it, each line with its end.
///
/// # Panics
///
/// Never: strings and lists have a JSON form.
#[must_use]
pub fn render(previews: &[Preview], output: Output) -> String {
    match output {
        Output::Text => {
            let texts: Vec<_> = previews.iter().map(text).collect();
            texts.join("\n")
        }
        Output::Json => {
            let records: Vec<_> = previews.iter().map(Record::of).collect();
            let text = serde_json::to_string_pretty(&records);
            text.expect("strings and lists have a JSON form") + "\n"
        }
    }
}

/// The ends that a pod may meet, the gravest first.
const FATES: [Fate; 6] = [
    Fate::Leaves,
    Fate::Restarts,
    Fate::Starts,
    Fate::RestartsServer,
    Fate::IsTold,
    Fate::Stays,
];

/// How many pods meet which end, in one line.
#[must_use]
pub fn summary(forecast: &Forecast) -> String {
    let told = FATES.into_iter().filter_map(|fate| forecast.counted(fate));
    let told: Vec<_> = told.collect();
    let moved = if forecast.moves_data() {
        "; partitions move"
    } else {
        ""
    };
    format!("{}{moved}", told.join(", "))
}

fn text(preview: &Preview) -> String {
    let (namespace, name) = &preview.cluster;
    let new = if preview.is_new { ", which is new" } else { "" };
    let mut text = format!("{namespace}/{name}{new}\n");
    if !preview.said.remarks.is_empty() {
        text.extend(["\n", &preview.said.render(Form::Text, &Look::default())]);
    }
    if let Some(forecast) = &preview.forecast {
        text.extend(["\n", &table(forecast)]);
        text.push_str(&order(&forecast.order()));
    }
    for hindrance in &preview.hindrances {
        let Hindrance { reason, message } = hindrance;
        let _ = writeln!(text, "\nin the way: {message} [{reason}]");
    }
    let end = match &preview.forecast {
        Some(forecast) => summary(forecast),
        None => format!("it would be refused; {}", preview.said.summary()),
    };
    text.extend(["\n", &end, "\n"]);
    text
}

fn table(forecast: &Forecast) -> String {
    let pods: Vec<_> = forecast.pods().collect();
    let width = pods
        .iter()
        .map(|pod| pod.pod.len())
        .max()
        .unwrap_or(0)
        .max(3);
    let mut text = format!("{:width$}  {:20}  WHY\n", "POD", "WHAT HAPPENS");
    for pod in pods {
        let line = format!(
            "{:width$}  {:20}  {}",
            pod.pod,
            pod.fate.as_str(),
            reasons(pod).join(", ")
        );
        text.extend([line.trim_end(), "\n"]);
    }
    text
}

fn reasons(pod: &PodForecast) -> Vec<String> {
    pod.changes.iter().map(ToString::to_string).collect()
}

fn order(acts: &[Act]) -> String {
    if acts.is_empty() {
        return String::new();
    }
    let mut text = "\nin this order:\n".to_owned();
    for (number, act) in (1..).zip(acts) {
        let happens = act.fate.of(act.pods.len());
        let _ = writeln!(text, "{number:3}. {} {happens}", act.pods.join(", "));
    }
    text
}

#[derive(Serialize)]
struct Record<'a> {
    namespace: &'a str,
    name: &'a str,
    new: bool,
    accepted: bool,
    findings: Vec<FindingRecord<'a>>,
    hindrances: Vec<HindranceRecord<'a>>,
    pods: Vec<PodRecord<'a>>,
    order: Vec<ActRecord>,
}

#[derive(Serialize)]
struct FindingRecord<'a> {
    severity: &'static str,
    code: &'static str,
    field: String,
    message: &'a str,
}

#[derive(Serialize)]
struct HindranceRecord<'a> {
    reason: &'static str,
    message: &'a str,
}

#[derive(Serialize)]
struct PodRecord<'a> {
    pod: &'a str,
    rack: String,
    action: &'static str,
    reasons: Vec<String>,
}

#[derive(Serialize)]
struct ActRecord {
    action: &'static str,
    rack: String,
    pods: Vec<String>,
}

impl<'a> Record<'a> {
    fn of(preview: &'a Preview) -> Self {
        let remarks = preview.said.remarks.iter();
        let forecast = preview.forecast.iter();
        let racks = forecast.clone().flat_map(|forecast| &forecast.racks);
        let pods = racks.flat_map(|rack| {
            let pods = rack.pods.iter();
            pods.map(|pod| PodRecord::of(pod, rack.rack.to_string()))
        });
        Self {
            namespace: &preview.cluster.0,
            name: &preview.cluster.1,
            new: preview.is_new,
            accepted: !preview.said.has_errors(),
            findings: remarks.map(|it| FindingRecord::of(&it.entry)).collect(),
            hindrances: preview.hindrances.iter().map(HindranceRecord::of).collect(),
            pods: pods.collect(),
            order: forecast
                .flat_map(Forecast::order)
                .map(ActRecord::of)
                .collect(),
        }
    }
}

impl<'a> FindingRecord<'a> {
    fn of(entry: &'a Entry) -> Self {
        Self {
            severity: entry.severity.as_str(),
            code: entry.code,
            field: entry.path.to_string(),
            message: &entry.message,
        }
    }
}

impl<'a> HindranceRecord<'a> {
    fn of(hindrance: &'a Hindrance) -> Self {
        Self {
            reason: hindrance.reason,
            message: &hindrance.message,
        }
    }
}

impl<'a> PodRecord<'a> {
    fn of(pod: &'a PodForecast, rack: String) -> Self {
        Self {
            pod: &pod.pod,
            rack,
            action: pod.fate.key(),
            reasons: reasons(pod),
        }
    }
}

impl ActRecord {
    fn of(act: Act) -> Self {
        Self {
            action: act.fate.key(),
            rack: act.rack.to_string(),
            pods: act.pods,
        }
    }
}

#[cfg(test)]
mod tests;

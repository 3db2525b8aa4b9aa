//! Log sinks and their levels.

use super::registry::{Answer, Call};
use crate::conf::table::LOG_LEVELS;

pub fn logs(call: &mut Call<'_>) -> Answer {
    let sinks = call.node.settings.sinks().iter().enumerate();
    Ok(sinks
        .map(|(id, sink)| format!("{id}:{}", sink.name))
        .collect::<Vec<_>>()
        .join(";"))
}

pub fn levels(call: &mut Call<'_>) -> Answer {
    let bare = call.command.separator == Some('/');
    let id: Option<usize> = bare.then(|| call.command.rest.parse().ok()).flatten();
    let sink = id.and_then(|id| call.node.settings.sinks().get(id));
    let sink = sink.ok_or_else(|| call.error(4, "bad sink-id"))?;
    let levels = sink
        .levels
        .iter()
        .map(|(context, level)| format!("{context}:{}", LOG_LEVELS[*level]));
    Ok(levels.collect::<Vec<_>>().join(";"))
}

pub fn set(call: &mut Call<'_>) -> Answer {
    let bad = call.error(4, "bad parameter");
    let sink = call.required("id", 4)?;
    let wanted = call.command.arguments().find(|(name, _)| *name != "id");
    let (context, level) = wanted.ok_or_else(|| bad.clone())?;
    if call.node.settings.set_log_level(sink, context, level) {
        Ok("ok".to_owned())
    } else {
        Err(bad)
    }
}

//! Info commands that make servers do something.

use futures::{StreamExt, stream};

use super::{IN_FLIGHT, Link, TOGETHER, connect, credentials};
use crate::{
    aerospike::{connection::Deadline, info::InfoValue},
    controller::{Context, Error},
    leader::Write,
    plan::{Observed, Order},
    resolve::Desired,
    telemetry::chain,
};

/// What a server answered to an order, or why it was not reached.
pub type Told = Result<InfoValue, String>;

/// Sends an order to its servers, all at once.
///
/// # Errors
///
/// If there is no way to log in, or the lease is about to end.
pub async fn give(
    desired: &Desired,
    observed: &Observed,
    order: &Order,
    context: &Context,
) -> Result<Vec<(String, Told)>, Error> {
    context.lease.permit(Write::Upkeep)?;
    let credentials = credentials(desired, &observed.status, context)
        .await
        .map_err(|_| Error::NoServer)?;
    let deadline = Deadline::within(TOGETHER);
    let tell = async |name: &String| {
        let link = async {
            let pod = observed.pods.get(name);
            let pod = pod.ok_or_else(|| "there is no such pod".to_owned())?;
            connect(desired, pod, &credentials, context, deadline).await
        };
        let told = match link.await {
            Ok((mut link, _)) => one_answer(&mut link, &order.command).await,
            Err(why) => Err(why),
        };
        (name.clone(), told)
    };
    let told: Vec<_> = order.pods.iter().map(tell).collect();
    Ok(stream::iter(told)
        .buffer_unordered(IN_FLIGHT)
        .collect()
        .await)
}

async fn one_answer(link: &mut Link, command: &str) -> Told {
    let answers = link.info(&[command]).await.map_err(|error| chain(&error))?;
    Ok(answers.answer(command).clone())
}

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

/// Tells one server one thing after the other, and ends with the first that it does not obey: how many it obeyed, and what
/// came then.
///
/// # Errors
///
/// If there is no way to log in, or the lease is about to end.
pub async fn tell_in_turn(
    desired: &Desired,
    observed: &Observed,
    pod: &str,
    commands: &[String],
    context: &Context,
) -> Result<(usize, Option<Told>), Error> {
    let mut obeyed = 0;
    for command in commands {
        let order = Order {
            pods: vec![pod.to_owned()],
            command: command.clone(),
        };
        let told = give(desired, observed, &order, context).await?;
        for (_, told) in told {
            match told {
                Ok(InfoValue::Ok(value)) if value.eq_ignore_ascii_case("ok") => obeyed += 1,
                other => return Ok((obeyed, Some(other))),
            }
        }
    }
    Ok((obeyed, None))
}

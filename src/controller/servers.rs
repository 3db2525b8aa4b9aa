//! Asks the servers of a cluster, all at once and under one deadline, and tells them what to do.

mod orders;
mod survey;

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::{
    Context, Error,
    secrets::{Place, Vault},
};
use crate::{
    aerospike::{
        access::{ADMIN, FirstPassword, Installed},
        admin::{Reply, Request},
        connection::{self, Connection, Deadline, Identity, Login, Security, Stream, Target},
        password::PasswordHash,
    },
    api::{
        AerospikeClusterStatus,
        access_control::{AccessControl, AuthMode, User},
    },
    plan::{Access, Observed, Pod, Wait, WaitReason, access_control},
    resolve::{Desired, VolumeKind},
    telemetry::chain,
};

/// For all servers of a pass together.
const TOGETHER: Duration = Duration::from_secs(5);
/// Servers asked at the same time.
const IN_FLIGHT: usize = 32;
/// Key of the password in a user's Secret.
const PASSWORD: &str = "password";

pub use orders::{Told, give, tell_in_turn};
use survey::Survey;

type Link = Connection<Box<dyn Stream>>;

/// One way to become known to a server.
#[derive(Clone)]
struct Credential {
    identity: Identity,
    place: Option<Place>,
    bootstrap: Option<PasswordHash>,
}

/// Asks every pod that serves, then, if users and roles are to be made and all is whole, one of them for what it has.
pub async fn ask_all(desired: &Desired, observed: &mut Observed, context: &Context) {
    let serving: Vec<_> = observed
        .pods
        .iter()
        .filter(|(_, pod)| pod.serves())
        .map(|(name, pod)| (name.clone(), pod.clone()))
        .collect();
    if serving.is_empty() {
        return;
    }
    let credentials = match credentials(desired, &observed.status, context).await {
        Ok(credentials) => credentials,
        Err(wait) => {
            observed.access = Access::Unknown(wait);
            return;
        }
    };
    let survey = Survey::of(desired, observed, &credentials, context);
    observed.servers = survey.ask_all(&serving).await;
    let due = access_control::pending(desired, &observed.status);
    if let Some(declared) = due
        && all_answered(observed, survey.members)
    {
        observed.access = read_access(desired, declared, &serving, &credentials, context).await;
    }
}

fn all_answered(observed: &Observed, members: usize) -> bool {
    let sees_all = |size: u32| usize::try_from(size) == Ok(members);
    let whole = observed.views().filter(|view| sees_all(view.cluster.size));
    whole.count() == members && observed.cluster_keys().len() == 1
}

/// Connects as the first of `credentials` that the server takes.
async fn connect(
    desired: &Desired,
    pod: &Pod,
    credentials: &[Credential],
    context: &Context,
    deadline: Deadline,
) -> Result<(Link, Option<PasswordHash>), String> {
    let address = address(desired, pod.ip)?;
    let mut refusal = "no way to log in".to_owned();
    for (rank, credential) in credentials.iter().enumerate() {
        let target = Target {
            address,
            tls: None,
            login: Login {
                identity: credential.identity.clone(),
                token: (rank == 0)
                    .then(|| context.secrets.session(&pod.uid))
                    .flatten(),
                accept_no_security: true,
            },
        };
        match connection::connect(&target, deadline).await {
            Ok((link, security)) => {
                remember(&context.secrets, rank, &pod.uid, &security);
                return Ok((link, credential.bootstrap.clone()));
            }
            Err(error) if error.refusal().is_some() => {
                context.secrets.forget_session(&pod.uid);
                if let Some(place) = &credential.place {
                    context.secrets.forget_password(place);
                }
                refusal = chain(&error);
            }
            Err(error) => return Err(chain(&error)),
        }
    }
    Err(refusal)
}

/// Only sessions of the first credential are kept: the others end when the password changes.
fn remember(vault: &Vault, rank: usize, pod_uid: &str, security: &Security) {
    if let (0, Security::LoggedIn(session)) = (rank, security) {
        vault.keep_session(pod_uid, session);
    }
}

fn address(desired: &Desired, ip: Option<IpAddr>) -> Result<SocketAddr, String> {
    let ip = ip.ok_or_else(|| "the pod has no IP".to_owned())?;
    let port = desired.network.ports.service.ok_or_else(|| {
        "the configuration has no plain service port, and this version does not speak TLS to servers yet"
            .to_owned()
    })?;
    Ok(SocketAddr::new(ip, port))
}

/// Ways to log in, the likeliest first: the password that is installed, the declared one, that of a fresh server.
async fn credentials(
    desired: &Desired,
    status: &AerospikeClusterStatus,
    context: &Context,
) -> Result<Vec<Credential>, Wait> {
    let declared = desired.spec.aerospike_access_control.as_ref();
    let (true, Some(declared)) = (desired.security, declared) else {
        return Ok(vec![Credential {
            identity: Identity::Nobody,
            place: None,
            bootstrap: None,
        }]);
    };
    let installed = status.mirror.aerospike_access_control.as_ref();
    let mut places: Vec<_> = installed
        .into_iter()
        .chain([declared])
        .filter_map(|access| place_of_admin(desired, access))
        .collect();
    places.dedup();
    let mut credentials = Vec::new();
    for place in places {
        let hash = context.password(&place).await?;
        credentials.push(Credential {
            identity: admin(hash),
            place: Some(place),
            bootstrap: None,
        });
    }
    if installed.is_none() {
        let hash = bootstrap_password(desired, context).await?;
        credentials.push(Credential {
            identity: admin(hash.clone()),
            place: None,
            bootstrap: Some(hash),
        });
    }
    Ok(credentials)
}

fn admin(hash: PasswordHash) -> Identity {
    Identity::Internal {
        user: ADMIN.to_owned(),
        hash,
    }
}

fn place_of_admin(desired: &Desired, access: &AccessControl) -> Option<Place> {
    let admin = access.users.iter().find(|user| user.name == ADMIN)?;
    place_of(desired, admin)
}

fn place_of(desired: &Desired, user: &User) -> Option<Place> {
    let internal = user.auth_mode != Some(AuthMode::PkiOnly);
    let secret = user.secret_name.clone().filter(|_| internal)?;
    Some(Place {
        namespace: desired.identity.namespace.clone(),
        secret,
        key: PASSWORD.to_owned(),
    })
}

/// The administrator's password on a fresh server: from the file that the configuration names, if a Secret holds it.
async fn bootstrap_password(desired: &Desired, context: &Context) -> Result<PasswordHash, Wait> {
    match default_password_place(desired) {
        Some(place) => context.password(&place).await,
        None => Ok(PasswordHash::bootstrap()),
    }
}

fn default_password_place(desired: &Desired) -> Option<Place> {
    let security = desired.spec.aerospike_config.get("security")?;
    let file = security.get("default-password-file")?.as_str()?;
    let (folder, key) = file.rsplit_once('/')?;
    let volumes = &desired.racks.first()?.storage.volumes;
    volumes.iter().find_map(|volume| {
        let mounted = volume.server.as_ref()?.path.trim_end_matches('/') == folder;
        match &volume.kind {
            VolumeKind::Secret(source) if mounted => Some(Place {
                namespace: desired.identity.namespace.clone(),
                secret: source.secret_name.clone()?,
                key: key.to_owned(),
            }),
            _ => None,
        }
    })
}

async fn read_access(
    desired: &Desired,
    declared: &AccessControl,
    serving: &[(String, Pod)],
    credentials: &[Credential],
    context: &Context,
) -> Access {
    let deadline = Deadline::within(TOGETHER);
    let Some((_, pod)) = serving.first() else {
        return Access::NotRead;
    };
    let read = async {
        let (mut link, bootstrap) = connect(desired, pod, credentials, context, deadline).await?;
        let installed = installed(&mut link).await.map_err(|error| chain(&error))?;
        Ok::<_, String>((installed, bootstrap))
    };
    let (installed, bootstrap) = match read.await {
        Ok(read) => read,
        Err(why) => return Access::Unknown(Wait::new(WaitReason::AccessControl, why)),
    };
    let passwords = match declared_passwords(desired, declared, context).await {
        Ok(passwords) => passwords,
        Err(wait) => return Access::Unknown(wait),
    };
    let first_password = bootstrap.and_then(|bootstrap| {
        Some(FirstPassword {
            bootstrap,
            declared: passwords.get(ADMIN)?.clone(),
        })
    });
    Access::Known {
        installed,
        passwords,
        first_password,
    }
}

async fn installed(link: &mut Link) -> Result<Installed, connection::Error> {
    let mut installed = Installed::default();
    if let Reply::Roles(roles) = link.admin(&Request::QueryRoles { role: None }).await? {
        installed.roles = roles;
    }
    if let Reply::Users(users) = link.admin(&Request::QueryUsers { user: None }).await? {
        installed.users = users;
    }
    Ok(installed)
}

async fn declared_passwords(
    desired: &Desired,
    declared: &AccessControl,
    context: &Context,
) -> Result<BTreeMap<String, PasswordHash>, Wait> {
    let mut passwords = BTreeMap::new();
    for user in &declared.users {
        if let Some(place) = place_of(desired, user) {
            passwords.insert(user.name.clone(), context.password(&place).await?);
        }
    }
    Ok(passwords)
}

/// A connection for changing users and roles, to any server that takes it.
///
/// # Errors
///
/// If none does.
pub async fn administrator(
    desired: &Desired,
    observed: &Observed,
    context: &Context,
) -> Result<Link, Error> {
    let credentials = credentials(desired, &observed.status, context)
        .await
        .map_err(|_| Error::NoServer)?;
    let deadline = Deadline::within(TOGETHER);
    for pod in observed.pods.values().filter(|pod| pod.serves()) {
        if let Ok((link, _)) = connect(desired, pod, &credentials, context, deadline).await {
            return Ok(link);
        }
    }
    Err(Error::NoServer)
}

//! The commands of the admin protocol.

use std::collections::BTreeSet;

use super::privilege::{Access, Code, Privilege};
use super::result;
use super::session::{Caller, Sessions};
use super::store::{Directory, Role, User, is_whitelist, role_key, user_key};
use crate::smd::Smd;
use crate::version::Version;
use crate::wire::admin::{Reply, Request, field, names};

/// What a command works on.
pub struct Desk<'a> {
    /// Users and roles.
    pub smd: &'a mut Smd,
    /// Sessions of this node.
    pub sessions: &'a mut Sessions,
    /// The server's version.
    pub version: Version,
    /// Whether quotas may be set.
    pub quotas: bool,
    /// How long a session lasts, in seconds.
    pub session_ttl: u32,
    /// Now, in milliseconds.
    pub now: u64,
    /// Bytes nobody can guess, should a session be opened.
    pub token: Vec<u8>,
}

type Outcome = Result<Vec<u8>, u8>;
type Handler = fn(&mut Desk<'_>, &mut Caller, &Request) -> Outcome;

struct Command {
    number: u8,
    needs: Need,
    run: Handler,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Anybody.
    Nothing,
    /// A login.
    Login,
    /// The right to administer users.
    UserAdmin,
}

const fn command(number: u8, needs: Need, run: Handler) -> Command {
    Command { number, needs, run }
}

const COMMANDS: &[Command] = &[
    command(0, Need::Nothing, authenticate),
    command(1, Need::UserAdmin, create_user),
    command(2, Need::UserAdmin, drop_user),
    command(3, Need::UserAdmin, set_password),
    command(4, Need::Login, change_password),
    command(5, Need::UserAdmin, grant_roles),
    command(6, Need::UserAdmin, revoke_roles),
    command(9, Need::Login, query_users),
    command(10, Need::UserAdmin, create_role),
    command(11, Need::UserAdmin, drop_role),
    command(12, Need::UserAdmin, grant_privileges),
    command(13, Need::UserAdmin, revoke_privileges),
    command(14, Need::UserAdmin, set_whitelist),
    command(15, Need::UserAdmin, set_quotas),
    command(16, Need::Login, query_roles),
    command(20, Need::Nothing, login),
];

/// Runs a command; `caller` becomes somebody by logging in.
pub fn answer(desk: &mut Desk<'_>, caller: &mut Caller, request: &Request) -> Vec<u8> {
    run(desk, caller, request).unwrap_or_else(|result| Reply::default().finish(result))
}

fn run(desk: &mut Desk<'_>, caller: &mut Caller, request: &Request) -> Outcome {
    let command = COMMANDS
        .iter()
        .find(|command| command.number == request.command);
    let command = command.ok_or(result::BAD_COMMAND)?;
    match (&caller.user, command.needs) {
        (None, Need::Login | Need::UserAdmin) => return Err(result::NOT_AUTHENTICATED),
        (Some(user), Need::UserAdmin) if !desk.directory().allows(user, Access::Users) => {
            return Err(result::ROLE_VIOLATION);
        }
        _ => {}
    }
    (command.run)(desk, caller, request)
}

impl Desk<'_> {
    fn directory(&self) -> Directory<'_> {
        Directory::of(self.smd, self.version)
    }

    fn change_user(&mut self, request: &Request, change: impl FnOnce(&mut User)) -> Outcome {
        let name = name(request, field::USER, result::BAD_USER)?;
        let mut user = self.directory().user(&name).ok_or(result::BAD_USER)?;
        change(&mut user);
        self.smd.put(&user_key(&name), &user, self.now);
        Ok(done())
    }

    fn change_role(&mut self, request: &Request, change: impl FnOnce(&mut Role)) -> Outcome {
        let name = self.own_role(request)?;
        let mut role: Role = self.smd.get(&role_key(&name)).ok_or(result::BAD_ROLE)?;
        change(&mut role);
        self.smd.put(&role_key(&name), &role, self.now);
        Ok(done())
    }

    /// The name of a role that is not there from the start: those cannot be changed.
    fn own_role(&self, request: &Request) -> Result<String, u8> {
        let name = name(request, field::ROLE, result::BAD_ROLE)?;
        let given = Code::of_role(&name, self.version).is_some();
        if given {
            Err(result::BAD_ROLE)
        } else {
            Ok(name)
        }
    }

    fn roles(&self, request: &Request) -> Result<BTreeSet<String>, u8> {
        let roles = request.names(field::ROLES).map_err(|_| result::BAD_FIELD)?;
        let known = roles
            .iter()
            .all(|role| self.directory().role(role).is_some());
        if known {
            Ok(roles.into_iter().collect())
        } else {
            Err(result::BAD_ROLE)
        }
    }

    fn privileges(&self, request: &Request) -> Result<Vec<Privilege>, u8> {
        let content = request.bytes(field::PRIVILEGES).unwrap_or(&[0]);
        let privileges = Privilege::read_list(content).map_err(|_| result::BAD_PRIVILEGE)?;
        let sound = |it: &Privilege| {
            it.code.exists(self.version) && (it.set.is_empty() || !it.namespace.is_empty())
        };
        if privileges.iter().all(sound) {
            Ok(privileges)
        } else {
            Err(result::BAD_PRIVILEGE)
        }
    }

    fn quota(&self, request: &Request, id: u8) -> Result<u32, u8> {
        let quota = request.number(id).unwrap_or(0);
        if quota != 0 && !self.quotas {
            Err(result::QUOTAS_NOT_ENABLED)
        } else {
            Ok(quota)
        }
    }
}

fn done() -> Vec<u8> {
    Reply::default().finish(result::OK)
}

fn name(request: &Request, id: u8, otherwise: u8) -> Result<String, u8> {
    request
        .text(id)
        .filter(|name| (1..=63).contains(&name.len()))
        .ok_or(otherwise)
}

fn hash(request: &Request, id: u8) -> Result<String, u8> {
    request
        .text(id)
        .filter(|hash| hash.len() == 60 && hash.starts_with("$2"))
        .ok_or(result::BAD_PASSWORD)
}

fn login(desk: &mut Desk<'_>, caller: &mut Caller, request: &Request) -> Outcome {
    let name = name(request, field::USER, result::BAD_USER)?;
    let credential = request
        .text(field::CREDENTIAL)
        .ok_or(result::BAD_CREDENTIAL)?;
    let user = desk.directory().user(&name).ok_or(result::BAD_USER)?;
    if user.hash != credential {
        return Err(result::BAD_PASSWORD);
    }
    if !desk.directory().admits(&name, caller.address) {
        return Err(result::NOT_WHITELISTED);
    }
    desk.sessions.open(
        desk.token.clone(),
        &name,
        desk.now + u64::from(desk.session_ttl) * 1000,
    );
    caller.user = Some(name);
    let reply = Reply::default().with(field::SESSION_TOKEN, &desk.token);
    Ok(reply
        .with(field::SESSION_TTL, &desk.session_ttl.to_be_bytes())
        .finish(result::OK))
}

fn authenticate(desk: &mut Desk<'_>, caller: &mut Caller, request: &Request) -> Outcome {
    let token = request
        .bytes(field::SESSION_TOKEN)
        .ok_or(result::BAD_CREDENTIAL)?;
    let user = desk
        .sessions
        .user(token, desk.now)
        .ok_or(result::EXPIRED_SESSION)?;
    if request.text(field::USER).is_some_and(|name| name != user) {
        return Err(result::BAD_USER);
    }
    if !desk.directory().admits(&user, caller.address) {
        return Err(result::NOT_WHITELISTED);
    }
    caller.user = Some(user);
    Ok(done())
}

fn create_user(desk: &mut Desk<'_>, _: &mut Caller, request: &Request) -> Outcome {
    let name = name(request, field::USER, result::BAD_USER)?;
    if desk.directory().user(&name).is_some() {
        return Err(result::USER_EXISTS);
    }
    let (hash, roles) = (hash(request, field::PASSWORD)?, desk.roles(request)?);
    desk.smd
        .put(&user_key(&name), &User { hash, roles }, desk.now);
    Ok(done())
}

fn drop_user(desk: &mut Desk<'_>, _: &mut Caller, request: &Request) -> Outcome {
    let name = name(request, field::USER, result::BAD_USER)?;
    desk.directory().user(&name).ok_or(result::BAD_USER)?;
    desk.smd.remove(&user_key(&name), desk.now);
    desk.sessions.close_all(&name);
    Ok(done())
}

fn set_password(desk: &mut Desk<'_>, _: &mut Caller, request: &Request) -> Outcome {
    let hash = hash(request, field::PASSWORD)?;
    desk.change_user(request, |user| user.hash = hash)
}

fn change_password(desk: &mut Desk<'_>, caller: &mut Caller, request: &Request) -> Outcome {
    let name = name(request, field::USER, result::BAD_USER)?;
    if caller.user.as_ref() != Some(&name) {
        return Err(result::ROLE_VIOLATION);
    }
    let old = request.text(field::OLD_PASSWORD);
    if desk.directory().user(&name).map(|user| user.hash) != old {
        return Err(result::BAD_PASSWORD);
    }
    set_password(desk, caller, request)
}

fn grant_roles(desk: &mut Desk<'_>, _: &mut Caller, request: &Request) -> Outcome {
    let roles = desk.roles(request)?;
    desk.change_user(request, |user| user.roles.extend(roles))
}

fn revoke_roles(desk: &mut Desk<'_>, _: &mut Caller, request: &Request) -> Outcome {
    let roles = request.names(field::ROLES).map_err(|_| result::BAD_FIELD)?;
    desk.change_user(request, |user| {
        user.roles.retain(|role| !roles.contains(role));
    })
}

fn create_role(desk: &mut Desk<'_>, _: &mut Caller, request: &Request) -> Outcome {
    let name = name(request, field::ROLE, result::BAD_ROLE)?;
    if desk.directory().role(&name).is_some() {
        return Err(result::ROLE_EXISTS);
    }
    let privileges = desk.privileges(request)?.into_iter().collect();
    let whitelist = request.text(field::WHITELIST).unwrap_or_default();
    if request.bytes(field::WHITELIST).is_some() && !is_whitelist(&whitelist) {
        return Err(result::BAD_WHITELIST);
    }
    let read_quota = desk.quota(request, field::READ_QUOTA)?;
    let write_quota = desk.quota(request, field::WRITE_QUOTA)?;
    desk.smd.put(
        &role_key(&name),
        &Role {
            privileges,
            whitelist,
            read_quota,
            write_quota,
        },
        desk.now,
    );
    Ok(done())
}

fn drop_role(desk: &mut Desk<'_>, _: &mut Caller, request: &Request) -> Outcome {
    let name = desk.own_role(request)?;
    if !desk.smd.has(&role_key(&name)) {
        return Err(result::BAD_ROLE);
    }
    desk.smd.remove(&role_key(&name), desk.now);
    Ok(done())
}

fn grant_privileges(desk: &mut Desk<'_>, _: &mut Caller, request: &Request) -> Outcome {
    let privileges = desk.privileges(request)?;
    desk.change_role(request, |role| role.privileges.extend(privileges))
}

fn revoke_privileges(desk: &mut Desk<'_>, _: &mut Caller, request: &Request) -> Outcome {
    let privileges = desk.privileges(request)?;
    desk.change_role(request, |role| {
        role.privileges.retain(|it| !privileges.contains(it));
    })
}

fn set_whitelist(desk: &mut Desk<'_>, _: &mut Caller, request: &Request) -> Outcome {
    let whitelist = request.text(field::WHITELIST);
    if whitelist.as_ref().is_some_and(|text| !is_whitelist(text)) {
        return Err(result::BAD_WHITELIST);
    }
    desk.change_role(request, |role| {
        role.whitelist = whitelist.unwrap_or_default();
    })
}

fn set_quotas(desk: &mut Desk<'_>, _: &mut Caller, request: &Request) -> Outcome {
    if !desk.quotas {
        return Err(result::QUOTAS_NOT_ENABLED);
    }
    let quotas = (
        request.number(field::READ_QUOTA),
        request.number(field::WRITE_QUOTA),
    );
    desk.change_role(request, |role| {
        role.read_quota = quotas.0.unwrap_or(role.read_quota);
        role.write_quota = quotas.1.unwrap_or(role.write_quota);
    })
}

fn query_users(desk: &mut Desk<'_>, caller: &mut Caller, request: &Request) -> Outcome {
    let asked = request.text(field::USER);
    let own = asked.is_some() && asked == caller.user;
    let user = caller.user.clone().unwrap_or_default();
    if !own && !desk.directory().allows(&user, Access::Users) {
        return Err(result::ROLE_VIOLATION);
    }
    let directory = desk.directory();
    let names = asked.map_or_else(|| directory.users(), |name| vec![name]);
    let found = names
        .iter()
        .filter_map(|name| Some((name.as_str(), directory.user(name)?)));
    let records: Vec<_> = found.map(|(name, user)| user_record(name, &user)).collect();
    stream(&records, result::BAD_USER)
}

fn user_record(name: &str, user: &User) -> Vec<u8> {
    let roles = names(
        user.roles
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .into_iter(),
    );
    let figures = [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    Reply::default()
        .with(field::USER, name.as_bytes())
        .with(field::ROLES, &roles)
        .with(field::READ_STATISTICS, &figures)
        .with(field::WRITE_STATISTICS, &figures)
        .with(field::CONNECTIONS, &0_u32.to_be_bytes())
        .finish(result::OK)
}

fn query_roles(desk: &mut Desk<'_>, _: &mut Caller, request: &Request) -> Outcome {
    let directory = desk.directory();
    let names = request
        .text(field::ROLE)
        .map_or_else(|| directory.roles(), |name| vec![name]);
    let found = names
        .iter()
        .filter_map(|name| Some((name.as_str(), directory.role(name)?)));
    let records: Vec<_> = found.map(|(name, role)| role_record(name, &role)).collect();
    stream(&records, result::BAD_ROLE)
}

fn role_record(name: &str, role: &Role) -> Vec<u8> {
    let privileges = Privilege::write_list(role.privileges.iter().collect::<Vec<_>>().into_iter());
    let reply = Reply::default()
        .with(field::ROLE, name.as_bytes())
        .with(field::PRIVILEGES, &privileges);
    let reply = match role.whitelist.as_str() {
        "" => reply,
        whitelist => reply.with(field::WHITELIST, whitelist.as_bytes()),
    };
    let quota = |reply: Reply, id: u8, quota: u32| match quota {
        0 => reply,
        quota => reply.with(id, &quota.to_be_bytes()),
    };
    let reply = quota(reply, field::READ_QUOTA, role.read_quota);
    quota(reply, field::WRITE_QUOTA, role.write_quota).finish(result::OK)
}

fn stream(records: &[Vec<u8>], nothing: u8) -> Outcome {
    if records.is_empty() {
        return Err(nothing);
    }
    let mut stream = records.concat();
    stream.extend(Reply::default().finish(result::END));
    Ok(stream)
}

//! From what a rule opens to addresses: each service after a look at how it stands.
//! Knows no protocols.

use super::{Stop, World};
use crate::decide::policy::{Network, Service, ServiceKind};
use crate::decide::{Grant, Policy};
use crate::execute::posture::{self, Checkable, Login, Unfit};
use crate::execute::sandbox::Reach;

/// What a command may reach by `grant`.
///
/// # Errors
/// The first service that is down, stands open, or cannot be checked and is not trusted.
pub(super) fn reach(grant: &Grant, policy: &Policy, world: &World) -> Result<Reach, Stop> {
    if grant.runner.is_some() {
        return Ok(Reach::default());
    }
    let mut reach = match grant.network {
        Network::None => Reach::default(),
        Network::Loopback => Reach::own(),
        Network::Hosts => Reach { hosts: grant.hosts.clone(), ..Reach::own() },
    };
    for name in &grant.services {
        let service = policy.settings().services.iter().find(|service| service.name == *name);
        let stop = |cause: String, help: &str| Stop::Service { name: name.clone(), cause, help: help.to_owned() };
        let service = service.ok_or_else(|| stop("the policy does not say where it is".to_owned(), NAMED))?;
        look(service, world).map_err(|unfit| {
            let help = match &unfit {
                Unfit::Down(_) => "start it, or take it out of the rule's `services`",
                Unfit::Unknown(_) => "a person who knows how it stands sets `trusted = true` on the service",
                Unfit::Open(_) => "give commands a user and a server of their own with no such rights; a person who accepts that sets `trusted = true` on the service",
            };
            stop(unfit.to_string(), help)
        })?;
        reach.services.push(service.address);
    }
    Ok(reach)
}

const NAMED: &str = "write a `[[service]]` with its name and address";

fn look(service: &Service, world: &World) -> Result<(), Unfit> {
    let kind = match service.kind {
        _ if service.trusted => return posture::answers(service.address),
        ServiceKind::Postgres => Checkable::Postgres,
        ServiceKind::Redis => Checkable::Redis,
        ServiceKind::Questdb | ServiceKind::Http | ServiceKind::Tcp => {
            posture::answers(service.address)?;
            return Err(Unfit::Unknown("guard knows no way for its kind".to_owned()));
        }
    };
    let login = match &service.url_env {
        None => None,
        Some(name) => {
            let url = world.variable(name).and_then(|value| value.to_str().map(str::to_owned));
            let url = url.ok_or_else(|| Unfit::Unknown(format!("`{name}` is not set")))?;
            Some(Login::of_url(&url).ok_or_else(|| Unfit::Unknown(format!("`{name}` is not a URL")))?)
        }
    };
    posture::check(kind, service.address, login.as_ref())
}

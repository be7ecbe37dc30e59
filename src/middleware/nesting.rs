//! Layers around layers: which one gives a request its session.

use std::sync::Arc;

use http::Extensions;

use crate::middleware::{handle::Given, lazy::LazySession, session::Session, settings::Settings};

/// Sessions of layers further out than the innermost one so far.
#[derive(Clone, Default)]
struct Outer(Vec<Given>);

/// Whether a layer of the same cookie is around this one: then its session is what the service
/// inside finds. Else nothing is left there that could be taken for the session of this layer.
pub(super) fn is_inside_its_like(extensions: &mut Extensions, settings: &Arc<Settings>) -> bool {
    let Some(innermost) = innermost_of(extensions) else {
        return false;
    };
    let Outer(mut around) = extensions.remove().unwrap_or_default();
    around.push(innermost);
    let name = settings.cookie.name();
    let is_like = |given: &Given| given.settings().cookie.name() == name;
    let like = around.iter().position(is_like).map(|at| around.remove(at));
    extensions.insert(Outer(around));
    let Some(like) = like else {
        return false;
    };
    if !Arc::ptr_eq(like.settings(), settings) {
        tracing::warn!("two session layers of one cookie name: the inner one does nothing");
    }
    like.put_into(extensions);
    true
}

fn innermost_of(extensions: &mut Extensions) -> Option<Given> {
    let lazy = extensions.remove::<LazySession>();
    let eager = extensions.remove::<Session>();
    eager.map(Given::Eager).or(lazy.map(Given::Lazy))
}

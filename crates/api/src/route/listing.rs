//! What there is in a PEN, sort by sort and page by page.

use std::sync::Arc;

use axum::{Json, extract::State};
use stratus_engine::{Command, Listing, Reply};

use super::{
    Answer, COMMAND_WAIT,
    page::{Pages, page},
    unexpected,
};
use crate::{
    Site,
    input::Asked,
    login::Owner,
    openapi::{About, Routes, about},
    problem::Refusal,
    shape,
};

pub(super) fn routes() -> Routes {
    let list = |what| -> About { about(what).asks::<Pages>() };
    let rulesets = list("The PEN's rulesets").answers::<shape::Rulesets>();
    let subscriptions = list("The PEN's subscriptions").answers::<shape::Subscriptions>();
    Routes::new()
        .get(
            "/channels",
            channels,
            list("The PEN's channels").answers::<shape::Channels>(),
        )
        .get(
            "/invites",
            invites,
            list("Invites that can be used").answers::<shape::Invites>(),
        )
        .get("/rulesets", rulesets_of, rulesets)
        .get("/subscriptions", subscriptions_of, subscriptions)
        .get(
            "/timers",
            timers,
            list("Events to come").answers::<shape::Timers>(),
        )
}

async fn channels(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Asked(pages): Asked<Pages>,
) -> Answer<shape::Channels> {
    let all = shape::Pen::new(owner.pen, listing(&site, &owner).await?).channels;
    let (items, next) = page(all.into_iter(), &pages, |one| one.eci.clone());
    Ok(Json(shape::Channels { items, next }))
}

async fn invites(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Asked(pages): Asked<Pages>,
) -> Answer<shape::Invites> {
    let all = shape::Pen::new(owner.pen, listing(&site, &owner).await?).invites;
    let (items, next) = page(all.into_iter(), &pages, |one| one.id.clone());
    Ok(Json(shape::Invites { items, next }))
}

async fn rulesets_of(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Asked(pages): Asked<Pages>,
) -> Answer<shape::Rulesets> {
    let all = shape::Pen::new(owner.pen, listing(&site, &owner).await?).rulesets;
    let (items, next) = page(all.into_iter(), &pages, |one| one.rid.clone());
    Ok(Json(shape::Rulesets { items, next }))
}

async fn subscriptions_of(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Asked(pages): Asked<Pages>,
) -> Answer<shape::Subscriptions> {
    let all = shape::Pen::new(owner.pen, listing(&site, &owner).await?).subscriptions;
    let (items, next) = page(all.into_iter(), &pages, |one| one.id.clone());
    Ok(Json(shape::Subscriptions { items, next }))
}

async fn timers(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Asked(pages): Asked<Pages>,
) -> Answer<shape::Timers> {
    let all = shape::Pen::new(owner.pen, listing(&site, &owner).await?).timers;
    let (items, next) = page(all.into_iter(), &pages, |one| one.id.clone());
    Ok(Json(shape::Timers { items, next }))
}

async fn listing(site: &Site, owner: &Owner) -> Result<Listing, Refusal> {
    let command = Command::List { pen: owner.pen };
    match site.desk.ask(command, COMMAND_WAIT).await? {
        Reply::Listing(listing) => Ok(*listing),
        other => Err(unexpected(&other)),
    }
}

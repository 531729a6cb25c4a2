//! Lists in pages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Account, Channel, Invite, Ruleset, Subscription, Timer};

macro_rules! pages {
    ($($(#[$about:meta])* $page:ident of $item:ident;)*) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
        pub struct $page {
            /// The items of this page, in the order of what names them.
            pub items: Vec<$item>,
            /// Give it as `after` to see more; none if there are no more.
            pub next: Option<String>,
        }
    )*};
}

pages! {
    /// `GET /api/v1/accounts`
    Accounts of Account;
    /// `GET /api/v1/channels`
    Channels of Channel;
    /// `GET /api/v1/invites`
    Invites of Invite;
    /// `GET /api/v1/rulesets`
    Rulesets of Ruleset;
    /// `GET /api/v1/subscriptions`
    Subscriptions of Subscription;
    /// `GET /api/v1/timers`
    Timers of Timer;
}

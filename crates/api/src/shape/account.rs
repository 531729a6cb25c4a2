//! Accounts, and what lets their owners in.

use serde::{Deserialize, Serialize};
use stratus_engine::{AccountListing, Credential, Scopes};
use stratus_event::{Fault, Whose};
use utoipa::ToSchema;

use super::hexadecimal;

/// Somebody who owns a PEN of this node, and its children.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// What it is called.
    pub name: String,
    /// Its PEN.
    pub pen: String,
    /// It is the account of the node's operator.
    pub operator: bool,
    /// It has a password.
    pub has_password: bool,
    /// Since when it is there.
    pub made: String,
}

impl Account {
    pub(crate) fn new(account: &AccountListing) -> Self {
        Self {
            name: account.name.to_string(),
            pen: account.pen.to_string(),
            operator: account.operator,
            has_password: account.has_password,
            made: account.made.to_string(),
        }
    }
}

/// `POST /api/v1/accounts`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeAccount {
    /// What it is to be called.
    pub name: String,
    /// Its password; without one it is entered by a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// `PUT /api/v1/password` and `PUT /api/v1/accounts/{name}/password`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPassword {
    /// The password from now on.
    pub password: String,
    /// The one until now: an owner who has one has to know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
}

/// `POST /api/v1/accounts/{name}/links`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Link {
    /// Whoever opens it first is logged in.
    pub url: String,
    /// The secret in it.
    pub link: String,
    /// Until when.
    pub expires: String,
}

/// `POST /api/v1/sessions`: `account` and `password`, or `link`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    /// Which account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Its password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The secret of a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// Who asks: `GET /api/v1/session`, and the answer to a login.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Her account.
    pub account: String,
    /// Her PEN, the root of all that are hers.
    pub pen: String,
    /// She is the node's operator and showed the token of the data directory.
    pub operator: bool,
    /// What she may do.
    pub scopes: Vec<Scope>,
    /// When that ends; none of the operator's token.
    pub expires: Option<String>,
}

/// What a token permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Raise events.
    Event,
    /// Change everything else.
    Manage,
    /// See everything, and ask queries.
    Read,
}

impl Scope {
    pub(crate) fn all(scopes: Scopes) -> Vec<Self> {
        let all = [
            (Self::Event, scopes.event),
            (Self::Manage, scopes.manage),
            (Self::Read, scopes.read),
        ];
        let has = all.into_iter().filter(|(_, has)| *has);
        has.map(|(scope, _)| scope).collect()
    }

    pub(crate) fn scopes(wanted: &[Self]) -> Result<Scopes, Fault> {
        if wanted.is_empty() {
            let message = "a token without scopes would be good for nothing";
            return Err(Fault::new(Whose::Caller, "scope-missing", message)
                .hint("say one or more of read, event and manage"));
        }
        Ok(Scopes {
            event: wanted.contains(&Self::Event),
            manage: wanted.contains(&Self::Manage),
            read: wanted.contains(&Self::Read),
        })
    }
}

/// `POST /api/v1/tokens`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeToken {
    /// What it is to be called, such as the program that uses it.
    pub name: String,
    /// What it permits.
    pub scopes: Vec<Scope>,
    /// For how long, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_s: Option<u64>,
    /// Whose it is to be; only the operator may say another's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// A token that was just made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// The secret. It is shown this once.
    pub token: String,
    /// What can be seen of it later.
    #[serde(flatten)]
    pub kept: Kept,
}

/// A session, a link or a token, as it can be seen later.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Kept {
    /// Its id, by which it can be ended.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it permits.
    pub scopes: Vec<Scope>,
    /// Since when it is there.
    pub made: String,
    /// When it ends.
    pub expires: String,
    /// It is the one that this very request showed.
    pub current: bool,
}

impl Kept {
    pub(crate) fn new(hash: &[u8; 32], credential: &Credential, shown: Option<[u8; 32]>) -> Self {
        let id = hash.first_chunk().copied().unwrap_or_default();
        Self {
            id: hexadecimal(id),
            name: credential.label.clone(),
            scopes: Scope::all(credential.scopes),
            made: credential.made.to_string(),
            expires: credential.expires.to_string(),
            current: shown == Some(*hash),
        }
    }
}

/// `GET /api/v1/sessions` and `GET /api/v1/tokens`: there are never more than a page.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeptList {
    /// The oldest first.
    pub items: Vec<Kept>,
}

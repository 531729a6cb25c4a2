//! Accounts: who owns which PENs of the node, and what proves it.
//!
//! The engine sees no secret. A password comes as its hash, and every other secret as a hash of
//! something that nobody can guess, so that finding it is comparing it.

use std::collections::BTreeMap;

use stratus_event::{Eci, Fault, Name, PenId, Timestamp, Whose};

use crate::{
    CommandId, Engine, Key, Record, Reply,
    commit::Draft,
    names::{OPERATOR, OWNER, fixed},
};

/// Somebody who owns a PEN of this node, and its children.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Her PEN: the root of all that are hers.
    pub pen: PenId,
    /// The channel by which her own events come into it.
    pub channel: Eci,
    /// Her password as a PHC string (salted and slow to guess); none if she has none.
    pub password: Option<String>,
    /// Since when she has the account.
    pub made: Timestamp,
}

/// A secret that lets in whoever shows it. It stands under its hash.
#[derive(Clone, Debug, PartialEq)]
pub struct Credential {
    /// Whom it speaks for.
    pub account: Name,
    /// What it is for.
    pub kind: CredentialKind,
    /// What its owner calls it, such as `laptop`.
    pub label: String,
    /// What its holder may do.
    pub scopes: Scopes,
    /// Since when it is there.
    pub made: Timestamp,
    /// From then on it lets nobody in.
    pub expires: Timestamp,
}

/// What a credential is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CredentialKind {
    /// Makes one session, and is used up by that.
    Link,
    /// Keeps a browser logged in.
    Session,
    /// Lets a program in.
    Token,
}

/// What the holder of a credential may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes {
    /// Raise events.
    pub event: bool,
    /// Change everything else.
    pub manage: bool,
    /// See everything, and ask queries.
    pub read: bool,
}

impl Scopes {
    /// All that an owner herself may do.
    pub const ALL: Self = Self {
        event: true,
        manage: true,
        read: true,
    };

    /// Whether these permit nothing that the others do not.
    pub fn are_within(self, others: Self) -> bool {
        (!self.event || others.event)
            && (!self.manage || others.manage)
            && (!self.read || others.read)
    }
}

/// What is wanted of the accounts. Who may want it is the asker's to know.
#[derive(Clone, Debug, PartialEq)]
pub enum AccountCommand {
    /// Make an account and its PEN; answered by [`Reply::Account`].
    Create {
        /// What it is called.
        name: Name,
        /// Its password as a PHC string, if it is to have one.
        password: Option<String>,
    },
    /// The credentials of an account that are in force; answered by [`Reply::Credentials`].
    Credentials {
        /// Which account.
        account: Name,
    },
    /// Make a session of a link, which is used up by that; answered by [`Reply::Account`], or by
    /// `login-wrong` if there is no such link.
    Exchange {
        /// The hash of the link's secret.
        link: [u8; 32],
        /// The hash of the session's secret.
        session: [u8; 32],
        /// When the session ends.
        expires: Timestamp,
    },
    /// Whether a channel is one of a PEN's: answered by [`Reply::Done`], or by `channel-unknown` if
    /// it is not.
    Holds {
        /// Which PEN.
        pen: PenId,
        /// Which channel.
        channel: Eci,
    },
    /// Who shows something, and about which PEN; answered by [`Reply::Identity`].
    Identify {
        /// What she shows.
        shown: Shown,
        /// The PEN that she speaks of; her own if she names none.
        pen: Option<PenId>,
    },
    /// Make a credential; answered by [`Reply::Done`].
    Issue {
        /// The hash of its secret.
        hash: [u8; 32],
        /// What it is.
        credential: Credential,
    },
    /// All accounts; answered by [`Reply::Accounts`].
    List,
    /// The account of the node's operator; made at the first time. Answered by
    /// [`Reply::Account`].
    Operator {
        /// What her PEN is called, if one has to be made.
        pen_name: String,
        /// The PEN that is hers because the node is of a version without accounts, and the channel
        /// of its owner.
        adopt: Option<(PenId, Eci)>,
    },
    /// The hash of an account's password; answered by [`Reply::Password`].
    Password {
        /// Which account, if it is there.
        account: Name,
    },
    /// Take an account out, with all that lets somebody in; its PENs stay, and are nobody's.
    /// Answered by [`Reply::Done`].
    Remove {
        /// Which.
        account: Name,
    },
    /// End a credential, effective at once; answered by [`Reply::Done`].
    Revoke {
        /// Whose.
        account: Name,
        /// The first half of its hash.
        credential: [u8; 16],
    },
    /// Set the password; whoever is logged in has to do it again. Answered by [`Reply::Done`].
    SetPassword {
        /// Of which account.
        account: Name,
        /// As a PHC string.
        password: String,
    },
}

/// What somebody shows who wants to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A secret with this hash, which is a credential of that kind.
    Credential([u8; 32], CredentialKind),
    /// What only the node's operator has.
    Operator,
}

/// Who asks, and about which PEN.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// Her account.
    pub account: Name,
    /// The root of her PENs.
    pub root: PenId,
    /// The PEN that she speaks of, which is one of hers.
    pub pen: PenId,
    /// The channel by which an owner's events come into that PEN.
    pub channel: Eci,
    /// What she may do.
    pub scopes: Scopes,
    /// The credential that she showed and when it ends; none of the operator.
    pub credential: Option<([u8; 32], Timestamp)>,
}

/// An account in a listing.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountListing {
    /// What it is called.
    pub name: Name,
    /// Its PEN.
    pub pen: PenId,
    /// It is the operator's.
    pub operator: bool,
    /// It has a password.
    pub has_password: bool,
    /// Since when it is there.
    pub made: Timestamp,
}

/// The accounts of a node.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    accounts: BTreeMap<Name, Account>,
    credentials: BTreeMap<[u8; 32], Credential>,
}

impl Accounts {
    pub(crate) fn restore_account(&mut self, name: Name, account: Account) {
        self.accounts.insert(name, account);
    }

    pub(crate) fn restore_credential(&mut self, hash: [u8; 32], credential: Credential) {
        self.credentials.insert(hash, credential);
    }

    fn put_account(&mut self, name: Name, account: Account, draft: &mut Draft) {
        let record = Record::Account(account.clone());
        draft.put(Key::Account(name.clone()), record);
        self.accounts.insert(name, account);
    }

    fn put_credential(&mut self, hash: [u8; 32], credential: Credential, draft: &mut Draft) {
        let record = Record::Credential(credential.clone());
        draft.put(Key::Credential(hash), record);
        self.credentials.insert(hash, credential);
    }

    /// Ends the credentials of which that is true.
    fn end(&mut self, is_ended: impl Fn(&[u8; 32], &Credential) -> bool, draft: &mut Draft) {
        self.credentials.retain(|hash, credential| {
            let ended = is_ended(hash, credential);
            if ended {
                draft.remove(Key::Credential(*hash));
            }
            !ended
        });
    }

    fn account(&self, name: &Name) -> Result<&Account, Fault> {
        self.accounts.get(name).ok_or_else(|| account_unknown(name))
    }

    /// The credential of that hash and kind, if it is in force.
    fn in_force(
        &self,
        hash: &[u8; 32],
        kind: CredentialKind,
        now: Timestamp,
    ) -> Option<&Credential> {
        let credential = self.credentials.get(hash)?;
        (credential.kind == kind && credential.expires > now).then_some(credential)
    }

    fn of<'a>(
        &'a self,
        account: &'a Name,
        now: Timestamp,
    ) -> impl Iterator<Item = (&'a [u8; 32], &'a Credential)> {
        let all = self.credentials.iter();
        all.filter(move |(_, one)| one.account == *account && one.expires > now)
    }

    /// The oldest of an account's credentials of a kind, if there are as many as there may be.
    fn oldest_above(&self, wanted: &Credential, most: usize, now: Timestamp) -> Option<[u8; 32]> {
        let same = self.of(&wanted.account, now);
        let same: Vec<_> = same.filter(|(_, one)| one.kind == wanted.kind).collect();
        let oldest = same.iter().min_by_key(|(_, one)| one.made)?;
        (same.len() >= most).then_some(*oldest.0)
    }

    fn listing(&self, name: &Name) -> Result<AccountListing, Fault> {
        let account = self.account(name)?;
        Ok(AccountListing {
            name: name.clone(),
            pen: account.pen,
            operator: *name == OPERATOR,
            has_password: account.password.is_some(),
            made: account.made,
        })
    }
}

impl Engine {
    pub(crate) fn handle_account_command(&mut self, id: CommandId, command: AccountCommand) {
        match command {
            // They rest on no batch: what a secret that was just made may do, nobody can ask before
            // the answer that brought it.
            AccountCommand::Identify { shown, pen } => {
                let identity = self.identify(shown, pen);
                self.say(id, identity.map(|it| Reply::Identity(Box::new(it))));
            }
            AccountCommand::Holds { pen, channel } => {
                let holds = self.channels.get(&channel) == Some(&pen);
                let answer = if holds {
                    Ok(Reply::Done)
                } else {
                    Err(channel_unknown(channel))
                };
                self.say(id, answer);
            }
            AccountCommand::Password { account } => {
                let account = self.accounts.accounts.get(&account);
                let password = account.and_then(|account| account.password.clone());
                self.say(id, Ok(Reply::Password(password)));
            }
            AccountCommand::Credentials { account } => {
                let credentials = self.credentials_of(&account);
                self.reply(id, credentials);
            }
            AccountCommand::List => {
                let names = self.accounts.accounts.keys();
                let accounts = names.map(|name| self.accounts.listing(name));
                let accounts = accounts.collect::<Result<Vec<_>, _>>();
                self.reply(id, accounts.map(Reply::Accounts));
            }
            command => self.change(id, |engine, draft| engine.change_accounts(command, draft)),
        }
    }

    fn change_accounts(
        &mut self,
        command: AccountCommand,
        draft: &mut Draft,
    ) -> Result<Reply, Fault> {
        match command {
            AccountCommand::Create { name, password } => {
                self.create_account(&name, password, draft)
            }
            AccountCommand::Exchange {
                link,
                session,
                expires,
            } => self.exchange(link, (session, expires), draft),
            AccountCommand::Issue { hash, credential } => {
                self.issue(hash, credential, draft)?;
                Ok(Reply::Done)
            }
            AccountCommand::Operator { pen_name, adopt } => self.operator(&pen_name, adopt, draft),
            AccountCommand::Remove { account } => self.remove_account(&account, draft),
            AccountCommand::Revoke {
                account,
                credential,
            } => self.revoke_credential(&account, &credential, draft),
            AccountCommand::SetPassword { account, password } => {
                self.set_password(account, password, draft)
            }
            AccountCommand::Credentials { .. }
            | AccountCommand::Holds { .. }
            | AccountCommand::Identify { .. }
            | AccountCommand::List
            | AccountCommand::Password { .. } => Ok(Reply::Done),
        }
    }

    fn create_account(
        &mut self,
        name: &Name,
        password: Option<String>,
        draft: &mut Draft,
    ) -> Result<Reply, Fault> {
        let accounts_max = self.config.accounts_max;
        if *name == OPERATOR || self.accounts.accounts.contains_key(name) {
            let message = format!("there is an account {name} already");
            return Err(
                Fault::new(Whose::Caller, "account-taken", message).hint("choose another name")
            );
        }
        if self.accounts.accounts.len() >= accounts_max {
            let message = format!("the node has {accounts_max} accounts, which is the most");
            return Err(Fault::new(Whose::Caller, "accounts-full", message));
        }
        let root = self.create_root(name.as_str(), draft)?;
        self.own(name, root, password, draft)
    }

    /// The operator's account. A store of a version without accounts has one PEN, which is hers.
    fn operator(
        &mut self,
        pen_name: &str,
        adopt: Option<(PenId, Eci)>,
        draft: &mut Draft,
    ) -> Result<Reply, Fault> {
        let name = fixed(OPERATOR);
        if self.accounts.accounts.contains_key(&name) {
            return Ok(Reply::Account(self.accounts.listing(&name)?));
        }
        let root = match adopt {
            Some(root) => root,
            None => self.create_root(pen_name, draft)?,
        };
        self.own(&name, root, None, draft)
    }

    fn own(
        &mut self,
        name: &Name,
        (pen, channel): (PenId, Eci),
        password: Option<String>,
        draft: &mut Draft,
    ) -> Result<Reply, Fault> {
        let account = Account {
            pen,
            channel,
            password,
            made: self.now,
        };
        self.accounts.put_account(name.clone(), account, draft);
        Ok(Reply::Account(self.accounts.listing(name)?))
    }

    /// A PEN without a parent, and the channel of its owner.
    fn create_root(&mut self, name: &str, draft: &mut Draft) -> Result<(PenId, Eci), Fault> {
        match self.create_pen(name, None, draft)? {
            Reply::Pen(pen) => Ok((pen, self.owner_channel(pen)?)),
            other => {
                let message = format!("a PEN was to be made, and the answer was {other:?}");
                Err(Fault::new(Whose::Bug, "answer-unexpected", message))
            }
        }
    }

    fn remove_account(&mut self, name: &Name, draft: &mut Draft) -> Result<Reply, Fault> {
        self.accounts.account(name)?;
        if *name == OPERATOR {
            let message = "the operator's own account cannot be taken out";
            return Err(Fault::new(Whose::Caller, "account-operator", message));
        }
        self.accounts.accounts.remove(name);
        draft.remove(Key::Account(name.clone()));
        self.accounts.end(|_, one| one.account == *name, draft);
        Ok(Reply::Done)
    }

    fn set_password(
        &mut self,
        name: Name,
        password: String,
        draft: &mut Draft,
    ) -> Result<Reply, Fault> {
        let mut account = self.accounts.account(&name)?.clone();
        account.password = Some(password);
        let logs_in = |kind| kind != CredentialKind::Token;
        self.accounts
            .end(|_, one| one.account == name && logs_in(one.kind), draft);
        self.accounts.put_account(name, account, draft);
        Ok(Reply::Done)
    }

    /// The oldest session makes room for a new one; of tokens and links somebody has to end one.
    fn issue(
        &mut self,
        hash: [u8; 32],
        credential: Credential,
        draft: &mut Draft,
    ) -> Result<(), Fault> {
        self.accounts.account(&credential.account)?;
        self.check_name("a token's name", &credential.label)?;
        let (now, most) = (self.now, self.config.credentials_max);
        self.accounts.end(|_, one| one.expires <= now, draft);
        if let Some(oldest) = self.accounts.oldest_above(&credential, most, now) {
            if credential.kind == CredentialKind::Token {
                let message = format!("the account has {most} tokens, which is the most");
                return Err(Fault::new(Whose::Caller, "tokens-full", message)
                    .hint("revoke one that is not used any more"));
            }
            self.accounts.end(|hash, _| *hash == oldest, draft);
        }
        let credential = Credential {
            made: now,
            ..credential
        };
        self.accounts.put_credential(hash, credential, draft);
        Ok(())
    }

    fn exchange(
        &mut self,
        link: [u8; 32],
        (session, expires): ([u8; 32], Timestamp),
        draft: &mut Draft,
    ) -> Result<Reply, Fault> {
        let found = self
            .accounts
            .in_force(&link, CredentialKind::Link, self.now);
        let found = found.ok_or_else(login_wrong)?.clone();
        self.accounts.end(|hash, _| *hash == link, draft);
        let listing = self.accounts.listing(&found.account)?;
        let credential = Credential {
            kind: CredentialKind::Session,
            made: self.now,
            expires,
            ..found
        };
        self.issue(session, credential, draft)?;
        Ok(Reply::Account(listing))
    }

    fn revoke_credential(
        &mut self,
        account: &Name,
        id: &[u8; 16],
        draft: &mut Draft,
    ) -> Result<Reply, Fault> {
        let is_it = |hash: &[u8; 32], one: &Credential| {
            one.account == *account && hash.first_chunk() == Some(id)
        };
        let found = self.accounts.of(account, self.now);
        if !found.into_iter().any(|(hash, one)| is_it(hash, one)) {
            let message = "the account has no such session, link or token";
            return Err(Fault::new(Whose::Caller, "credential-unknown", message));
        }
        self.accounts.end(is_it, draft);
        Ok(Reply::Done)
    }

    fn credentials_of(&self, account: &Name) -> Result<Reply, Fault> {
        self.accounts.account(account)?;
        let credentials = self.accounts.of(account, self.now);
        let credentials = credentials.map(|(hash, one)| (*hash, one.clone()));
        Ok(Reply::Credentials(credentials.collect()))
    }

    fn identify(&self, shown: Shown, pen: Option<PenId>) -> Result<Identity, Fault> {
        let (name, scopes, credential) = match shown {
            Shown::Operator => (fixed(OPERATOR), Scopes::ALL, None),
            Shown::Credential(hash, kind) => {
                let found = self.accounts.in_force(&hash, kind, self.now);
                let found = found.ok_or_else(credential_wrong)?;
                let shown = Some((hash, found.expires));
                (found.account.clone(), found.scopes, shown)
            }
        };
        let account = self.accounts.account(&name)?;
        let (root, channel) = (account.pen, account.channel);
        // Another's PEN is like one that is not there.
        if pen.is_some_and(|pen| pen != root) {
            return Err(no_pen());
        }
        Ok(Identity {
            channel,
            account: name,
            root,
            pen: root,
            scopes,
            credential,
        })
    }

    /// The channel by which an owner's events come into her PEN.
    fn owner_channel(&self, pen: PenId) -> Result<Eci, Fault> {
        let mut channels = self.hosted(pen)?.state.channels();
        let owners = channels.find(|channel| channel.tags.iter().any(|tag| *tag == OWNER));
        owners.map(|channel| channel.eci).ok_or_else(|| {
            let message = format!("PEN {pen} has no channel for its owner");
            Fault::new(Whose::Bug, "owner-channel-missing", message)
        })
    }
}

fn no_pen() -> Fault {
    Fault::new(Whose::Caller, "pen-unknown", "you have no such PEN")
        .hint("ask `/api/v1/status` for your PENs")
}

fn account_unknown(name: &Name) -> Fault {
    let message = format!("this node has no account {name}");
    Fault::new(Whose::Caller, "account-unknown", message)
        .hint("run `stratus account list` to see the accounts")
}

fn channel_unknown(channel: Eci) -> Fault {
    let message = format!("the PEN has no channel {channel}");
    Fault::new(Whose::Caller, "channel-unknown", message)
        .hint("run `stratus channel list` to see the channels of this PEN")
}

fn credential_wrong() -> Fault {
    let message = "the token or the session is not known, has ended or is not for this";
    Fault::new(Whose::Caller, "token-wrong", message).hint("log in again, or make a new token")
}

fn login_wrong() -> Fault {
    Fault::new(
        Whose::Caller,
        "login-wrong",
        "this is not right, or no longer",
    )
    .hint("the node's operator can make a link: `stratus account link NAME`")
}

//! Accounts: who is let in, until when, and how many there may be.

use stratus_engine::{
    AccountCommand, AccountListing, Command, Credential, CredentialKind, Identity, Reply, Scopes,
    Shown,
};
use stratus_event::{PenId, Timestamp};

use crate::{chatter::name, world::World};

const TOKEN: [u8; 32] = [1; 32];
const LINK: [u8; 32] = [2; 32];
const SESSION: [u8; 32] = [3; 32];

fn create(account: &str) -> Command {
    Command::Account(AccountCommand::Create {
        name: name(account),
        password: None,
    })
}

fn issue(hash: [u8; 32], kind: CredentialKind, expires: Timestamp) -> Command {
    let credential = Credential {
        account: name("ann"),
        kind,
        label: "test".to_owned(),
        scopes: Scopes::ALL,
        made: Timestamp(0),
        expires,
    };
    Command::Account(AccountCommand::Issue { hash, credential })
}

fn identify(hash: [u8; 32], kind: CredentialKind, pen: Option<PenId>) -> Command {
    let shown = Shown::Credential(hash, kind);
    Command::Account(AccountCommand::Identify { shown, pen })
}

fn exchange() -> Command {
    Command::Account(AccountCommand::Exchange {
        link: LINK,
        session: SESSION,
        expires: Timestamp(i64::MAX),
    })
}

fn account(reply: Reply) -> AccountListing {
    let Reply::Account(account) = reply else {
        panic!("{reply:?}")
    };
    account
}

fn identity(reply: Reply) -> Identity {
    let Reply::Identity(identity) = reply else {
        panic!("{reply:?}")
    };
    *identity
}

/// A node of a version without accounts, then with the operator, whose its PEN is, and with ann,
/// who has a token for ever.
fn house() -> (World, AccountListing) {
    let mut world = World::new(1);
    let first = world.pen(0);
    let pen_name = "me".to_owned();
    let adopt = Some((first, world.owner(0, first)));
    let operator = Command::Account(AccountCommand::Operator { pen_name, adopt });
    for _ in 0..2 {
        let operator = account(world.ok(0, operator.clone()));
        assert_eq!((operator.pen, operator.operator), (first, true));
    }
    let ann = account(world.ok(0, create("ann")));
    let for_ever = Timestamp(i64::MAX);
    world.ok(0, issue(TOKEN, CredentialKind::Token, for_ever));
    (world, ann)
}

#[test]
fn a_credential_lets_in_its_owner_and_shows_her_pens_alone() {
    let (mut world, ann) = house();
    let token = CredentialKind::Token;
    let known = identity(world.ok(0, identify(TOKEN, token, None)));
    assert_eq!((known.root, known.pen), (ann.pen, ann.pen));
    let operator = Command::Account(AccountCommand::Identify {
        shown: Shown::Operator,
        pen: None,
    });
    let operator = identity(world.ok(0, operator));
    let check = |world: &mut World, command, code| assert_eq!(world.code(0, command), code);
    let foreign = identify(TOKEN, token, Some(operator.pen));
    check(&mut world, foreign, "pen-unknown");
    check(&mut world, identify(SESSION, token, None), "token-wrong");
    let as_session = identify(TOKEN, CredentialKind::Session, None);
    check(&mut world, as_session, "token-wrong");
    let foreign = Command::Account(AccountCommand::Holds {
        pen: ann.pen,
        channel: operator.channel,
    });
    check(&mut world, foreign, "channel-unknown");
    let channel = known.channel;
    let own = AccountCommand::Holds {
        pen: ann.pen,
        channel,
    };
    assert_eq!(world.ok(0, Command::Account(own)), Reply::Done);
}

#[test]
fn a_link_is_used_up_and_everything_ends() {
    let (mut world, ann) = house();
    let soon = Timestamp(world.now.0 + 1000);
    world.ok(0, issue(LINK, CredentialKind::Link, soon));
    assert_eq!(account(world.ok(0, exchange())).pen, ann.pen);
    assert_eq!(world.code(0, exchange()), "login-wrong");
    let session = || identify(SESSION, CredentialKind::Session, None);
    identity(world.ok(0, session()));
    let now = world.now;
    world.ok(0, issue(LINK, CredentialKind::Link, now));
    assert_eq!(world.code(0, exchange()), "login-wrong");
    let set = Command::Account(AccountCommand::SetPassword {
        account: name("ann"),
        password: "a hash".to_owned(),
    });
    world.ok(0, set);
    assert_eq!(world.code(0, session()), "token-wrong");
    identity(world.ok(0, identify(TOKEN, CredentialKind::Token, None)));
}

#[test]
fn there_are_as_many_as_there_may_be() {
    let mut world = World::with(1, |config| {
        config.accounts_max = 1;
        config.credentials_max = 2;
    });
    world.ok(0, create("ann"));
    assert_eq!(world.code(0, create("ann")), "account-taken");
    assert_eq!(world.code(0, create("ben")), "accounts-full");
    let for_ever = Timestamp(i64::MAX);
    for kind in [CredentialKind::Token, CredentialKind::Session] {
        for number in 0..2 {
            world.ok(0, issue([10 * kind as u8 + number; 32], kind, for_ever));
        }
    }
    let third = issue([99; 32], CredentialKind::Token, for_ever);
    assert_eq!(world.code(0, third), "tokens-full");
    world.ok(0, issue([98; 32], CredentialKind::Session, for_ever));
    let session = CredentialKind::Session;
    let first = identify([10 * session as u8; 32], session, None);
    assert_eq!(world.code(0, first), "token-wrong", "it made room");
    let remove = Command::Account(AccountCommand::Remove {
        account: name("ann"),
    });
    world.ok(0, remove);
    let token = identify(
        [10 * CredentialKind::Token as u8; 32],
        CredentialKind::Token,
        None,
    );
    assert_eq!(world.code(0, token), "token-wrong");
}

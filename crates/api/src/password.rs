//! Passwords: hashed so that guessing is slow (Argon2id, RFC 9106).

use std::sync::OnceLock;

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use stratus_event::{Fault, Whose};
use tokio::sync::Semaphore;

/// The shortest password, in characters. A shorter one is refused with `password-short`.
pub const PASSWORD_CHARACTERS_MIN: usize = 10;

/// The longest password, in bytes. A longer one is refused with `password-long`.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// How many passwords are hashed at a time, each of which takes 19 MiB. Others wait.
pub const PASSWORDS_HASHING_MAX: usize = 2;

/// Hashes passwords, a few at a time.
#[derive(Debug)]
pub(crate) struct Passwords {
    places: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            places: Semaphore::new(PASSWORDS_HASHING_MAX),
        }
    }
}

impl Passwords {
    /// A password as it is kept: a PHC string with a salt of its own.
    pub(crate) async fn hash(&self, password: String) -> Result<String, Fault> {
        check(&password)?;
        self.work(move || hash(&password)).await?
    }

    /// Whether it is the password of that hash. Without a hash it is not, and finding that out
    /// takes as long.
    pub(crate) async fn is_right(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, Fault> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Ok(false);
        }
        self.work(move || is_right(&password, hash.as_deref()))
            .await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        // Never closed, so there is a place sooner or later.
        let _place = self.places.acquire().await;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| unhashed(&error))
    }
}

fn check(password: &str) -> Result<(), Fault> {
    let fault = |code: &'static str, message: String| {
        let fault = Fault::new(Whose::Caller, code, message);
        Err(fault.hint("a few words that do not belong together make a good one"))
    };
    if password.chars().count() < PASSWORD_CHARACTERS_MIN {
        let message = format!("a password has at least {PASSWORD_CHARACTERS_MIN} characters");
        return fault("password-short", message);
    }
    if password.len() > PASSWORD_BYTES_MAX {
        let message = format!("a password has at most {PASSWORD_BYTES_MAX} bytes");
        return fault("password-long", message);
    }
    Ok(())
}

fn hash(password: &str) -> Result<String, Fault> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|error| unhashed(&error))
}

fn is_right(password: &str, kept: Option<&str>) -> bool {
    static NOBODY: OnceLock<String> = OnceLock::new();
    let nobody = || NOBODY.get_or_init(|| hash("the password of nobody").unwrap_or_default());
    let compared = kept.unwrap_or_else(|| nobody());
    let right = Argon2::default().verify_password(password.as_bytes(), compared);
    right.is_ok() && kept.is_some()
}

fn unhashed(error: &dyn std::error::Error) -> Fault {
    let message = format!("the password cannot be hashed: {error}");
    Fault::new(Whose::Bug, "password-unhashed", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_very_password_is_right() {
        let passwords = Passwords::default();
        let good = "correct horse battery";
        let kept = passwords.hash(good.to_owned()).await.unwrap();
        assert!(kept.starts_with("$argon2id$"), "{kept}");
        assert_ne!(kept, passwords.hash(good.to_owned()).await.unwrap());
        let check = async |password: &str, kept: Option<&String>, expected| {
            let right = passwords.is_right(password.to_owned(), kept.cloned()).await;
            assert_eq!(right, Ok(expected), "{password}");
        };
        check(good, Some(&kept), true).await;
        check("correct horse batterz", Some(&kept), false).await;
        check(&"x".repeat(2000), Some(&kept), false).await;
        check(good, None, false).await;
        check("the password of nobody", None, false).await;
    }

    #[tokio::test]
    async fn a_password_is_neither_short_nor_endless() {
        let passwords = Passwords::default();
        let code = async |password: String| passwords.hash(password).await.unwrap_err().code;
        assert_eq!(code("ninechars".to_owned()).await, "password-short");
        assert_eq!(code("x".repeat(1025)).await, "password-long");
    }

    #[test]
    fn a_hash_that_fails_is_a_bug() {
        assert_eq!(unhashed(&std::fmt::Error).code, "password-unhashed");
    }
}

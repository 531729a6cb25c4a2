//! How fast somebody may ask: one bucket for each address and each account.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
};

use stratus_capability::{Meter, Rate};
use stratus_event::{Fault, Whose};

use crate::now;

/// How fast one address may ask, for whatever. Above it: `rate-exceeded`. The node's own computer
/// is not held to it: there are the owner's programs, and proxies that speak for many.
pub const ADDRESS_RATE: Rate = Rate {
    burst: 1_000,
    per_minute: 12_000,
};

/// How fast one account may ask below `/api/v1`, by all its sessions and tokens. Above it:
/// `rate-exceeded`. The node's operator is not held to it.
pub const ACCOUNT_RATE: Rate = Rate {
    burst: 600,
    per_minute: 6_000,
};

/// How fast passwords and links may be tried, by one address and at one account each. Above it:
/// `rate-exceeded`, for right ones too. A right one gives the account its burst again.
pub const LOGIN_RATE: Rate = Rate {
    burst: 10,
    per_minute: 6,
};

/// How many addresses, and how many accounts, are remembered at least. When there are more, those
/// that asked longest ago are forgotten.
pub const METERS_MIN: usize = 10_000;

/// All that is counted of those who ask.
#[derive(Debug)]
pub(crate) struct Meters {
    /// Requests of an address.
    pub(crate) addresses: Buckets<IpAddr>,
    /// Requests of an account.
    pub(crate) accounts: Buckets<String>,
    /// Logins tried by an address.
    pub(crate) logins_from: Buckets<IpAddr>,
    /// Logins tried at an account.
    pub(crate) logins_at: Buckets<String>,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            addresses: Buckets::new(ADDRESS_RATE),
            accounts: Buckets::new(ACCOUNT_RATE),
            logins_from: Buckets::new(LOGIN_RATE),
            logins_at: Buckets::new(LOGIN_RATE),
        }
    }
}

/// Buckets of one rate, bounded: the latest ones, and those before them.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    rate: Rate,
    generations: Mutex<[HashMap<K, Meter>; 2]>,
}

impl<K: Eq + Hash> Buckets<K> {
    fn new(rate: Rate) -> Self {
        Self {
            rate,
            generations: Mutex::default(),
        }
    }

    /// Takes one out of a bucket; `rate-exceeded` if it is empty.
    pub(crate) fn take(&self, key: K) -> Result<(), Fault> {
        let mut generations = self.lock();
        let [young, old] = &mut *generations;
        if young.len() >= METERS_MIN && !young.contains_key(&key) {
            *old = std::mem::take(young);
        }
        let before = old.remove(&key).unwrap_or_default();
        let meter = young.entry(key).or_insert(before);
        meter.take(self.rate, now()).map_err(too_fast)
    }

    /// Makes a bucket full again.
    pub(crate) fn forget<Q: Eq + Hash + ?Sized>(&self, key: &Q)
    where
        K: Borrow<Q>,
    {
        for generation in &mut *self.lock() {
            generation.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, [HashMap<K, Meter>; 2]> {
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of an address that belongs to one household: of the newer ones the first half.
pub(crate) fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let half = u128::from(address) >> 64 << 64;
            Ipv6Addr::from(half).into()
        }
    }
}

fn too_fast(wait_ms: u64) -> Fault {
    let message = "too many requests in a short time";
    Fault::new(Whose::Caller, "rate-exceeded", message)
        .hint("wait as long as `Retry-After` says")
        .retry_after_ms(wait_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_empty_at_last_and_others_are_not() {
        let buckets = Buckets::new(LOGIN_RATE);
        for _ in 0..LOGIN_RATE.burst {
            assert_eq!(buckets.take("ann"), Ok(()));
        }
        let fault = buckets.take("ann").unwrap_err();
        assert_eq!(fault.code, "rate-exceeded");
        assert!(fault.retry_after_ms.is_some_and(|ms| ms <= 10_000));
        assert_eq!(buckets.take("ben"), Ok(()));
        buckets.forget("ann");
        assert_eq!(buckets.take("ann"), Ok(()));
    }

    #[test]
    fn those_who_ask_are_remembered_within_a_bound() {
        let buckets = Buckets::new(LOGIN_RATE);
        for _ in 0..LOGIN_RATE.burst {
            buckets.take(0).unwrap();
        }
        for other in 1..=METERS_MIN {
            buckets.take(other).unwrap();
        }
        assert!(buckets.take(0).is_err());
        for other in 1..=3 * METERS_MIN {
            buckets.take(other).unwrap();
        }
        let kept = buckets.generations.lock().unwrap();
        assert!(kept.iter().map(HashMap::len).sum::<usize>() <= 2 * METERS_MIN);
    }

    #[test]
    fn a_household_has_one_bucket() {
        let same = |a: &str, b: &str| {
            let household = |text: &str| household(text.parse().unwrap());
            household(a) == household(b)
        };
        assert!(same("2001:db8::1", "2001:db8::2:3"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("192.0.2.1", "::ffff:192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }
}

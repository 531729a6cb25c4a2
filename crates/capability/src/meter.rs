//! Counting events against a rate.

use stratus_event::Timestamp;

use crate::Rate;

/// Holds a sender to a rate, in eight bytes: the generic cell rate algorithm (ITU-T I.371, in its
/// virtual scheduling form).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    /// When the bucket will be full again, in microseconds since 1970.
    full_at: i64,
}

impl Meter {
    /// A meter with a full bucket.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one event out of the bucket, or says how long to wait, in milliseconds. A rate of
    /// zero permits nothing, ever: the wait is then [`u64::MAX`].
    pub fn take(&mut self, rate: Rate, now: Timestamp) -> Result<(), u64> {
        if rate.burst == 0 || rate.per_minute == 0 {
            return Err(u64::MAX);
        }
        // Rounded up, so that rounding never permits more than the rate.
        let interval = MINUTE_MICROSECONDS.div_ceil(rate.per_minute);
        let interval = i64::from(interval);
        let now = now.0.saturating_mul(1000);
        let empty_at = now.saturating_add(interval.saturating_mul(rate.burst.into()));
        // Never below now, as a bucket does not get fuller than full; never above empty, or a clock
        // that was set back would shut the sender out for as long.
        self.full_at = self.full_at.clamp(now, empty_at);
        let full_after = self.full_at.saturating_add(interval);
        if full_after > empty_at {
            return Err(wait_ms(full_after.saturating_sub(empty_at)));
        }
        self.full_at = full_after;
        Ok(())
    }
}

fn wait_ms(microseconds: i64) -> u64 {
    u64::try_from(microseconds).unwrap_or(0).div_ceil(1000)
}

const MINUTE_MICROSECONDS: u32 = 60_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        burst: 3,
        per_minute: 60,
    };

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut meter = Meter::new();
        let at = |ms: i64| Timestamp(1_000_000 + ms);
        for _ in 0..3 {
            assert_eq!(meter.take(RATE, at(0)), Ok(()));
        }
        assert_eq!(meter.take(RATE, at(0)), Err(1000));
        assert_eq!(meter.take(RATE, at(999)), Err(1));
        assert_eq!(meter.take(RATE, at(1000)), Ok(()));
        assert_eq!(meter.take(RATE, at(1000)), Err(1000));
        // An idle minute gives back no more than the burst.
        let taken = (0..10)
            .filter(|_| meter.take(RATE, at(90_000)).is_ok())
            .count();
        assert_eq!(taken, 3);
    }

    #[test]
    fn never_more_than_burst_plus_rate() {
        for (burst, per_minute) in [(1, 1), (1, 7), (20, 60), (5, 59_999), (1, 120_000)] {
            let (mut meter, mut taken) = (Meter::new(), 0_u64);
            let rate = Rate { burst, per_minute };
            for ms in 0..120_000 {
                while meter.take(rate, Timestamp(ms)).is_ok() {
                    taken += 1;
                }
            }
            let most = u64::from(burst) + 2 * u64::from(per_minute);
            assert!(taken <= most, "{rate:?}: {taken}");
            // Rounding an interval up costs at most one in a thousand at these rates; a bucket
            // smaller than a millisecond's worth cannot give the full rate at this clock.
            let least = if burst == 1 && per_minute > 60_000 {
                120_000
            } else {
                most * 99 / 100 - 1
            };
            assert!(taken >= least, "{rate:?}: {taken}");
        }
    }

    #[test]
    fn a_clock_set_back_costs_one_bucket_at_most() {
        let mut meter = Meter::new();
        assert_eq!(meter.take(RATE, Timestamp(1_000_000_000)), Ok(()));
        assert_eq!(meter.take(RATE, Timestamp(1000)), Err(1000));
        assert_eq!(meter.take(RATE, Timestamp(-5000)), Err(1000));
        assert_eq!(meter.take(RATE, Timestamp(-4000)), Ok(()));
    }

    #[test]
    fn extremes_do_not_overflow() {
        for burst in [0, 1, u32::MAX] {
            for per_minute in [0, 1, u32::MAX] {
                for now in [i64::MIN, -1, 0, i64::MAX] {
                    let permitted = Meter::new().take(Rate { burst, per_minute }, Timestamp(now));
                    assert!(burst > 0 && per_minute > 0 || permitted == Err(u64::MAX));
                }
            }
        }
    }
}

//! The strict walk: accepts an input only if it is the one encoding of an item within limits.
//!
//! It reads the input once, allocates nothing, and recurses at most [`DEPTH_LIMIT`] times.

use super::{CodecError, DEPTH_LIMIT, Limits};
use crate::Number;

/// Checks that the bytes are one item in its one encoding, and no more.
pub(super) fn check(bytes: &[u8], limits: &Limits) -> Result<(), CodecError> {
    if bytes.len() > limits.bytes_max {
        return Err(CodecError::BytesOverLimit {
            bytes_max: limits.bytes_max,
        });
    }
    let depth_max = limits.depth_max.min(DEPTH_LIMIT);
    let limits = Limits {
        depth_max,
        ..*limits
    };
    let mut walk = Walk {
        rest: bytes,
        items_left: limits.items_max,
        limits,
    };
    walk.item(0)?;
    if walk.rest.is_empty() {
        Ok(())
    } else {
        Err(CodecError::Trailing)
    }
}

struct Walk<'a> {
    rest: &'a [u8],
    items_left: usize,
    limits: Limits,
}

impl<'a> Walk<'a> {
    fn item(&mut self, depth: usize) -> Result<(), CodecError> {
        let [head] = self.array()?;
        let (major, information) = (head >> 5, head & 0x1f);
        self.items_left = self
            .items_left
            .checked_sub(1)
            .ok_or(self.items_over_limit())?;
        if major == 7 {
            return self.simple(information);
        }
        let argument = self.argument(information)?;
        match major {
            0 | 1 => Ok(()),
            2 => self.take(argument).map(drop),
            3 => self.text(argument),
            4 => self.list(argument, depth),
            5 => self.map(argument, depth),
            _ => self.tag(argument, depth),
        }
    }

    /// The number that follows a head, in its shortest form (RFC 8949 section 3).
    fn argument(&mut self, information: u8) -> Result<u64, CodecError> {
        let (argument, least) = match information {
            0..=23 => (information.into(), 0),
            24 => (u8::from_be_bytes(self.array()?).into(), 24),
            25 => (u16::from_be_bytes(self.array()?).into(), 1 << 8),
            26 => (u32::from_be_bytes(self.array()?).into(), 1 << 16),
            27 => (u64::from_be_bytes(self.array()?), 1 << 32),
            31 => return Err(CodecError::Indefinite),
            _ => return Err(CodecError::Reserved),
        };
        if argument < least {
            Err(CodecError::NotShortest)
        } else {
            Ok(argument)
        }
    }

    fn text(&mut self, length: u64) -> Result<(), CodecError> {
        std::str::from_utf8(self.take(length)?).map_err(|_| CodecError::TextNotUtf8)?;
        Ok(())
    }

    fn list(&mut self, length: u64, depth: usize) -> Result<(), CodecError> {
        let depth = self.deeper(depth)?;
        self.announce(length)?;
        (0..length).try_for_each(|_| self.item(depth))
    }

    fn map(&mut self, length: u64, depth: usize) -> Result<(), CodecError> {
        let depth = self.deeper(depth)?;
        self.announce(length.saturating_mul(2))?;
        let mut previous: &[u8] = &[];
        for _ in 0..length {
            let start = self.rest;
            self.item(depth)?;
            let key = &start[..start.len() - self.rest.len()];
            match previous.cmp(key) {
                std::cmp::Ordering::Less => previous = key,
                std::cmp::Ordering::Equal => return Err(CodecError::DuplicateKey),
                std::cmp::Ordering::Greater => return Err(CodecError::UnsortedKeys),
            }
            self.item(depth)?;
        }
        Ok(())
    }

    fn tag(&mut self, tag: u64, depth: usize) -> Result<(), CodecError> {
        if !self.limits.tags.contains(&tag) {
            return Err(CodecError::Tag { tag });
        }
        let depth = self.deeper(depth)?;
        self.item(depth)
    }

    fn simple(&mut self, information: u8) -> Result<(), CodecError> {
        let (number, size) = match information {
            20..=22 => return Ok(()),
            25 => (half(u16::from_be_bytes(self.array()?)), 2),
            26 => (f32::from_be_bytes(self.array()?).into(), 4),
            27 => (f64::from_be_bytes(self.array()?), 8),
            28..=30 => return Err(CodecError::Reserved),
            31 => return Err(CodecError::Indefinite),
            _ => return Err(CodecError::Simple),
        };
        let number = Number::new(number).ok_or(CodecError::FloatNotFinite)?;
        let one_form = number.as_integer().is_none() && size == shortest(number.get());
        if one_form {
            Ok(())
        } else {
            Err(CodecError::NotShortest)
        }
    }

    /// Refuses a length that the limits or the input cannot hold, before anything is counted up
    /// to it: each item takes at least one byte.
    fn announce(&self, items: u64) -> Result<(), CodecError> {
        if items > self.items_left as u64 {
            return Err(self.items_over_limit());
        }
        if items > self.rest.len() as u64 {
            Err(CodecError::Truncated)
        } else {
            Ok(())
        }
    }

    fn deeper(&self, depth: usize) -> Result<usize, CodecError> {
        let depth_max = self.limits.depth_max;
        if depth < depth_max {
            Ok(depth + 1)
        } else {
            Err(CodecError::DepthOverLimit { depth_max })
        }
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], CodecError> {
        let length = usize::try_from(length).map_err(|_| CodecError::Truncated)?;
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(CodecError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(CodecError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn items_over_limit(&self) -> CodecError {
        CodecError::ItemsOverLimit {
            items_max: self.limits.items_max,
        }
    }
}

/// The double that a half-precision float holds (IEEE 754 binary16).
fn half(bits: u16) -> f64 {
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    let magnitude = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

/// The fewest bytes of a float that hold the number exactly.
fn shortest(number: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "what is lost is compared")]
    let single = number as f32;
    let is_single = f64::from(single).to_bits() == number.to_bits();
    match is_single {
        true if holds_half(single) => 2,
        true => 4,
        false => 8,
    }
}

/// Whether a half-precision float holds the number: at most 11 significant bits, no bit below
/// 2^-24, and less than 2^16.
fn holds_half(number: f32) -> bool {
    let scaled = f64::from(number.abs()) * 2_f64.powi(24);
    let whole = scaled.fract() == 0.0;
    let exponent = i32::try_from(number.to_bits() >> 23 & 0xff).unwrap_or(0) - 127;
    let significant = number.to_bits() & 0x7f_ffff;
    let fits = significant.trailing_zeros() >= 13;
    whole && exponent < 16 && (fits || exponent < -14)
}

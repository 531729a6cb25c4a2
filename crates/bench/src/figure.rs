//! One measured number.

use std::fmt;

use serde_json::json;

/// A measured number, and what it is to be compared with.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    baseline: Option<f64>,
    wall: Option<Wall>,
    wanted: Option<Wanted>,
}

/// The same by the clock on the wall, and what it is to be compared with.
#[derive(Clone, Copy, Debug)]
struct Wall {
    value: f64,
    baseline: Option<f64>,
}

/// What is asked of a figure.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    AtLeast(f64),
    AtMost(f64),
    RatioAtLeast(f64),
    RatioAtMost(f64),
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            name: name.into(),
            value,
            unit,
            baseline: None,
            wall: None,
            wanted: None,
        }
    }

    /// The same measured of something else in the same run.
    pub(crate) fn baseline(self, baseline: Option<f64>) -> Self {
        Self { baseline, ..self }
    }

    /// The same, and the same of something else, by the clock on the wall.
    pub(crate) fn wall(self, value: f64, baseline: Option<f64>) -> Self {
        let wall = Some(Wall { value, baseline });
        Self { wall, ..self }
    }

    pub(crate) fn at_least(self, least: f64) -> Self {
        let wanted = Some(Wanted::AtLeast(least));
        Self { wanted, ..self }
    }

    pub(crate) fn at_most(self, most: f64) -> Self {
        let wanted = Some(Wanted::AtMost(most));
        Self { wanted, ..self }
    }

    pub(crate) fn ratio_at_least(self, least: f64) -> Self {
        let wanted = Some(Wanted::RatioAtLeast(least));
        Self { wanted, ..self }
    }

    pub(crate) fn ratio_at_most(self, most: f64) -> Self {
        let wanted = Some(Wanted::RatioAtMost(most));
        Self { wanted, ..self }
    }

    /// How many times the baseline it is.
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.baseline.map(|baseline| self.value / baseline)
    }

    /// Whether it is not what is asked of it.
    pub(crate) fn misses(&self) -> bool {
        match self.wanted {
            None => false,
            Some(Wanted::AtLeast(least)) => self.value < least,
            Some(Wanted::AtMost(most)) => self.value > most,
            Some(Wanted::RatioAtLeast(least)) => self.ratio().is_none_or(|ratio| ratio < least),
            Some(Wanted::RatioAtMost(most)) => self.ratio().is_none_or(|ratio| ratio > most),
        }
    }

    pub(crate) fn json(&self) -> String {
        json!({
            "name": self.name,
            "value": rounded(self.value),
            "unit": self.unit,
            "baseline": self.baseline.map(rounded),
            "ratio": self.ratio().map(rounded),
            "wall": self.wall.map(Wall::json),
        })
        .to_string()
    }
}

impl Wall {
    fn json(self) -> serde_json::Value {
        let ratio = self.baseline.map(|baseline| self.value / baseline);
        json!({
            "value": rounded(self.value),
            "baseline": self.baseline.map(rounded),
            "ratio": ratio.map(rounded),
        })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<24} {:>14} {:<16}",
            self.name,
            rounded(self.value),
            self.unit
        )?;
        if let (Some(baseline), Some(ratio)) = (self.baseline, self.ratio()) {
            write!(
                f,
                " baseline {:>14}  ratio {}",
                rounded(baseline),
                rounded(ratio)
            )?;
        }
        if let Some(Wall { value, baseline }) = self.wall {
            write!(f, "  wall {}", rounded(value))?;
            if let Some(baseline) = baseline {
                write!(
                    f,
                    " / {} = {}",
                    rounded(baseline),
                    rounded(value / baseline)
                )?;
            }
        }
        if self.misses() {
            write!(f, "  missed: {:?}", self.wanted)?;
        }
        Ok(())
    }
}

/// Four significant digits: the fifth is another one in the next run.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

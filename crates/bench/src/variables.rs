//! What an event takes that changes one entry of a persistent variable: in a large map, and in a
//! small one.

mod keeper;

use std::error::Error;

use crate::{figure::Figure, meter};
use keeper::Keeper;

/// Entries of the large map, and of the one that it is compared with.
const LARGE: u64 = 1_000_000;
const SMALL: u64 = 1_000;

/// What an event on the large map may take, in events on the small one.
const RATIO_MAX: f64 = 2.0;

/// Events of one run, and how many runs of each there are: the fastest counts.
const EVENTS: u32 = 2_000;
const RUNS: usize = 7;

/// Measures it, through language, PEN and engine; the store does nothing.
pub(crate) fn measure(tell: &mut impl FnMut(Figure)) -> Result<(), Box<dyn Error>> {
    let mut keepers = [Keeper::start(LARGE)?, Keeper::start(SMALL)?];
    tell(Figure::new("map_1m_load_s", keepers[0].load_s, "s"));
    for (kind, of_large, of_small, of_written) in FIGURES {
        keepers.iter_mut().for_each(Keeper::begin);
        let [large, small] = meter::interleaved(RUNS, |which| {
            let Some(keeper) = keepers.get_mut(which) else {
                return f64::NAN;
            };
            meter::time_each(EVENTS, |_| keeper.raise(kind)) / 1e3
        });
        let figure = |name, large, small, unit| {
            let figure = Figure::new(name, large, unit).baseline(Some(small));
            figure.ratio_at_most(RATIO_MAX)
        };
        tell(figure(of_large, large, small, "us"));
        tell(Figure::new(of_small, small, "us"));
        let [large, small] = keepers.each_ref().map(Keeper::written_each);
        tell(figure(of_written, large, small, "bytes"));
    }
    Ok(())
}

/// The types of the events, and the figures: CPU of either map, and bytes that an event writes of
/// the variable.
const FIGURES: [(&str, &str, &str, &str); 3] = [
    ("set", "map_1m_set_us", "map_1k_set_us", "map_1m_set_bytes"),
    ("put", "map_1m_put_us", "map_1k_put_us", "map_1m_put_bytes"),
    (
        "swap",
        "map_1m_swap_us",
        "map_1k_swap_us",
        "map_1m_swap_bytes",
    ),
];

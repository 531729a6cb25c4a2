//! Reading and compiling rulesets, and evaluating what their rules say.

mod condition;
mod reading;
mod text;

use crate::figure::Figure;

/// Measures all of it.
pub(crate) fn measure(tell: &mut impl FnMut(Figure)) {
    condition::measure().into_iter().for_each(&mut *tell);
    reading::measure().into_iter().for_each(tell);
}

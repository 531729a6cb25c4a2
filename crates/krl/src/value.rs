//! Values while a rule runs: data, and what lives only as long as the run.

mod map;

use std::{fmt, sync::Arc};

use crate::{
    evaluate::{FrameId, InstanceId},
    library::Builtin,
    limit::{Failure, Meter},
    pattern::Pattern,
    program::Function,
};
pub(crate) use map::{Entries, Map};

/// One value. Cloning is cheap; lists and maps are shared and never change in place while shared.
#[derive(Clone, Debug, Default)]
pub(crate) enum Value {
    Action(Callable),
    Boolean(bool),
    Function(Callable),
    List(Arc<List>),
    Map(Arc<Map>),
    #[default]
    Null,
    /// Always finite; made by [`Value::number`].
    Number(f64),
    Pattern(Arc<Pattern>),
    Text(Arc<str>),
}

impl Value {
    /// A number; what is not finite is null.
    pub(crate) fn number(number: f64) -> Self {
        if number.is_finite() {
            Self::Number(number + 0.0)
        } else {
            Self::Null
        }
    }

    /// A count or a position.
    pub(crate) fn count(count: usize) -> Self {
        Self::Number(count as f64)
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(crate) fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(list) => Some(&list.items),
            _ => None,
        }
    }

    pub(crate) fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The value of an entry, if it is a map that has it.
    pub(crate) fn field(&self, meter: &mut Meter, key: &str) -> Result<Option<Self>, Failure> {
        let found = self.as_map().map(|map| map.get(meter, key));
        Ok(found.transpose()?.flatten())
    }

    pub(crate) fn as_text(&self) -> Option<&Arc<str>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// How deep lists and maps are nested in it.
    pub(crate) fn depth(&self) -> u32 {
        match self {
            Self::List(list) => list.depth,
            Self::Map(map) => map.depth(),
            _ => 0,
        }
    }
}

/// A list, with its depth known.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) items: Vec<Value>,
    pub(crate) depth: u32,
}

/// What can be called.
#[derive(Clone)]
pub(crate) enum Callable {
    Builtin(&'static Builtin),
    Closure(Arc<Closure>),
}

impl Callable {
    /// Whether both are the very same thing.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Builtin(one), Self::Builtin(two)) => std::ptr::eq(*one, *two),
            (Self::Closure(one), Self::Closure(two)) => {
                Arc::ptr_eq(&one.function, &two.function) && one.frame == two.frame
            }
            _ => false,
        }
    }
}

impl fmt::Debug for Callable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin(builtin) => write!(f, "{}", builtin.name),
            Self::Closure(closure) => write!(f, "closure at byte {}", closure.function.site),
        }
    }
}

/// A function or defaction of a program, with the frame it was made in. It names its frame by
/// number, so a closure that is stored in the very frame it refers to is no cycle.
#[derive(Clone)]
pub(crate) struct Closure {
    pub(crate) function: Arc<Function>,
    pub(crate) instance: InstanceId,
    pub(crate) frame: FrameId,
}

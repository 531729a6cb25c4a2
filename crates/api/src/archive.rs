//! What the API reads of the past.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use stratus_engine::journal::Reader;
use stratus_event::Fault;
use stratus_pen::language::{Language, Program};

/// A program, or what its compiler says is wrong with it.
pub type Compiled = Result<Arc<dyn Program>, Vec<Fault>>;

/// The journals of a node's PENs, and the programs of which they tell.
pub struct Archive {
    journal: Arc<dyn Reader>,
    language: Arc<dyn Language>,
    programs: Mutex<BTreeMap<[u8; 32], Compiled>>,
}

impl Archive {
    /// What that reader reads; programs are compiled by that language.
    pub fn new(journal: Arc<dyn Reader>, language: Arc<dyn Language>) -> Self {
        Self {
            journal,
            language,
            programs: Mutex::default(),
        }
    }

    /// The journals.
    pub fn journal(&self) -> &dyn Reader {
        &*self.journal
    }

    /// The program of that hash; none if its text is not kept. [`PROGRAMS_MAX`] stay
    /// compiled.
    pub(crate) fn program(&self, hash: [u8; 32]) -> Result<Option<Compiled>, Fault> {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compiled) = programs.get(&hash) {
            return Ok(Some(compiled.clone()));
        }
        let Some(source) = self.journal.program(hash)? else {
            return Ok(None);
        };
        let compiled = self.language.compile(&source);
        if programs.len() >= PROGRAMS_MAX {
            programs.pop_first();
        }
        programs.insert(hash, compiled.clone());
        Ok(Some(compiled))
    }
}

/// Programs of the past that stay compiled.
const PROGRAMS_MAX: usize = 256;

//! Callers that write as fast as they are answered, and tell the ledger before and after each request.
//!
//! An answer that is neither a success nor a lost connection ends the run: the server must not fail under load.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::ledger::{Ledger, Row};
use super::wire::{Answer, Client};

/// Records in one bulk request.
pub(super) const BULK_RECORDS: usize = 200;

/// Creates and updates one record at a time.
pub(super) struct Single<'a> {
    pub(super) client: Client,
    pub(super) ledger: &'a Ledger,
    pub(super) stop: &'a AtomicBool,
    pub(super) life: u32,
    pub(super) number: u32,
    pub(super) seed: u64,
}

impl Single<'_> {
    pub(super) fn run(self) -> Result<()> {
        let mut random = StdRng::seed_from_u64(self.seed);
        for count in 0_u32.. {
            if self.stop.load(Ordering::SeqCst) {
                break;
            }
            let old = if random.random_bool(0.4) {
                self.ledger.lend(random.random())
            } else {
                None
            };
            let done = match old {
                Some(row) => self.update(row)?,
                None => self.create(format!("single-{}-{}-{count}", self.life, self.number))?,
            };
            if !done {
                break;
            }
        }
        Ok(())
    }

    fn create(&self, name: String) -> Result<bool> {
        self.ledger.creating(self.life, &name);
        match self.client.create(&name, self.life)? {
            Answer::Done((id, version)) => {
                self.ledger.created(
                    &name,
                    Row {
                        id,
                        version,
                        value: 0,
                    },
                );
                Ok(true)
            }
            Answer::Gone => Ok(false),
        }
    }

    fn update(&self, (name, row): (String, Row)) -> Result<bool> {
        let value = row.value + 1;
        self.ledger.updating(&name, value);
        match self.client.update(&row.id, value)? {
            Answer::Done(version) => {
                self.ledger.updated(&name, version, value);
                Ok(true)
            }
            Answer::Gone => Ok(false),
        }
    }
}

/// Creates many records in one request: all or none.
pub(super) struct Bulk<'a> {
    pub(super) client: Client,
    pub(super) ledger: &'a Ledger,
    pub(super) stop: &'a AtomicBool,
    pub(super) life: u32,
    pub(super) number: u32,
}

impl Bulk<'_> {
    pub(super) fn run(self) -> Result<()> {
        for count in 0_u32.. {
            if self.stop.load(Ordering::SeqCst) {
                break;
            }
            let bulk = format!("bulk-{}-{}-{count}", self.life, self.number);
            let names: Vec<_> = (0..BULK_RECORDS).map(|index| format!("{bulk}-{index}")).collect();
            self.ledger.creating_bulk(self.life, &bulk, &names);
            match self.client.create_bulk(&names, self.life)? {
                Answer::Done(made) => self.ledger.created_bulk(&bulk, &names, made),
                Answer::Gone => break,
            }
        }
        Ok(())
    }
}

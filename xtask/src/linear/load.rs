//! What the callers of a history do, and what they write down: when they asked what, and what was answered when. An operation
//! whose answer was lost with the server is written down without one. Judges nothing.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::client::{Answer, Client, number_of, version_of};
use super::models::{AccountsUse, NameUse, RegisterUse, Set};
use super::search::Timed;

/// Callers of one history.
pub(super) const CALLERS: usize = 16;
/// Records that are written with versions.
pub(super) const REGISTERS: usize = 2;
/// Names that callers compete for.
pub(super) const NAMES: usize = 2;
/// What both accounts hold together.
pub(super) const SUM: i64 = 1_000;

/// The records of one history, and everything its callers have written down.
pub(super) struct History {
    pub(super) number: u32,
    registers: Vec<String>,
    accounts: [String; 2],
    counter: String,
    began: Instant,
    tags: AtomicU64,
    pub(super) seen: Mutex<Seen>,
}

/// What was written down.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) registers: [Vec<Timed<RegisterUse>>; REGISTERS],
    pub(super) names: [Vec<Timed<NameUse>>; NAMES],
    pub(super) accounts: Vec<Timed<AccountsUse>>,
    /// The revision of each answered transaction over the accounts, by its place in `accounts`.
    pub(super) revisions: Vec<(usize, u64)>,
    /// Records that were numbered: the number, if it was told.
    pub(super) tickets: Vec<Timed<Option<i64>>>,
    /// Increments of the counter: the value each left, if it was told.
    pub(super) increments: Vec<Timed<Option<i64>>>,
}

impl Seen {
    pub(super) fn operations(&self) -> (usize, usize) {
        fn count<O>(timed: &[Timed<O>]) -> (usize, usize) {
            let unknown = timed.iter().filter(|timed| timed.answered.is_none()).count();
            (timed.len(), unknown)
        }
        let registers = self.registers.iter().map(|timed| count(timed));
        let names = self.names.iter().map(|timed| count(timed));
        let others = [
            count(&self.accounts),
            count(&self.tickets),
            count(&self.increments),
        ];
        let all = registers.chain(names).chain(others);
        all.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}

/// What a caller does next: whether it goes on.
type Next = Result<bool>;

impl History {
    /// Makes the records of a history.
    pub(super) fn make(client: &Client, number: u32) -> Result<Self> {
        let make = |table: &str, value: i64| client.make(table, &json!({"value": value, "history": number}));
        let registers = (0..REGISTERS)
            .map(|_| make("registers", 0))
            .collect::<Result<_>>()?;
        Ok(Self {
            number,
            registers,
            accounts: [make("left", SUM)?, make("right", 0)?],
            counter: make("registers", 0)?,
            began: Instant::now(),
            tags: AtomicU64::new(1),
            seen: Mutex::default(),
        })
    }

    /// One caller, until it is told to stop or the server is gone.
    pub(super) fn call(&self, client: &Client, caller: usize, seed: u64, stop: &AtomicBool) -> Result<()> {
        let mut random = StdRng::seed_from_u64(seed);
        while !stop.load(Ordering::SeqCst) {
            let goes_on = match caller {
                0..5 => self.register(client, &mut random)?,
                5..9 => self.name(client, &mut random)?,
                9..11 => self.ticket(client)?,
                11..13 => self.increment(client)?,
                _ => self.account(client, &mut random)?,
            };
            if !goes_on {
                break;
            }
        }
        Ok(())
    }

    /// Reads everything once more when nobody writes.
    pub(super) fn look_at_last(&self, client: &Client) -> Result<()> {
        let gone = "the server went away though nobody killed it";
        for register in 0..REGISTERS {
            self.read_register(client, register)?.context(gone)?;
        }
        for name in 0..NAMES {
            self.look(client, name)?.context(gone)?;
        }
        self.read_accounts(client)?.context(gone).map(|_| ())
    }

    /// The counter as it is at the end, and all numbered records.
    pub(super) fn ends(&self, client: &Client) -> Result<(i64, Vec<i64>)> {
        let counter = self.get(client, "registers", &self.counter)?;
        let counter = number_of(&counter.context("the counter is gone")?, "value")?;
        let tickets = client.of_history("tickets", self.number)?;
        let numbers = tickets.iter().map(|ticket| number_of(ticket, "number"));
        Ok((counter, numbers.collect::<Result<_>>()?))
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    fn tag(&self) -> u64 {
        self.tags.fetch_add(1, Ordering::Relaxed)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().expect("no holder of this lock panics")
    }

    fn register(&self, client: &Client, random: &mut StdRng) -> Next {
        let register = random.random_range(0..REGISTERS);
        let value = self.tag() as i64;
        match random.random_range(0..4) {
            0 => self.read_register(client, register).map(|read| read.is_some()),
            1 => {
                let path = format!("/api/tables/registers/records/{}", self.registers[register]);
                let asked = self.now();
                let answer = client.send("PATCH", &path, Some(&json!({"data": {"value": value}})), None)?;
                let version = answer
                    .as_ref()
                    .map(|answer| version_of(&ok(answer)?.body))
                    .transpose()?;
                self.note_register(
                    register,
                    asked,
                    RegisterUse::Write { value, version },
                    answer.is_some(),
                );
                Ok(answer.is_some())
            }
            _ => {
                let Some(expected) = self.read_register(client, register)? else {
                    return Ok(false);
                };
                let path = format!("/api/tables/registers/records/{}", self.registers[register]);
                let asked = self.now();
                let body = json!({"data": {"value": value}});
                let answer = client.send("PATCH", &path, Some(&body), Some(expected))?;
                let done = match &answer {
                    None => None,
                    Some(answer) if answer.status == 412 => {
                        Some(Set::At(version_of(&answer.body["current"])?))
                    }
                    Some(answer) => {
                        let version = version_of(&ok(answer)?.body)?;
                        if version != expected + 1 {
                            bail!("a write at version {expected} left version {version}");
                        }
                        Some(Set::Done)
                    }
                };
                let set = RegisterUse::Set {
                    expected,
                    value,
                    done,
                };
                self.note_register(register, asked, set, answer.is_some());
                Ok(answer.is_some())
            }
        }
    }

    /// Reads a register; answers its version.
    fn read_register(&self, client: &Client, register: usize) -> Result<Option<u64>> {
        let asked = self.now();
        let Some(record) = self.get(client, "registers", &self.registers[register])? else {
            return Ok(None);
        };
        let (version, value) = (version_of(&record)?, number_of(&record, "value")?);
        self.note_register(register, asked, RegisterUse::Read { version, value }, true);
        Ok(Some(version))
    }

    fn note_register(&self, register: usize, asked: u64, operation: RegisterUse, answered: bool) {
        let answered = answered.then(|| self.now());
        self.seen().registers[register].push(Timed {
            asked,
            answered,
            operation,
        });
    }

    fn name(&self, client: &Client, random: &mut StdRng) -> Next {
        let name = random.random_range(0..NAMES);
        let tag = self.tag();
        let data = json!({"name": self.name_of(name), "value": tag, "history": self.number});
        let asked = self.now();
        let answer = client.send(
            "POST",
            "/api/tables/names/records",
            Some(&json!({"data": data})),
            None,
        )?;
        let (done, id) = match &answer {
            None => (None, None),
            Some(answer) if answer.status == 409 => (Some(false), None),
            Some(answer) => (Some(true), ok(answer)?.body["id"].as_str().map(str::to_owned)),
        };
        self.note_name(name, asked, NameUse::Take { tag, done }, answer.is_some());
        if answer.is_none() {
            return Ok(false);
        }
        // Whoever did not get it removes whoever has it, so that a holder whose answer was lost does not stay for ever.
        let holder = match id {
            Some(id) => Some((tag, id)),
            None => match self.look(client, name)? {
                Some(holder) => holder,
                None => return Ok(false),
            },
        };
        let Some((tag, id)) = holder else { return Ok(true) };
        let asked = self.now();
        let answer = client.send("DELETE", &format!("/api/tables/names/records/{id}"), None, None)?;
        let done = match &answer {
            None => None,
            Some(answer) if matches!(answer.status, 404 | 410) => Some(false),
            Some(answer) => Some(ok(answer)?.status == 204),
        };
        self.note_name(name, asked, NameUse::Leave { tag, done }, answer.is_some());
        Ok(answer.is_some())
    }

    /// Looks who has a name: tag and id.
    fn look(&self, client: &Client, name: usize) -> Result<Option<Option<(u64, String)>>> {
        let filter = json!({"column": "name", "operator": "eq", "value": self.name_of(name)});
        let body = json!({"filter": filter, "count": "none"});
        let asked = self.now();
        let Some(answer) = client.send("POST", "/api/tables/names/query", Some(&body), None)? else {
            return Ok(None);
        };
        let records = ok(&answer)?.body["records"]
            .as_array()
            .context("a page without \"records\"")?;
        let holder = match records.as_slice() {
            [] => None,
            [record] => {
                let id = record["id"].as_str().context("a record without \"id\"")?;
                Some((number_of(record, "value")? as u64, id.to_owned()))
            }
            many => bail!("{} records have one unique name: {many:?}", many.len()),
        };
        let look = NameUse::Look(holder.as_ref().map(|(tag, _)| *tag));
        self.note_name(name, asked, look, true);
        Ok(Some(holder))
    }

    fn name_of(&self, name: usize) -> String {
        format!("h{}-{name}", self.number)
    }

    fn note_name(&self, name: usize, asked: u64, operation: NameUse, answered: bool) {
        let answered = answered.then(|| self.now());
        self.seen().names[name].push(Timed {
            asked,
            answered,
            operation,
        });
    }

    fn ticket(&self, client: &Client) -> Next {
        let asked = self.now();
        let body = json!({"data": {"history": self.number}});
        let answer = client.send("POST", "/api/tables/tickets/records", Some(&body), None)?;
        let number = answer
            .as_ref()
            .map(|answer| number_of(&ok(answer)?.body, "number"))
            .transpose()?;
        let answered = number.is_some().then(|| self.now());
        self.seen().tickets.push(Timed {
            asked,
            answered,
            operation: number,
        });
        Ok(number.is_some())
    }

    /// Adds one to the counter: reads it, and writes in a transaction that holds only if it is still so.
    fn increment(&self, client: &Client) -> Next {
        let Some(record) = self.get(client, "registers", &self.counter)? else {
            return Ok(false);
        };
        let (version, value) = (version_of(&record)?, number_of(&record, "value")?);
        let update = json!({"op": "update", "table": "registers", "id": self.counter, "version": version,
            "data": {"value": value + 1}});
        let asked = self.now();
        let body = json!({"operations": [update]});
        match client.send("POST", "/api/transactions", Some(&body), None)? {
            Some(answer) if conflicted(&answer) => Ok(true),
            Some(answer) => {
                let left = number_of(&ok(&answer)?.body["results"][0]["record"], "value")?;
                let answered = Some(self.now());
                self.seen().increments.push(Timed {
                    asked,
                    answered,
                    operation: Some(left),
                });
                Ok(true)
            }
            None => {
                self.seen().increments.push(Timed {
                    asked,
                    answered: None,
                    operation: None,
                });
                Ok(false)
            }
        }
    }

    fn account(&self, client: &Client, random: &mut StdRng) -> Next {
        let Some(both) = self.read_accounts(client)? else {
            return Ok(false);
        };
        if random.random_range(0..3) == 0 {
            return Ok(true);
        }
        if random.random_range(0..3) == 0 {
            return self.lean(client, random.random_range(0..2), [both[0].0, both[1].0]);
        }
        let (expected, step) = ([both[0].0, both[1].0], random.random_range(-9..=9));
        let values = [both[0].1 - step, both[1].1 + step];
        let update = |at: usize, table: &str| {
            json!({"op": "update", "table": table, "id": self.accounts[at], "version": expected[at],
                "data": {"value": values[at]}})
        };
        let body = json!({"operations": [update(0, "left"), update(1, "right")]});
        self.transact(client, &body, |done| AccountsUse::Transfer {
            expected,
            values,
            done,
        })
    }

    /// Writes one account in a transaction that holds only if the other is still as it was, too.
    fn lean(&self, client: &Client, written: usize, expected: [u64; 2]) -> Next {
        let other = 1 - written;
        let tables = ["left", "right"];
        let check = json!({"op": "check", "table": tables[other], "id": self.accounts[other],
            "version": expected[other]});
        let update = json!({"op": "update", "table": tables[written], "id": self.accounts[written],
            "version": expected[written], "data": {"name": format!("lean {}", self.tag())}});
        let body = json!({"operations": [check, update]});
        self.transact(client, &body, |done| AccountsUse::Lean {
            expected,
            written,
            done,
        })
    }

    /// Sends a transaction and notes what became of it: done, refused, or not known.
    fn transact(
        &self,
        client: &Client,
        body: &Value,
        used: impl FnOnce(Option<bool>) -> AccountsUse,
    ) -> Next {
        let asked = self.now();
        let answer = client.send("POST", "/api/transactions", Some(body), None)?;
        let done = match &answer {
            None => None,
            Some(answer) if conflicted(answer) => Some(false),
            Some(answer) => Some(ok(answer)?.status == 200),
        };
        self.note_account(asked, used(done), answer.as_ref())?;
        Ok(answer.is_some())
    }

    /// Reads both accounts in one transaction.
    fn read_accounts(&self, client: &Client) -> Result<Option<[(u64, i64); 2]>> {
        let check = |at: usize, table: &str| json!({"op": "check", "table": table, "id": self.accounts[at]});
        let body = json!({"operations": [check(0, "left"), check(1, "right")]});
        loop {
            let asked = self.now();
            let Some(answer) = client.send("POST", "/api/transactions", Some(&body), None)? else {
                return Ok(None);
            };
            if conflicted(&answer) {
                continue;
            }
            let of = |at: usize| -> Result<(u64, i64)> {
                let record = &answer.body["results"][at]["record"];
                Ok((version_of(record)?, number_of(record, "value")?))
            };
            ok(&answer)?;
            let both = [of(0)?, of(1)?];
            self.note_account(asked, AccountsUse::Read(both), Some(&answer))?;
            return Ok(Some(both));
        }
    }

    fn note_account(&self, asked: u64, operation: AccountsUse, answer: Option<&Answer>) -> Result<()> {
        let answered = answer.map(|_| self.now());
        let mut seen = self.seen();
        if let Some(answer) = answer.filter(|answer| answer.status == 200) {
            let revision = answer.body["revision"].as_u64().context("no \"revision\"")?;
            let place = seen.accounts.len();
            seen.revisions.push((place, revision));
        }
        seen.accounts.push(Timed {
            asked,
            answered,
            operation,
        });
        Ok(())
    }

    /// One record; none if the server went away.
    fn get(&self, client: &Client, table: &str, id: &str) -> Result<Option<Value>> {
        let path = format!("/api/tables/{table}/records/{id}");
        let answer = client.send("GET", &path, None, None)?;
        answer.map(|answer| Ok(ok(&answer)?.body.clone())).transpose()
    }
}

/// Whether a transaction was refused because others were faster.
fn conflicted(answer: &Answer) -> bool {
    answer.status == 409 && answer.body["code"] == "transactionConflict"
}

/// A success, or an error that shows the answer.
fn ok(answer: &Answer) -> Result<&Answer> {
    if !(200..300).contains(&answer.status) {
        bail!("the server answered {}: {}", answer.status, answer.body);
    }
    Ok(answer)
}

//! Events: what they carry, their order, and that nothing is missed or told twice, whoever reads from wherever.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chancery::{
    BridgeOptions, ColumnInput, Error, Event, EventKind, Events, Json, Look, Reason, Record, Since, Store,
    TableHandle, TableInput, Topic, WorkspaceInput, json,
};
use chancery_scenarios::{on_every_backend, on_every_backend_by_hand, twice_on_postgres};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

async fn notes(store: &Store) -> TableHandle {
    let input = TableInput::new("Notes")
        .column(ColumnInput::new("text", "text"))
        .column(ColumnInput::new("rank", "number"));
    store.create_table(input).await.expect("defined")
}

async fn next(events: &mut Events) -> Event {
    let next = tokio::time::timeout(PATIENCE, events.next()).await;
    next.expect("an event comes").expect("the log can be read")
}

/// Everything that is in the log already.
async fn rest(events: &mut Events) -> Vec<Event> {
    let mut rest = Vec::new();
    while let Some(event) = events.next_at_once().await.expect("the log can be read") {
        rest.push(event);
    }
    rest
}

fn flat(record: &Option<Record>) -> Option<Json> {
    record.as_ref().map(|record| Json::Object(record.flat()))
}

#[test]
fn every_step_of_a_record_is_told_with_what_it_was_and_what_it_became() {
    on_every_backend(|store| async move {
        let notes = notes(&store).await;
        let mut events = store.events(Since::Now);
        let one = notes
            .insert(json!({"text": "one", "rank": 1}))
            .await
            .expect("inserted");
        let two = notes
            .update(one.key(), json!({"text": "two"}))
            .await
            .expect("updated");
        notes.delete(one.key()).await.expect("deleted");
        let back = notes.restore(one.key()).await.expect("restored");
        notes.delete(one.key()).await.expect("deleted");
        notes.purge(one.key()).await.expect("purged");

        let inserted = next(&mut events).await;
        assert_eq!(inserted.topic(), "table.notes.inserted");
        assert_eq!(
            (inserted.old.clone(), inserted.new.clone()),
            (None, Some(one.clone()))
        );
        assert_eq!(inserted.key.as_ref(), Some(one.key()));
        assert_eq!(inserted.at, one.created_at());
        let updated = next(&mut events).await;
        assert_eq!(updated.topic(), "table.notes.updated");
        assert_eq!((updated.old, updated.new), (Some(one), Some(two.clone())));
        let deleted = next(&mut events).await;
        assert_eq!((deleted.kind, deleted.old), (EventKind::Deleted, Some(two)));
        let trashed = deleted.new.expect("it is in the trash");
        assert!(trashed.deleted_at().is_some());
        let restored = next(&mut events).await;
        assert_eq!(restored.kind, EventKind::Restored);
        assert_eq!((restored.old, restored.new), (Some(trashed), Some(back.clone())));
        let again = next(&mut events).await;
        assert_eq!((again.kind, again.old), (EventKind::Deleted, Some(back)));
        let purged = next(&mut events).await;
        assert_eq!(purged.kind, EventKind::Purged);
        assert_eq!(flat(&purged.old), flat(&again.new));
        assert_eq!(purged.new, None);
        assert_eq!(rest(&mut events).await.len(), 0);
        let numbers: Vec<u64> = rest(&mut store.events(Since::Revision(0)))
            .await
            .iter()
            .map(|event| event.number)
            .collect();
        assert_eq!(numbers, (1..=6).collect::<Vec<u64>>());
    });
}

#[test]
fn a_live_record_that_goes_for_good_is_deleted_and_a_cleared_table_says_so() {
    on_every_backend(|store| async move {
        let definition =
            json!({"key": "sku", "schema": {"sku": {"type": "string"}, "stock": {"type": "number"}}});
        let items = store.define_bucket("items", &definition).await.expect("defined");
        let item = items
            .insert(json!({"sku": "a", "stock": 3}))
            .await
            .expect("inserted");
        items.delete("a").await.expect("deleted");
        // The key is used again, by a record that has nothing to do with the first.
        items
            .insert(json!({"sku": "a", "stock": 4}))
            .await
            .expect("inserted");
        items.update("a", json!({"stock": 5})).await.expect("updated");
        let events = rest(&mut store.events(Since::Change(0))).await;
        let kinds: Vec<EventKind> = events.iter().map(|event| event.kind).collect();
        use EventKind::{Cleared, Deleted, Inserted, Updated};
        assert_eq!(kinds, [Inserted, Deleted, Inserted, Updated]);
        assert_eq!(events[0].new.as_ref(), Some(&item));
        assert_eq!(
            (flat(&events[1].old), &events[1].new),
            (Some(Json::Object(item.flat())), &None)
        );
        let stock = |record: &Option<Record>| record.as_ref().expect("it is known").get("stock");
        assert_eq!(stock(&events[2].new), json!(4));
        assert_eq!(
            (stock(&events[3].old), stock(&events[3].new)),
            (json!(4), json!(5))
        );
        let wire = Json::Object(events[3].flat());
        assert_eq!(wire["type"], "updated");
        assert_eq!(
            (&wire["oldRecord"]["stock"], &wire["newRecord"]["stock"]),
            (&json!(4), &json!(5))
        );
        assert_eq!(wire["key"], "a");

        assert_eq!(items.clear().await.expect("cleared"), 1);
        let events = rest(&mut store.events(Since::Change(0))).await;
        let cleared = events.last().expect("there are events");
        assert_eq!(
            (cleared.kind, &cleared.key, &cleared.new),
            (Cleared, &None, &None)
        );
        assert_eq!(cleared.topic(), "table.items.cleared");
        // What went before stays exact; of what went with the table no value is made up.
        assert_eq!(flat(&events[0].new), Some(Json::Object(item.flat())));
        assert_eq!((&events[2].new, &events[3].new), (&None, &None));
    });
}

#[test]
fn what_expires_and_what_makes_room_says_so() {
    on_every_backend_by_hand(|store, clock| async move {
        let definition =
            json!({"key": "id", "ttl": 1_000, "maxSize": 2, "schema": {"id": {"type": "string"}}});
        let visits = store.define_bucket("visits", &definition).await.expect("defined");
        for id in ["a", "b", "c"] {
            clock.pass(1);
            visits.insert(json!({"id": id})).await.expect("inserted");
        }
        clock.pass(2_000);
        assert_eq!(store.purge_ttl().await.expect("removed"), 2);
        let events = rest(&mut store.events(Since::Revision(0))).await;
        let told: Vec<(String, EventKind, Reason)> = events
            .iter()
            .map(|event| (event.record().expect("known").id(), event.kind, event.reason))
            .collect();
        let of = |id: &str, kind, reason| (id.to_owned(), kind, reason);
        use EventKind::{Deleted, Inserted};
        let expected = [
            of("a", Inserted, Reason::User),
            of("b", Inserted, Reason::User),
            of("c", Inserted, Reason::User),
            of("a", Deleted, Reason::Eviction),
            of("b", Deleted, Reason::Ttl),
            of("c", Deleted, Reason::Ttl),
        ];
        assert_eq!(told.len(), expected.len(), "{told:?}");
        assert!(expected.iter().all(|event| told.contains(event)), "{told:?}");
    });
}

/// A die that falls the same way in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % sides
    }
}

#[test]
fn states_are_rebuilt_exactly_however_long_ago_they_were() {
    on_every_backend(|store| async move {
        let definition = json!({"key": "id", "schema": {"id": {"type": "string"}, "n": {"type": "number"}, "s": {"type": "string"}}});
        let items = store.define_bucket("items", &definition).await.expect("defined");
        let mut dice = Dice(7);
        let mut held: HashMap<String, Json> = HashMap::new();
        let mut told: Vec<(Option<Json>, Option<Json>)> = Vec::new();
        for n in 0..2_500_u64 {
            let key = format!("k{}", dice.roll(12));
            let old = held.get(&key).cloned();
            let new = match (&old, dice.roll(5)) {
                (None, _) => Some(
                    items
                        .insert(json!({"id": key, "n": n, "s": "x"}))
                        .await
                        .expect("inserted"),
                ),
                (Some(_), 0) => {
                    items.delete(&*key).await.expect("deleted");
                    None
                }
                (Some(_), 1) => Some(
                    items
                        .update(&*key, json!({"s": null, "n": n}))
                        .await
                        .expect("updated"),
                ),
                (Some(_), _) => Some(
                    items
                        .update(&*key, json!({"s": format!("s{n}")}))
                        .await
                        .expect("updated"),
                ),
            };
            let new = new.map(|record| Json::Object(record.flat()));
            match &new {
                Some(new) => held.insert(key, new.clone()),
                None => held.remove(&key),
            };
            told.push((old, new));
        }
        let mut events = store.events(Since::Revision(0));
        for (number, (old, new)) in (1..).zip(told) {
            let event = next(&mut events).await;
            assert_eq!(
                (event.number, flat(&event.old), flat(&event.new)),
                (number, old, new)
            );
        }
        assert_eq!(rest(&mut events).await.len(), 0);
    });
}

#[test]
fn all_events_of_a_commit_come_together_and_a_revision_is_a_place_to_resume() {
    on_every_backend(|store| async move {
        let notes = notes(&store).await;
        let many = |count: usize| (0..count).map(|n| json!({"rank": n})).collect::<Vec<Json>>();
        notes.insert_many(many(3)).await.expect("inserted");
        notes.insert_many(many(2_345)).await.expect("inserted");
        notes.insert_many(many(1)).await.expect("inserted");
        let mut events = store.events(Since::Revision(0));
        let mut revisions = Vec::new();
        for count in [3, 2_345, 1] {
            let commit = events.next_commit().await.expect("read");
            assert_eq!(commit.len(), count);
            assert!(commit.iter().all(|event| event.revision == commit[0].revision));
            revisions.push(commit[0].revision);
            assert_eq!(events.revision(), commit[0].revision);
        }
        assert!(events.next_at_once().await.expect("read").is_none());
        for (revision, left) in [
            (revisions[0] - 1, 2_349),
            (revisions[0], 2_346),
            (revisions[1], 1),
            (revisions[2], 0),
        ] {
            assert_eq!(
                rest(&mut store.events(Since::Revision(revision))).await.len(),
                left
            );
        }
        assert_eq!(
            rest(&mut store.events(Since::Change(2_300))).await[0].number,
            2_301
        );
    });
}

/// Writes from several tasks at once, until each has written so many.
async fn write_from_all_sides(stores: Vec<Store>, each: usize) {
    let tasks = stores.into_iter().enumerate().map(|(who, store)| {
        tokio::spawn(async move {
            let notes = store.table("notes").expect("it is there");
            for n in 0..each {
                let text = format!("{who}:{n}");
                notes.insert(json!({"text": text})).await.expect("inserted");
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("it did not panic");
    }
}

/// Reads so many events, giving up and resuming from elsewhere again and again.
async fn read_with_breaks(store: &Store, count: usize) {
    let mut dice = Dice(3);
    let mut last = 0;
    let mut by_writer: HashMap<String, u64> = HashMap::new();
    let mut read = 0;
    while read < count {
        let mut events = store.events(Since::Change(last));
        for _ in 0..=dice.roll(200).min((count - read - 1) as u64) {
            // A wait that is given up may lose nothing.
            let mut patience = Duration::from_micros(1 + dice.roll(3_000));
            let event = loop {
                if let Ok(event) = tokio::time::timeout(patience, events.next()).await {
                    break event.expect("read");
                }
                // Where one read takes longer than that, all would be given up.
                patience *= 2;
            };
            assert_eq!(event.number, last + 1, "without gap or repeat");
            (last, read) = (event.number, read + 1);
            let text = event.new.expect("nothing was cleared").get("text");
            let (who, n) = text
                .as_str()
                .expect("a text")
                .split_once(':')
                .expect("of two parts");
            let expected = by_writer.entry(who.to_owned()).or_default();
            assert_eq!(n, expected.to_string(), "each writer's in its order");
            *expected += 1;
        }
    }
}

#[test]
fn resuming_under_load_leaves_no_gap_and_repeats_nothing() {
    on_every_backend(|store| async move {
        notes(&store).await;
        let writing = tokio::spawn(write_from_all_sides(vec![store.clone(); 4], 300));
        let reading = read_with_breaks(&store, 1_200);
        tokio::time::timeout(PATIENCE, reading).await.expect("all come");
        writing.await.expect("it did not panic");
        assert_eq!(rest(&mut store.events(Since::Change(1_200))).await.len(), 0);
    });
}

#[test]
fn what_another_process_writes_is_told_here() {
    twice_on_postgres(|store, other| async move {
        notes(&store).await;
        other.refresh().await.expect("read");
        let both = vec![store.clone(), other.clone(), store.clone(), other.clone()];
        let writing = tokio::spawn(write_from_all_sides(both, 100));
        tokio::time::timeout(PATIENCE, read_with_breaks(&other, 400))
            .await
            .expect("all come");
        writing.await.expect("it did not panic");
        // A table that this process has not heard of yet is told of too.
        let input = TableInput::new("Late").column(ColumnInput::new("text", "text"));
        let late = store.create_table(input).await.expect("defined");
        let mut events = other.events(Since::Change(400));
        late.insert(json!({"text": "late"})).await.expect("inserted");
        assert_eq!(next(&mut events).await.topic(), "table.late.inserted");
    });
}

#[test]
fn a_workspace_hears_of_its_own_tables_only() {
    on_every_backend(|store| async move {
        let input = WorkspaceInput {
            name: "Second".into(),
            ..Default::default()
        };
        store.create_workspace(input).await.expect("made");
        let second = store.in_workspace("second").expect("found");
        let (here, there) = (notes(&store).await, notes(&second).await);
        here.insert(json!({"text": "here"})).await.expect("inserted");
        there.insert(json!({"text": "there"})).await.expect("inserted");
        here.insert(json!({"text": "here"})).await.expect("inserted");
        for (store, texts) in [(&store, &["here", "here"][..]), (&second, &["there"][..])] {
            let mut events = store.events(Since::Revision(0));
            let told = rest(&mut events).await;
            let told: Vec<Json> = told
                .iter()
                .map(|event| event.new.as_ref().expect("known").get("text"))
                .collect();
            assert_eq!(told, texts);
            assert_eq!(events.position(), 3, "what is passed over counts");
        }
        // Of a table that was dropped nothing can be told, and nothing stands in the way.
        here.delete_table().await.expect("dropped");
        assert_eq!(rest(&mut store.events(Since::Revision(0))).await.len(), 0);
    });
}

#[test]
fn handlers_hear_their_topics_in_order_whatever_others_do() {
    on_every_backend(|store| async move {
        let notes = notes(&store).await;
        let heard: Arc<Mutex<Vec<(&str, u64)>>> = Arc::default();
        let running = Arc::new(AtomicUsize::new(0));
        let handler = |name: &'static str| {
            let (heard, running) = (heard.clone(), running.clone());
            move |event: Event| {
                let (heard, running) = (heard.clone(), running.clone());
                async move {
                    if name == "slow" {
                        assert_eq!(running.fetch_add(1, SeqCst), 0, "one call at a time");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        running.fetch_sub(1, SeqCst);
                    }
                    heard.lock().expect("unbroken").push((name, event.number));
                    match name {
                        "panics" => panic!("a handler panics on purpose"),
                        "fails" => Err("a handler fails on purpose".into()),
                        _ => Ok(()),
                    }
                }
            }
        };
        let subscriptions = [
            store.on("*", handler("slow")).expect("a topic"),
            store.on("bucket.*.inserted", handler("panics")).expect("a topic"),
            store.on("table.notes.*", handler("fails")).expect("a topic"),
            store.on("table.*", handler("all")).expect("a topic"),
            store
                .on("table.notes.cleared", handler("cleared"))
                .expect("a topic"),
            store.on("table.others.*", handler("none")).expect("a topic"),
        ];
        assert!(matches!(
            store.on("table.notes", handler("never")),
            Err(Error::Query(_))
        ));
        for n in 0..5 {
            let note = notes.insert(json!({"rank": n})).await.expect("inserted");
            notes
                .update(note.key(), json!({"rank": -n - 1}))
                .await
                .expect("updated");
        }
        notes.clear().await.expect("cleared");
        let all: Vec<u64> = (1..=11).collect();
        let inserted: Vec<u64> = (1..=9).step_by(2).collect();
        let of = |name: &str| -> Vec<u64> {
            let heard = heard.lock().expect("unbroken");
            heard
                .iter()
                .filter(|(had, _)| *had == name)
                .map(|(_, number)| *number)
                .collect()
        };
        let waiting = async {
            while of("slow").len() < 11
                || of("all").len() < 11
                || of("fails").len() < 11
                || of("panics").len() < 5
                || of("cleared").is_empty()
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("all are called");
        for subscription in subscriptions {
            subscription.stop().await;
        }
        for (name, numbers) in [
            ("slow", &all),
            ("all", &all),
            ("fails", &all),
            ("panics", &inserted),
            ("cleared", &vec![11]),
            ("none", &vec![]),
        ] {
            assert_eq!(&of(name), numbers, "{name}");
        }
        notes.insert(json!({"rank": 0})).await.expect("inserted");
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(of("all"), all, "stopped is stopped");
    });
}

#[test]
fn a_bridge_forwards_what_it_is_told_to_and_counts_what_is_rejected() {
    on_every_backend(|store| async move {
        let notes = notes(&store).await;
        let taken: Arc<Mutex<Vec<(String, Json)>>> = Arc::default();
        let receiver = {
            let taken = taken.clone();
            move |topic: String, data: Json| {
                let taken = taken.clone();
                async move {
                    if data["rank"] == json!(3) {
                        return Err("not this one".into());
                    }
                    taken.lock().expect("unbroken").push((topic, data));
                    Ok(())
                }
            }
        };
        let rank = |event: &Event| event.record().map_or(Json::Null, |record| record.get("rank"));
        let options = BridgeOptions {
            topics: vec![Topic::parse("bucket.notes.inserted").expect("a topic")],
            since: Since::Revision(0),
            filter: Box::new(move |event| rank(event) != json!(1)),
            map_topic: Box::new(|event| event.topic().replace("table", "rules")),
            map_data: Box::new(move |event| json!({"rank": rank(event)})),
        };
        for n in 0..5 {
            notes.insert(json!({"rank": n})).await.expect("inserted");
        }
        let bridge = store.bridge(receiver, options).expect("it stands");
        let waiting = async {
            while bridge.forwarded() + bridge.rejected() < 4 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("all are forwarded");
        assert_eq!((bridge.forwarded(), bridge.rejected()), (3, 1));
        bridge.teardown().await;
        let taken = taken.lock().expect("unbroken").clone();
        let expected = [0, 2, 4].map(|n| ("rules.notes.inserted".to_owned(), json!({"rank": n})));
        assert_eq!(taken, expected);
    });
}

#[test]
fn a_place_beyond_the_end_of_the_log_is_refused_and_its_end_is_not() {
    on_every_backend(|store| async move {
        let notes = notes(&store).await;
        notes.insert(json!({"text": "one"})).await.expect("inserted");
        let revision = store.revision().await.expect("a revision");
        let number = store.changes(0, 100).await.expect("the log").len() as u64;
        for since in [
            Since::Revision(revision + 1),
            Since::Revision(u64::MAX),
            Since::Change(number + 1),
            Since::Change(u64::MAX),
        ] {
            let told = store.events(since).next_at_once().await;
            assert!(
                matches!(told, Err(Error::Gone { oldest: 0, newest }) if newest == revision),
                "{since:?}: {told:?}"
            );
        }
        let followed = store.follow(number + 1).next().await;
        assert!(matches!(followed, Err(Error::Gone { .. })), "{followed:?}");
        let mut all = Vec::new();
        for since in [Since::Revision(revision), Since::Change(number)] {
            let mut events = store.events(since);
            assert!(
                events.next_at_once().await.expect("a place").is_none(),
                "{since:?}"
            );
            all.push(events);
        }
        notes.insert(json!({"text": "two"})).await.expect("inserted");
        for mut events in all {
            assert_eq!(next(&mut events).await.number, number + 1);
        }
    });
}

#[test]
fn a_look_comes_back_from_a_log_of_others_and_says_how_far_it_is() {
    on_every_backend(|store| async move {
        let input = WorkspaceInput {
            name: "Other".into(),
            ..Default::default()
        };
        store.create_workspace(input).await.expect("made");
        let other = store.in_workspace("other").expect("found");
        let busy = notes(&other).await;
        for part in 0..2 {
            let all = (0..1_000).map(|rank| json!({"rank": rank + part})).collect();
            busy.insert_many(all).await.expect("inserted");
        }
        let mut events = store.events(Since::Change(0));
        let mut places = Vec::new();
        while let Look::Passed = events.look().await.expect("the log can be read") {
            places.push(events.position());
        }
        assert_eq!(places[..2], [1_000, 2_000]);
    });
}

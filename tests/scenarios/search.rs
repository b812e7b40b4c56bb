//! Searches by words, plain and fuzzy, in queries, files and live. Which words are alike is tested in the model.

use chancery::{
    Count, ExportOptions, Header, Json, Live, LiveQuery, LiveResult, Operator, PageWindow, Query, Scope, json,
};
use chancery_scenarios::on_every_backend;

use super::queries::{films, titles};

#[test]
fn search_finds_words_by_their_start() {
    on_every_backend(|store| async move {
        let films = films(&store).await;
        assert_eq!(
            titles(&films, Query::new().search("gam RA")).await,
            ["Gamma rays"]
        );
        films
            .insert(json!({"title": "Radio days"}))
            .await
            .expect("inserted");
        assert_eq!(
            titles(&films, Query::new().search("ra").ascending("title")).await,
            ["Gamma rays", "Radio days"]
        );
        assert!(titles(&films, Query::new().search("zzz")).await.is_empty());
        let all = titles(&films, Query::new().search(" ")).await;
        assert!(all.len() > 2, "blanks search for nothing");
        for signs in ["%", "-", "\" *", "_"] {
            assert!(
                titles(&films, Query::new().search(signs)).await.is_empty(),
                "{signs}"
            );
            assert!(
                titles(&films, Query::new().search_alike(signs)).await.is_empty(),
                "{signs}"
            );
        }
    });
}

#[test]
fn a_fuzzy_search_forgives_typing_mistakes_and_ranks_what_it_finds() {
    on_every_backend(|store| async move {
        let films = films(&store).await;
        let more = ["Zoë und Müller", "Gama rays", "Muller", "Gammas"];
        let more = more.iter().map(|title| json!({"title": title, "year": 2000}));
        films
            .insert_many(more.collect::<Vec<_>>())
            .await
            .expect("inserted");
        let alike = |text: &str| Query::new().search_alike(text);
        assert_eq!(
            titles(&films, alike("gamma")).await,
            ["Gamma rays", "Gammas", "Gama rays"],
            "the word itself, what begins with it, what is like it"
        );
        assert_eq!(
            titles(&films, alike("mulelr")).await,
            ["Zoë und Müller", "Muller"]
        );
        assert_eq!(
            titles(&films, alike("gmma rasy")).await,
            ["Gamma rays", "Gama rays"]
        );
        assert!(titles(&films, Query::new().search("gmma")).await.is_empty());
        assert!(titles(&films, alike("alpfa")).await == ["Alpha"]);
        // With a filter, and in an order of one's own.
        let young = alike("gamma").filter("year", Operator::Eq, 2000);
        assert_eq!(titles(&films, young).await, ["Gammas", "Gama rays"]);
        let sorted = alike("gamma").descending("title");
        assert_eq!(
            titles(&films, sorted).await,
            ["Gammas", "Gamma rays", "Gama rays"]
        );
        assert_eq!(films.count(&alike("gamma")).await.expect("counted"), 3);
        // Page by page.
        let page = async |window: PageWindow| {
            let asked = alike("gamma");
            let page = films.page(&asked, Scope::Live, window, 2, Count::None).await;
            page.expect("a page")
        };
        let first = page(PageWindow::After(None)).await;
        assert!(first.has_more && first.records[0].get("title") == json!("Gamma rays"));
        let second = page(PageWindow::After(first.next)).await;
        assert_eq!(second.records[0].get("title"), json!("Gama rays"));
        let back = page(PageWindow::Before(second.previous.expect("a place"))).await;
        assert_eq!(back.records[1].get("title"), json!("Gammas"));
        // What is written later is found too; too many words are refused.
        films
            .insert(json!({"title": "The Gammma"}))
            .await
            .expect("inserted");
        assert_eq!(titles(&films, alike("gamma")).await.len(), 4);
        let refused = films
            .select(&alike(&"word ".repeat(17)))
            .await
            .expect_err("too many");
        assert!(refused.to_string().contains("16 words"), "{refused}");
    });
}

#[test]
fn a_fuzzy_search_leaves_as_a_file_with_what_fits_best_first() {
    on_every_backend(|store| async move {
        let films = films(&store).await;
        let like = ["Gama", "Gamma", "Omega", "Gammas", "Gaama", "Gamam ray"];
        let more = (0..1_500).map(|at| json!({"title": like[at % like.len()], "year": at}));
        films
            .insert_many(more.collect::<Vec<_>>())
            .await
            .expect("inserted");
        let asked = Query::new()
            .search_alike("gamma")
            .filter("year", Operator::Lt, 1_400);
        let wanted: Vec<String> = films
            .select(&asked)
            .await
            .expect("found")
            .iter()
            .map(|record| {
                format!(
                    "{},{}",
                    record.get("title").as_str().unwrap_or_default(),
                    record.get("year")
                )
            })
            .collect();
        assert!(
            wanted.len() > 1_100 && wanted[0].starts_with("Gamma,"),
            "{wanted:?}"
        );
        let options = |query: &Query| ExportOptions {
            columns: vec!["title".into(), "year".into()],
            query: query.clone(),
            header: Header::None,
            ..ExportOptions::default()
        };
        let csv = films.export_csv(&options(&asked)).await.expect("an export");
        let csv = String::from_utf8(csv.collect().await.expect("read")).expect("text");
        assert_eq!(csv.lines().collect::<Vec<_>>(), wanted);
        // What nobody ranks comes in the order that is asked for, in every form.
        let sorted = Query::new().search_alike("gamma rasy").descending("year");
        let lines = films.export_ndjson(&options(&sorted)).await.expect("an export");
        let lines = String::from_utf8(lines.collect().await.expect("read")).expect("text");
        let first = "{\"title\":\"Gamma rays\",\"year\":1960}\n{\"title\":\"Gamam ray\",\"year\":1499}\n";
        assert!(lines.starts_with(first), "{lines:.200}");
        let whole = films
            .export_json(&Query::new().search_alike("alpfa"))
            .await
            .expect("an export");
        let whole: Json = serde_json::from_slice(&whole.collect().await.expect("read")).expect("JSON");
        assert_eq!(whole["records"].as_array().expect("a list").len(), 1);
        assert!(
            films
                .export_xlsx(&options(&asked))
                .await
                .expect("an export")
                .collect()
                .await
                .is_ok()
        );
        // What nobody finds is an empty file, and no search a refusal.
        let none = films
            .export_csv(&options(&Query::new().search_alike("zzzzzz")))
            .await
            .expect("an export");
        assert!(none.collect().await.expect("read").is_empty());
        assert!(
            films
                .export_csv(&options(&Query::new().search_alike(&"word ".repeat(17))))
                .await
                .is_err()
        );
    });
}

#[test]
fn a_live_fuzzy_search_puts_each_new_word_where_it_fits() {
    on_every_backend(|store| async move {
        let films = films(&store).await;
        let asked = |more: Json| {
            let mut query = json!({"table": "films", "search": "gamma", "fuzzy": true});
            query
                .as_object_mut()
                .expect("an object")
                .extend(more.as_object().expect("an object").clone());
            LiveQuery::from_json(&query).expect("a query")
        };
        let mut list = store.live(asked(json!({}))).await.expect("a list");
        let mut count = store
            .live(asked(json!({"aggregate": {"function": "count"}})))
            .await
            .expect("a figure");
        let LiveResult::Records(found) = list.result() else {
            panic!("{:?}", list.result())
        };
        let rays = found[0].id();
        assert_eq!((found.len(), count.result()), (1, &LiveResult::Value(json!(1))));
        let mut told = async || {
            store.settle().await.expect("settled");
            let next = async |live: &mut Live| {
                let push = live.take().await.expect("no failure");
                push.map_or(Json::Null, |push| Json::Object(live.shape().push(&push)))
            };
            let (list, count) = (next(&mut list).await, next(&mut count).await);
            (list["changes"][0].clone(), count["snapshot"].clone())
        };
        let insert = async |title: &str| films.insert(json!({"title": title})).await.expect("inserted");
        // A word that the table has not had before, worse than what is there; then one between the two.
        let worse = insert("Gmama").await;
        let (change, counted) = told().await;
        assert_eq!(
            (&change["key"], &change["before"], counted),
            (&json!(worse.id()), &Json::Null, json!(2))
        );
        let between = insert("Gammatron").await;
        let (change, counted) = told().await;
        assert_eq!((&change["before"], counted), (&json!(worse.id()), json!(3)));
        // What becomes like the word moves, what is no longer like it leaves, and what never was is no news.
        insert("Nothing of the kind").await;
        assert_eq!(told().await, (Json::Null, Json::Null));
        films
            .update(between.key(), json!({"title": "Gamna"}))
            .await
            .expect("changed");
        let (change, counted) = told().await;
        assert_eq!(
            (&change["key"], &change["before"], counted),
            (&json!(between.id()), &Json::Null, Json::Null)
        );
        films
            .update(&*rays, json!({"title": "X rays"}))
            .await
            .expect("changed");
        let (change, counted) = told().await;
        assert_eq!(
            (&change["op"], &change["key"], counted),
            (&json!("remove"), &json!(rays), json!(2))
        );
        let alone = LiveQuery::from_json(&json!({"table": "films", "fuzzy": true})).expect("a query");
        let refused = store.live(alone).await.err().expect("a refusal");
        assert!(refused.to_string().contains("search"), "{refused}");
    });
}

//! One of several processes on one database: `chancery-one-of-several NUMBER URL`. Run by the scenario `several`.
#![expect(clippy::print_stdout, reason = "a program that tells what it saw")]

use chancery::Store;
use chancery_scenarios::several;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(number), Some(url)) = (arguments.next(), arguments.next()) else {
        panic!("a number and a URL are needed");
    };
    let store = Store::open(&url).await.expect("a store opens");
    several::work(store, &number, |line| println!("{line}")).await;
}

//! One of several processes on one database. `chancery-one-of-several NUMBER URL` writes and follows, `chancery-one-of-several
//! follow URL` only follows, until its input ends. Run by the scenario `several` and by `cargo xtask failover`.
#![expect(clippy::print_stdout, reason = "a program that tells what it saw")]

use chancery::Store;
use chancery_scenarios::several;
use tokio::io::AsyncReadExt;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(what), Some(url)) = (arguments.next(), arguments.next()) else {
        panic!("a number or \"follow\", and a URL, are needed");
    };
    let store = Store::open(&url).await.expect("a store opens");
    if what == "follow" {
        let input_ends = async {
            let mut nothing = Vec::new();
            tokio::io::stdin().read_to_end(&mut nothing).await.expect("input");
        };
        println!("followed {}", several::follow(store, input_ends).await);
    } else {
        several::work(store, &what, |line| println!("{line}")).await;
    }
}

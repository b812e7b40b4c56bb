//! Many callers with the right password at once: none of them has to wait for having company.

use chancery::vault::{By, Proof, Secret, Unlock, Vault};
use chancery_scenarios::{on_every_backend, twice_on_postgres};
use tokio::task::JoinHandle;

use super::{TOKEN, code, guarded, value_with, vault};

/// So many callers that read one secret at once.
fn readers(vault: &Vault, callers: usize) -> Vec<JoinHandle<Result<String, &'static str>>> {
    let reader = |_| {
        let vault = vault.clone();
        tokio::spawn(async move { value_with(&vault, TOKEN, "correct horse").await })
    };
    (0..callers).map(reader).collect()
}

async fn all_read(readers: Vec<JoinHandle<Result<String, &'static str>>>) {
    for reader in readers {
        assert_eq!(reader.await.expect("it ends").as_deref(), Ok("hunter2"));
    }
}

/// Six wrong passwords are looked at and the seventh has to wait: nothing that was right is counted any more.
async fn nothing_is_left(vault: &Vault) {
    for _ in 0..6 {
        assert_eq!(
            value_with(vault, TOKEN, "wrong horse").await,
            Err("invalidPassword")
        );
    }
    assert_eq!(
        value_with(vault, TOKEN, "wrong horse").await,
        Err("tooManyAttempts")
    );
}

#[test]
fn sixty_four_right_passwords_at_once_are_all_right() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await.from_client("here");
        guarded(&vault, TOKEN, "hunter2", "correct horse").await;
        all_read(readers(&vault, 64)).await;
        nothing_is_left(&vault).await;
    });
}

#[test]
fn right_passwords_of_two_processes_are_all_right() {
    twice_on_postgres(|one, two| async move {
        let (one, two) = (vault(&one).await, vault(&two).await);
        guarded(&one, TOKEN, "hunter2", "correct horse").await;
        let (first, second) = (readers(&one, 20), readers(&two, 20));
        all_read(first).await;
        all_read(second).await;
        nothing_is_left(&two).await;
    });
}

#[test]
fn right_changes_at_once_are_all_right() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        guarded(&vault, TOKEN, "hunter2", "correct horse").await;
        let changes: Vec<_> = (0..16)
            .map(|number| {
                let vault = vault.clone();
                tokio::spawn(async move {
                    let password = Secret::new("correct horse");
                    let proof = Proof::Unlock(Unlock::Password(&password));
                    code(
                        &vault
                            .renew(By::Token(TOKEN), Some(i64::MAX - number), proof)
                            .await,
                    )
                })
            })
            .collect();
        for change in changes {
            assert_eq!(change.await.expect("it ends"), "ok");
        }
        nothing_is_left(&vault).await;
    });
}

#[test]
fn wrong_ones_among_right_ones_are_counted() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        guarded(&vault, TOKEN, "hunter2", "correct horse").await;
        for _ in 0..5 {
            assert_eq!(
                value_with(&vault, TOKEN, "wrong horse").await,
                Err("invalidPassword")
            );
        }
        // One more is free: they take it one after the other, and each gives it back.
        all_read(readers(&vault, 8)).await;
        nothing_is_left(&vault).await;
    });
}

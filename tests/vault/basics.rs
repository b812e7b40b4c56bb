//! Secrets behind tokens: made, read, changed, deleted.

use chancery::vault::{
    By, NewPassword, NewSecret, NewToken, Proof, Secret, SecretBytes, SecretUpdate, Unlock, VaultError,
};
use chancery_scenarios::on_every_backend;

use super::vault;

#[test]
fn a_value_is_kept_behind_a_token_and_a_password() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let created = vault.create(NewSecret::new("hunter2")).await.expect("made");
        assert_eq!(created.token.expose().len(), 33);
        let read = vault
            .read(created.token.expose(), Unlock::None)
            .await
            .expect("read");
        assert_eq!((read.value.expose(), read.version), (&b"hunter2"[..], 1));

        let password = Secret::new("correct horse");
        let token = NewToken::Custom(Secret::new("smtp password"));
        let new = NewSecret::new("hunter3")
            .token(token)
            .password(&password)
            .data("owner", "ann");
        vault.create(new).await.expect("made");
        let refused = vault.read("smtp password", Unlock::None).await.err();
        assert!(
            matches!(refused, Some(VaultError::PasswordRequired)),
            "{refused:?}"
        );
        let wrong = Secret::new("wrong horse");
        let refused = vault.read("smtp password", Unlock::Password(&wrong)).await.err();
        assert!(
            matches!(refused, Some(VaultError::InvalidPassword)),
            "{refused:?}"
        );
        let read = vault
            .read("smtp password", Unlock::Password(&password))
            .await
            .expect("read");
        assert_eq!(read.value.expose(), b"hunter3");
        assert_eq!(read.data["owner"], "ann");

        let update = SecretUpdate {
            value: SecretBytes::new(b"hunter4".to_vec()),
            proof: Proof::Unlock(Unlock::Password(&password)),
            password: NewPassword::Keep,
            expected: None,
        };
        assert_eq!(
            vault
                .update(By::Token("smtp password"), update)
                .await
                .expect("updated"),
            2
        );
        let read = vault
            .read("smtp password", Unlock::Password(&password))
            .await
            .expect("read");
        assert_eq!(read.value.expose(), b"hunter4");
        let report = vault.verify_audit(None).await.expect("walked");
        assert_eq!(report.faults, Vec::<String>::new());
        assert!(report.entries > 6, "{report:?}");
    });
}

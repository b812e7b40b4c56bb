//! A root key in the environment. It never writes there, and reads one variable once.

use std::env::{self, VarError};

use async_trait::async_trait;
use zeroize::{Zeroize, Zeroizing};

use super::text::{self, KeyTextError};
use super::{Held, RootError, RootKey, Wrapped};
use crate::context::Context;
use crate::keys::Key;

/// A root key from an environment variable: 32 bytes as 64 hexadecimal digits or in base64, of either alphabet, with
/// blanks around them or not.
///
/// The variable is read once and stays in the environment of the process, where everybody who may look at the process
/// can see it; a [`FileRoot`](super::FileRoot) tells less.
///
/// ```
/// use chancery_vault::root::EnvRoot;
/// let error = EnvRoot::read("CHANCERY_ROOT_KEY_OF_NOBODY").unwrap_err().to_string();
/// assert!(error.contains("CHANCERY_ROOT_KEY_OF_NOBODY") && error.contains("openssl rand -hex 32"));
/// ```
#[derive(Debug)]
pub struct EnvRoot {
    variable: String,
    held: Held,
}

impl EnvRoot {
    /// Reads the key from a variable.
    ///
    /// # Errors
    /// [`RootError::NotSet`] or [`RootError::Text`].
    pub fn read(variable: &str) -> Result<EnvRoot, RootError> {
        match env::var(variable) {
            Ok(value) => EnvRoot::of(variable, &Zeroizing::new(value)),
            Err(VarError::NotPresent) => Err(RootError::NotSet {
                variable: variable.to_owned(),
            }),
            Err(VarError::NotUnicode(value)) => {
                value.into_encoded_bytes().zeroize();
                Err(not_a_key(variable, KeyTextError::Characters))
            }
        }
    }

    fn of(variable: &str, value: &str) -> Result<EnvRoot, RootError> {
        let key = text::parse(value).map_err(|fault| not_a_key(variable, fault))?;
        Ok(EnvRoot {
            variable: variable.to_owned(),
            held: Held::new(key),
        })
    }
}

fn origin(variable: &str) -> String {
    format!("the environment variable {variable}")
}

fn not_a_key(variable: &str, fault: KeyTextError) -> RootError {
    RootError::Text {
        origin: origin(variable),
        fault,
    }
}

#[async_trait]
impl RootKey for EnvRoot {
    fn origin(&self) -> String {
        origin(&self.variable)
    }

    async fn wrap(&self, place: &Context<'_>, master: &Key) -> Result<Wrapped, RootError> {
        Ok(self.held.wrap(place, master))
    }

    async fn unwrap(&self, place: &Context<'_>, wrapped: &Wrapped) -> Result<Key, RootError> {
        self.held.unwrap_own(self.origin(), place, wrapped)
    }
}

//! What a new password has to be, and rules of one's own for tokens and passwords. It hashes nothing, keeps nothing, and
//! says nothing about passwords that are set already.

use crate::limits::{MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARS};

/// What a new password has to be. By default it has at least [`MIN_PASSWORD_CHARS`] characters of whatever kind, and at
/// most [`MAX_PASSWORD_BYTES`] bytes.
///
/// A character is a Unicode scalar value; nothing is trimmed or normalised. An empty password is always refused.
///
/// ```
/// use chancery_vault::policy::{Classes, PasswordPolicy, PolicyIssue};
/// let policy = PasswordPolicy { min_chars: 8, require: Classes { digit: true, ..Classes::default() },
///     ..PasswordPolicy::default() };
/// assert_eq!(policy.check("correct horse 7"), Ok(()));
/// assert_eq!(policy.check("horse"), Err(vec![PolicyIssue::TooFewChars { min: 8 }, PolicyIssue::NoDigit]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// The least length in characters.
    pub min_chars: usize,
    /// The least length in bytes, for whoever counts as older systems do.
    pub min_bytes: usize,
    /// The most bytes. More than [`MAX_PASSWORD_BYTES`] means that limit.
    pub max_bytes: usize,
    /// What has to be in it.
    pub require: Classes,
}

impl Default for PasswordPolicy {
    fn default() -> PasswordPolicy {
        PasswordPolicy {
            min_chars: MIN_PASSWORD_CHARS,
            min_bytes: 0,
            max_bytes: MAX_PASSWORD_BYTES,
            require: Classes::default(),
        }
    }
}

/// Kinds of characters that a password needs one of each; none by default, as length is worth more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Classes {
    /// A lower-case letter of any script that has such.
    pub lower: bool,
    /// An upper-case letter of any script that has such.
    pub upper: bool,
    /// A digit of any script.
    pub digit: bool,
    /// A blank, or anything visible that is no letter, no digit and no mark on one.
    pub symbol: bool,
}

/// A rule that a password breaks. No variant holds any of the password, not even its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyIssue {
    /// There is nothing to judge, so no other rule is named beside it.
    #[error("the password is empty")]
    Empty,
    /// Too short, in characters.
    #[error("the password has fewer than {min} characters")]
    TooFewChars {
        /// The least it has to have.
        min: usize,
    },
    /// Too short, in bytes.
    #[error("the password has fewer than {min} bytes")]
    TooFewBytes {
        /// The least it has to have.
        min: usize,
    },
    /// Too long.
    #[error("the password has more than {max} bytes")]
    TooManyBytes {
        /// The most it may have.
        max: usize,
    },
    /// A lower-case letter is missing.
    #[error("the password has no lower-case letter")]
    NoLower,
    /// An upper-case letter is missing.
    #[error("the password has no upper-case letter")]
    NoUpper,
    /// A digit is missing.
    #[error("the password has no digit")]
    NoDigit,
    /// A symbol is missing.
    #[error("the password has no symbol: neither a blank nor a character that is no letter and no digit")]
    NoSymbol,
}

impl PasswordPolicy {
    /// Whether a new password is as it has to be.
    ///
    /// # Errors
    /// Every rule that it breaks, in the order of [`PolicyIssue`]; for an empty one [`PolicyIssue::Empty`] alone.
    pub fn check(&self, password: &str) -> Result<(), Vec<PolicyIssue>> {
        if password.is_empty() {
            return Err(vec![PolicyIssue::Empty]);
        }
        let (bytes, max) = (password.len(), self.max_bytes.min(MAX_PASSWORD_BYTES));
        let lacks = |required: bool, is: fn(char) -> bool| required && !password.chars().any(is);
        let rules = [
            (
                password.chars().count() < self.min_chars,
                PolicyIssue::TooFewChars { min: self.min_chars },
            ),
            (
                bytes < self.min_bytes,
                PolicyIssue::TooFewBytes { min: self.min_bytes },
            ),
            (bytes > max, PolicyIssue::TooManyBytes { max }),
            (
                lacks(self.require.lower, char::is_lowercase),
                PolicyIssue::NoLower,
            ),
            (
                lacks(self.require.upper, char::is_uppercase),
                PolicyIssue::NoUpper,
            ),
            (lacks(self.require.digit, char::is_numeric), PolicyIssue::NoDigit),
            (lacks(self.require.symbol, is_symbol), PolicyIssue::NoSymbol),
        ];
        let issues: Vec<PolicyIssue> = rules
            .into_iter()
            .filter_map(|(broken, issue)| broken.then_some(issue))
            .collect();
        match issues.is_empty() {
            true => Ok(()),
            false => Err(issues),
        }
    }
}

fn is_symbol(character: char) -> bool {
    if character.is_alphanumeric() || character.is_control() {
        return false;
    }
    // The standard library escapes by its number what is not seen by itself: marks above all, so that a letter and its
    // accent are a letter, in one character or in two.
    character.is_whitespace() || character.escape_debug().nth(1) != Some('u')
}

/// Rules of one's own for the tokens and the passwords of new secrets, beside those of the vault and of a
/// [`PasswordPolicy`]. Without a method of its own, one allows everything.
///
/// The message of an error is shown to the caller and may stand in logs: it **must not hold the token or the password**,
/// nor any part of them.
///
/// ```
/// use chancery_vault::policy::Validator;
///
/// /// Chosen tokens are named after a team, and no password is the name of the product.
/// struct OfTheHouse;
///
/// impl Validator for OfTheHouse {
///     fn validate_token(&self, token: &str) -> Result<(), String> {
///         match token.starts_with("team-") || token.starts_with("tk_") {
///             true => Ok(()),
///             false => Err("a token starts with team-".to_owned()),
///         }
///     }
///
///     fn validate_password(&self, password: &str) -> Result<(), String> {
///         match password.to_lowercase().contains("chancery") {
///             true => Err("a password does not hold the name of the product".to_owned()),
///             false => Ok(()),
///         }
///     }
/// }
///
/// let validator: &dyn Validator = &OfTheHouse;
/// assert_eq!(validator.validate_token("team-mail smtp"), Ok(()));
/// assert!(validator.validate_token("smtp").is_err());
/// assert!(validator.validate_password("I love Chancery").is_err());
/// ```
pub trait Validator: Send + Sync {
    /// Whether a secret may have this token.
    ///
    /// # Errors
    /// What is wrong, without the token.
    fn validate_token(&self, _token: &str) -> Result<(), String> {
        Ok(())
    }

    /// Whether a secret may have this password.
    ///
    /// # Errors
    /// What is wrong, without the password.
    fn validate_password(&self, _password: &str) -> Result<(), String> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: Classes = Classes {
        lower: true,
        upper: true,
        digit: true,
        symbol: true,
    };

    fn check(policy: PasswordPolicy, password: &str, expected: &[PolicyIssue]) {
        let issues = policy.check(password).err().unwrap_or_default();
        assert_eq!(issues, expected, "{password:?}");
    }

    fn requiring(require: Classes) -> PasswordPolicy {
        PasswordPolicy {
            min_chars: 1,
            require,
            ..PasswordPolicy::default()
        }
    }

    #[test]
    fn by_default_length_alone_counts_and_in_characters() {
        let policy = PasswordPolicy::default();
        let short = [PolicyIssue::TooFewChars { min: 12 }];
        check(policy, "aaaaaaaaaaaa", &[]);
        check(policy, "            ", &[]);
        check(policy, "aaaaaaaaaaa", &short);
        check(policy, "грусть тоска", &[]);
        check(policy, "грустьтоска", &short);
        check(policy, "🔑🔑🔑🔑🔑🔑", &short);
        check(policy, "", &[PolicyIssue::Empty]);
        let any = PasswordPolicy {
            min_chars: 0,
            ..policy
        };
        check(any, "", &[PolicyIssue::Empty]);
        check(any, "x", &[]);
    }

    #[test]
    fn bytes_have_limits_of_their_own() {
        let policy = PasswordPolicy {
            min_chars: 1,
            min_bytes: 8,
            max_bytes: 10,
            ..PasswordPolicy::default()
        };
        check(policy, "seven77", &[PolicyIssue::TooFewBytes { min: 8 }]);
        check(policy, "öööö", &[]);
        check(policy, "0123456789", &[]);
        check(policy, "01234567890", &[PolicyIssue::TooManyBytes { max: 10 }]);
        // No policy goes beyond what a vault takes.
        let endless = PasswordPolicy {
            max_bytes: usize::MAX,
            ..policy
        };
        check(endless, &"x".repeat(1024), &[]);
        check(
            endless,
            &"x".repeat(1025),
            &[PolicyIssue::TooManyBytes { max: 1024 }],
        );
    }

    #[test]
    fn every_broken_rule_is_named_at_once() {
        use PolicyIssue::{NoDigit, NoLower, NoSymbol, NoUpper, TooFewBytes, TooFewChars};
        let policy = PasswordPolicy {
            min_bytes: 20,
            require: ALL,
            ..PasswordPolicy::default()
        };
        let both = [TooFewChars { min: 12 }, TooFewBytes { min: 20 }];
        check(
            policy,
            "字",
            &[&both[..], &[NoLower, NoUpper, NoDigit, NoSymbol]].concat(),
        );
        check(policy, "a7", &[&both[..], &[NoUpper, NoSymbol]].concat());
        check(policy, "Correct horse, battery 7", &[]);
        check(policy, "Correct horse, battery x", &[NoDigit]);
    }

    #[test]
    fn letters_of_any_script_are_letters_and_no_symbols() {
        use PolicyIssue::{NoDigit, NoLower, NoSymbol, NoUpper};
        let policy = requiring(ALL);
        check(policy, "é", &[NoUpper, NoDigit, NoSymbol]);
        // The same in two characters: the letter and its accent.
        check(policy, "e\u{301}", &[NoUpper, NoDigit, NoSymbol]);
        check(policy, "Ω", &[NoLower, NoDigit, NoSymbol]);
        check(policy, "Жук", &[NoDigit, NoSymbol]);
        for caseless in ["漢字", "क्षत्रिय", "שלום", "مرحبا", "สวัสดี", "ひらがな"]
        {
            check(policy, caseless, &[NoLower, NoUpper, NoDigit, NoSymbol]);
        }
        check(policy, "٣", &[NoLower, NoUpper, NoSymbol]);
    }

    #[test]
    fn what_is_seen_or_a_blank_is_a_symbol_and_nothing_else() {
        for symbol in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ €§→🔑、\u{a0}\u{3000}".chars() {
            assert!(is_symbol(symbol), "{symbol:?}");
        }
        for other in "aZß字7٣\u{301}\u{94d}\u{200d}\u{fe0f}\0\n\u{85}\u{7f}".chars() {
            assert!(!is_symbol(other), "{other:?}");
        }
    }

    #[test]
    fn a_validator_allows_everything_unless_it_says_otherwise() {
        struct Silent;
        impl Validator for Silent {}
        let validator: &dyn Validator = &Silent;
        assert_eq!(validator.validate_token(""), Ok(()));
        assert_eq!(validator.validate_password(""), Ok(()));
    }

    proptest! {
        #[test]
        fn no_message_tells_the_password_and_every_issue_is_true(password in "\\PC{0,30}", bits: [bool; 4]) {
            let [lower, upper, digit, symbol] = bits;
            let policy = PasswordPolicy {
                min_bytes: 14,
                max_bytes: 25,
                require: Classes { lower, upper, digit, symbol },
                ..PasswordPolicy::default()
            };
            let marked = format!("canary{password}");
            for issue in policy.check(&marked).err().unwrap_or_default() {
                let told = format!("{issue} {issue:?}");
                prop_assert!(!told.contains("canary"));
                let broken = match issue {
                    PolicyIssue::Empty => marked.is_empty(),
                    PolicyIssue::TooFewChars { min } => marked.chars().count() < min,
                    PolicyIssue::TooFewBytes { min } => marked.len() < min,
                    PolicyIssue::TooManyBytes { max } => marked.len() > max,
                    PolicyIssue::NoLower => lower && !marked.chars().any(char::is_lowercase),
                    PolicyIssue::NoUpper => upper && !marked.chars().any(char::is_uppercase),
                    PolicyIssue::NoDigit => digit && !marked.chars().any(char::is_numeric),
                    PolicyIssue::NoSymbol => symbol && !marked.chars().any(is_symbol),
                };
                prop_assert!(broken);
            }
        }
    }
}

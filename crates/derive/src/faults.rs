//! What is wrong with a struct, gathered so that all of it is said at once. It finds nothing itself.

use quote::ToTokens;

/// The mistakes that were found so far.
#[derive(Default)]
pub(crate) struct Faults(Option<syn::Error>);

impl Faults {
    /// Reports a mistake at its place.
    pub(crate) fn at(&mut self, place: impl ToTokens, message: impl std::fmt::Display) {
        self.add(syn::Error::new_spanned(place, message));
    }

    /// Reports a mistake that was found by a parser.
    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The value of an outcome, or its mistake reported.
    pub(crate) fn take<T>(&mut self, outcome: syn::Result<T>) -> Option<T> {
        outcome.map_err(|error| self.add(error)).ok()
    }

    /// Whether nothing was reported.
    pub(crate) fn none(&self) -> bool {
        self.0.is_none()
    }

    /// `value` if nothing was reported.
    pub(crate) fn or<T>(self, value: T) -> syn::Result<T> {
        match self.0 {
            Some(error) => Err(error),
            None => Ok(value),
        }
    }
}

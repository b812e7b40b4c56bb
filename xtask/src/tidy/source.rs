//! A Rust file as the checks see it: the names it uses, its text literals, its functions.
//!
//! Leaves out what stands under `#[cfg(test)]`; resolves no imports and expands no macros.

use anyhow::{Context, Result};
use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::Visit;

/// One parsed file.
pub(crate) struct Source {
    /// Every `a::b::c` with its line; the members of a grouped import one by one.
    pub(crate) paths: Vec<(usize, String)>,
    /// Every text literal outside documentation, with its line.
    pub(crate) literals: Vec<(usize, String)>,
    /// Every function with a body, tests too: name, first line, number of lines.
    pub(crate) functions: Vec<(String, usize, usize)>,
}

impl Source {
    /// Parses the text of a file; `path` is for the error.
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self> {
        let file = syn::parse_file(text).with_context(|| format!("{path} is not Rust that parses"))?;
        let tokens: TokenStream = text
            .parse()
            .map_err(|error| anyhow::anyhow!("{path} is not Rust that can be read: {error}"))?;
        let mut functions = Functions::default();
        functions.visit_file(&file);
        let mut source = Self {
            paths: Vec::new(),
            literals: Vec::new(),
            functions: functions.found,
        };
        source.walk(tokens, "");
        Ok(source)
    }

    fn walk(&mut self, tokens: TokenStream, prefix: &str) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = match &tokens[at] {
                TokenTree::Punct(punct) if punct.as_char() == '#' => self.attribute(&tokens, at),
                TokenTree::Ident(_) => self.path(&tokens, at, prefix),
                TokenTree::Literal(literal) => {
                    self.literals
                        .push((line(literal.span()), unquote(&literal.to_string())));
                    at + 1
                }
                TokenTree::Group(group) => {
                    let inherited = if group.delimiter() == Delimiter::Brace {
                        prefix
                    } else {
                        ""
                    };
                    self.walk(group.stream(), inherited);
                    at + 1
                }
                TokenTree::Punct(_) => at + 1,
            };
        }
    }

    /// Passes over an attribute; over the item it marks as well if that is for tests only.
    fn attribute(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let mut next = at + 1;
        if matches!(tokens.get(next), Some(TokenTree::Punct(punct)) if punct.as_char() == '!') {
            next += 1;
        }
        let Some(TokenTree::Group(group)) = tokens.get(next) else {
            return next;
        };
        let text = group.stream().to_string().replace(' ', "");
        if text.starts_with("cfg(test") || text.starts_with("cfg(all(test") {
            return item_end(tokens, next + 1);
        }
        if !text.starts_with("doc=") {
            self.walk(group.stream(), "");
        }
        next + 1
    }

    /// Reads `a::b::c` or `a::b::{c, d}` from `at` on.
    fn path(&mut self, tokens: &[TokenTree], at: usize, prefix: &str) -> usize {
        let mut names = if prefix.is_empty() {
            Vec::new()
        } else {
            vec![prefix.to_owned()]
        };
        let mut next = at;
        let start = line(tokens[at].span());
        while let Some(TokenTree::Ident(ident)) = tokens.get(next) {
            names.push(ident.to_string());
            next += 1;
            if !is_double_colon(tokens, next) {
                break;
            }
            next += 2;
            if let Some(TokenTree::Group(group)) = tokens.get(next)
                && group.delimiter() == Delimiter::Brace
            {
                self.walk(group.stream(), &names.join("::"));
                return next + 1;
            }
        }
        self.paths.push((start, names.join("::")));
        next.max(at + 1)
    }
}

fn is_double_colon(tokens: &[TokenTree], at: usize) -> bool {
    let colon =
        |tree: Option<&TokenTree>| matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    colon(tokens.get(at)) && colon(tokens.get(at + 1))
}

/// Behind the item that starts at `at`: after its body, or its semicolon.
fn item_end(tokens: &[TokenTree], at: usize) -> usize {
    let ends = |tree: &TokenTree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    };
    tokens[at.min(tokens.len())..]
        .iter()
        .position(ends)
        .map_or(tokens.len(), |found| at + found + 1)
}

fn line(span: Span) -> usize {
    span.start().line
}

/// The inside of a text literal; other literals as they are.
fn unquote(literal: &str) -> String {
    match (literal.find('"'), literal.rfind('"')) {
        (Some(first), Some(last)) if first < last => literal[first + 1..last].to_owned(),
        _ => String::new(),
    }
}

#[derive(Default)]
struct Functions {
    found: Vec<(String, usize, usize)>,
}

impl Functions {
    fn add(&mut self, name: &syn::Ident, first: Span, body: &syn::Block) {
        let start = first.start().line;
        self.found
            .push((name.to_string(), start, body.span().end().line + 1 - start));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig.ident, item.sig.span(), &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig.ident, item.sig.span(), &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.add(&item.sig.ident, item.sig.span(), body);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_literals_and_functions_are_found_and_test_code_is_not() {
        let text = "use std::{fs, io::{self, Read}};\n/// DOC SELECT\nfn f() {\n    let a = tokio::spawn(vec![std::net::X]);\n    \"text\"\n}\n\
                    #[cfg(test)]\nmod tests { use std::time::Instant; const A: &str = \"not seen\"; }\nstruct S;";
        let source = Source::parse("x.rs", text).expect("parses");
        let paths: Vec<_> = source
            .paths
            .iter()
            .map(|(line, path)| format!("{line} {path}"))
            .collect();
        for wanted in [
            "1 std::fs",
            "1 std::io::self",
            "1 std::io::Read",
            "4 tokio::spawn",
            "4 std::net::X",
            "9 S",
        ] {
            assert!(
                paths.iter().any(|path| path == wanted),
                "{wanted} is not in {paths:?}"
            );
        }
        assert!(!paths.iter().any(|path| path.contains("Instant")), "{paths:?}");
        assert_eq!(source.literals, [(5, "text".to_owned())]);
        assert_eq!(source.functions, [("f".to_owned(), 3, 4)]);
    }

    #[test]
    fn a_file_that_does_not_parse_is_named() {
        let Err(error) = Source::parse("x.rs", "fn {") else {
            panic!("it parsed")
        };
        assert_eq!(error.to_string(), "x.rs is not Rust that parses");
    }
}

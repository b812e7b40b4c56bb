//! The bell: tells whoever reads the change log that there is more to read, and whoever keeps definitions in memory that
//! they are old. It carries no changes and keeps no order: the log does both.

use tokio::sync::watch;

use crate::batch::{Batch, DocumentWrite, Write};
use crate::definition::{DEFINITION_KIND, WORKSPACE_KIND};

/// What is new. Both only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// The newest revision that is known of.
    pub revision: u64,
    /// The newest revision of those that may have changed a definition: of a table or a workspace.
    pub definitions: u64,
}

/// Rings for everybody who listens.
#[derive(Clone, Debug)]
pub(crate) struct Bell(watch::Sender<News>);

impl Default for Bell {
    fn default() -> Bell {
        Bell(watch::Sender::new(News::default()))
    }
}

impl Bell {
    /// Rings, if this is news.
    pub(crate) fn ring(&self, news: News) {
        self.0.send_if_modified(|known| {
            let newest = News {
                revision: known.revision.max(news.revision),
                definitions: known.definitions.max(news.definitions),
            };
            let modified = newest != *known;
            *known = newest;
            modified
        });
    }

    /// Rings for a commit.
    pub(crate) fn committed(&self, revision: u64, defines: bool) {
        self.ring(News {
            revision,
            definitions: if defines { revision } else { 0 },
        });
    }

    /// Hears it from now on; the newest news is there at once.
    pub(crate) fn listen(&self) -> watch::Receiver<News> {
        self.0.subscribe()
    }
}

/// Whether a batch changes what every process keeps in memory.
pub(crate) fn defines(batch: &Batch) -> bool {
    batch.documents.iter().any(is_definition)
        || batch.writes.iter().any(|write| matches!(write, Write::Schema(_)))
}

/// Whether a document is one that every process keeps in memory.
pub(crate) fn is_definition(write: &DocumentWrite) -> bool {
    let kind = match write {
        DocumentWrite::Put { document, .. } => &document.kind,
        DocumentWrite::Delete { kind, .. } => kind,
    };
    [DEFINITION_KIND, WORKSPACE_KIND].contains(&kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_never_goes_back_and_old_news_does_not_ring() {
        let bell = Bell::default();
        let mut listener = bell.listen();
        bell.committed(7, true);
        bell.committed(5, true);
        assert!(listener.has_changed().expect("it is open"));
        let news = News {
            revision: 7,
            definitions: 7,
        };
        assert_eq!(*listener.borrow_and_update(), news);
        bell.committed(6, false);
        assert!(!listener.has_changed().expect("it is open"));
        bell.committed(8, false);
        assert_eq!(
            *listener.borrow_and_update(),
            News {
                revision: 8,
                definitions: 7
            }
        );
    }
}

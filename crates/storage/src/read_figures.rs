//! Plain numbers about where reads were answered. They are for metrics and people; nothing is decided by them.

/// How the reads of a process were spread over a server and its replicas, since the store was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadFigures {
    /// Reads that a replica might have answered and the primary did.
    pub primary: u64,
    /// Each replica, in the order it was named; none where there is one copy only.
    pub replicas: Vec<ReplicaFigures>,
}

/// One replica, and what it has done since the store was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaFigures {
    /// The server and database, without a password.
    pub server: String,
    /// Why nobody reads from it now; none if it is read from.
    pub out: Option<String>,
    /// Reads it answered.
    pub reads: u64,
    /// Reads that went elsewhere because it had not replayed what they had to show.
    pub behind: u64,
    /// Reads that failed there and were answered elsewhere.
    pub failures: u64,
    /// How often it was taken out.
    pub times_out: u64,
    /// The newest revision it was seen to have.
    pub revision: u64,
    /// For how long the oldest commit that it lacked when last asked had been known, in ms.
    pub lag_ms: u64,
}
